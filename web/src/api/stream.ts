/**
 * A stream of the server's events that is opened again whenever it ends: with new tokens, and later each time it failed.
 * It is closed while the tab is hidden: by HTTP/1.1 browsers have six connections to a host, for all tabs together.
 */
import { ended, refresh } from "@/api/session";

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

interface Stream {
  /** Asked each time it is opened. */
  url: () => string;
  /** By the names of events. */
  on: Record<string, (event: MessageEvent<string>) => void>;
  opened: () => void;
  /** It broke or was refused: it is tried again until it opens. */
  lost: () => void;
}

/** Open until the returned function is called. */
export function stream({ url, on, opened, lost }: Stream): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_RETRY_MS;
  let stopped = false;

  function connect(): void {
    if (stopped || document.hidden) return;
    source?.close();
    source = new EventSource(url());
    source.onopen = () => {
      wait = FIRST_RETRY_MS;
      opened();
    };
    source.onerror = () => {
      lost();
      again(wait);
      wait = Math.min(wait * 2, LONGEST_RETRY_MS);
    };
    for (const [name, listener] of Object.entries(on)) source.addEventListener(name, listener);
    for (const end of ["token_expired", "cursor_expired"]) source.addEventListener(end, () => again(0));
  }

  function again(afterMs: number): void {
    close();
    timer = setTimeout(async () => {
      try {
        if (!(await refresh())) {
          if (!stopped) ended();
          return;
        }
      } catch {
        // Not to be reached: the next try comes later.
      }
      connect();
    }, afterMs);
  }

  function close(): void {
    clearTimeout(timer);
    source?.close();
  }

  function onVisibility(): void {
    close();
    connect();
  }

  connect();
  document.addEventListener("visibilitychange", onVisibility);
  return () => {
    stopped = true;
    document.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}
