/** A text that is being edited: saved by itself soon after the last key, and kept in this browser until it is. */
import { hasCode, reason } from "@/api/problem";
import type { FileItem } from "@/api/types";
import { type EditedText, saveVersion } from "@/editor/saving";

export const SAVED_AFTER_MS = 3_000;

export type DraftState = "saved" | "unsaved" | "saving" | "conflict" | "failed";

const keyOf = (file: FileItem) => `docstore.draft.${file.id}`;

/** What an earlier page could not save, and the version that it began with. */
export function leftBehind(file: FileItem): { text: string; base: number } | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(file)) ?? "null") as { text?: unknown; base?: unknown } | null;
    return typeof kept?.text === "string" && typeof kept.base === "number" ? { text: kept.text, base: kept.base } : undefined;
  } catch {
    return undefined;
  }
}

export class Draft {
  state: DraftState = "saved";
  /** Why it could not be saved. */
  why = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly file: FileItem,
    private content: EditedText,
    private base: number,
    private readonly changed: (state: DraftState) => void,
    private readonly stored: (file: FileItem) => void,
  ) {}

  get text(): string {
    return this.content.text;
  }

  edit(text: string): void {
    this.content = { ...this.content, text };
    this.keep();
    if (this.state === "conflict") return;
    if (this.state !== "saving") this.become("unsaved");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), SAVED_AFTER_MS);
  }

  /** Save now what is not; returns once nothing is left, or it can't be. */
  async save(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    if (this.state !== "unsaved" && this.state !== "failed") return;
    await this.run("fail");
  }

  /** What to do about a version that someone else has made meanwhile. */
  async resolve(how: "overwrite" | "copy", current: number): Promise<void> {
    if (how === "overwrite") this.base = current;
    await this.run(how === "copy" ? "copy" : "fail");
  }

  /** Give up what is not saved. */
  discard(): void {
    clearTimeout(this.timer);
    this.forget();
    this.become("saved");
  }

  private run(onConflict: "fail" | "copy"): Promise<void> {
    this.running = this.send(onConflict).finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async send(onConflict: "fail" | "copy"): Promise<void> {
    const sent = this.content;
    this.become("saving");
    try {
      const stored = await saveVersion(this.file, this.base, sent, onConflict);
      if (stored.id === this.file.id) this.base = stored.version;
      this.stored(stored);
      if (this.content === sent) {
        this.forget();
        this.become("saved");
      } else {
        this.become("unsaved");
        this.timer = setTimeout(() => void this.save(), SAVED_AFTER_MS);
      }
    } catch (error) {
      this.why = reason(error);
      this.become(hasCode(error, "version_conflict") ? "conflict" : "failed");
    }
  }

  private become(state: DraftState): void {
    this.state = state;
    this.changed(state);
  }

  private keep(): void {
    try {
      localStorage.setItem(keyOf(this.file), JSON.stringify({ text: this.content.text, base: this.base }));
    } catch {
      // No room, or no storage: it is saved by the server within seconds.
    }
  }

  private forget(): void {
    try {
      localStorage.removeItem(keyOf(this.file));
    } catch {
      // There is none.
    }
  }
}
