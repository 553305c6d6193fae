/** A view of changing state for `useSyncExternalStore`, rebuilt at most every 100 ms. */
const NOTIFY_MS = 100;

export class Snapshot<T> {
  current: T;
  private listeners = new Set<() => void>();
  private notifying: ReturnType<typeof setTimeout> | undefined;

  constructor(private look: () => T) {
    this.current = look();
  }

  changed(): void {
    this.notifying ??= setTimeout(() => {
      this.notifying = undefined;
      this.current = this.look();
      for (const listener of this.listeners) listener();
    }, NOTIFY_MS);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
