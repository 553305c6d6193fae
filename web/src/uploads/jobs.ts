/** One upload, and its state stored across reloads. */
import type { FileItem, Usage } from "@/api/types";
import { fitting, splitName } from "@/lib/names";
import { recall, remember } from "@/lib/theme";

export type JobState =
  | "waiting"
  | "sending"
  | "finishing"
  | "paused"
  | "taken" // there is something of that name: to be asked
  | "needs-file" // begun before a reload: the browser has to be given the file again
  | "failed"
  | "done"
  | "skipped";

export interface Folder {
  id: string;
  name: string;
}

export interface Job {
  id: number;
  name: string;
  /** Below the folder. */
  path: string;
  /** The path that the file was found at: `path` may have given way to a name that was taken. */
  source: string;
  folder: Folder;
  size: number;
  modified: number;
  file: File | null;
  kept?: string;
  state: JobState;
  sent: number;
  uploadId: string | null;
  onTaken: "ask" | "replace" | "keep" | "skip";
  /** The name that is taken is a folder's, which no file replaces. */
  takenByFolder?: boolean;
  error?: string;
  usage?: Usage;
  result?: FileItem;
  abort: AbortController;
}

export const OPEN: ReadonlySet<JobState> = new Set(["waiting", "sending", "finishing"]);

export function newJob(id: number, file: File, path: string, folder: Folder, kept?: string): Job {
  return {
    id,
    name: nameOf(path),
    path,
    source: path,
    folder: { id: folder.id, name: folder.name },
    size: file.size,
    modified: file.lastModified,
    file,
    kept,
    state: "waiting",
    sent: 0,
    uploadId: null,
    onTaken: "ask",
    abort: new AbortController(),
  };
}

const keyOf = (account: string) => `docstore.uploads.${account}`;

const KEPT_MS = 7 * 24 * 3600_000;
/** What browsers keep for a page is bounded: of more files than this the rest is forgotten. */
const MOST_KEPT = 20_000;

export interface Remembered {
  /** Null: it was not begun. */
  uploadId: string | null;
  path: string;
  source: string;
  folder: Folder;
  size: number;
  modified: number;
  /** When it was noted, in milliseconds. */
  at: number;
  /** Which tab has it in hand. */
  tab: string;
}

const TAB = `${Date.now()}.${Math.random()}`;
const LOCK = "docstore.uploads.";

// Held until the tab is gone, however it goes.
void navigator.locks?.request(LOCK + TAB, () => new Promise(() => undefined));

/** The other tabs that are open: what they have in hand was not cut off. */
export async function otherTabs(): Promise<ReadonlySet<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const tabs = held.flatMap(({ name }) => (name?.startsWith(LOCK) ? name.slice(LOCK.length) : []));
  return new Set(tabs.filter((tab) => tab !== TAB));
}

/** Key of a stored upload. */
export const keyOfJob = (job: Pick<Job, "uploadId" | "path" | "folder">) =>
  job.uploadId ?? `${job.folder.id}:${job.path}`;

/** Remember what is not over, begun or not, and forget what else was of `known`; anything other that is remembered stays. */
export function rememberJobs(account: string, jobs: Job[], known: ReadonlySet<string>): void {
  const others = rememberedJobs(account).filter((kept) => !known.has(keyOfJob(kept)));
  const open = jobs.filter((job) => !["done", "skipped"].includes(job.state));
  const kept: Remembered[] = open.slice(0, MOST_KEPT).map((job) => ({
    uploadId: job.uploadId,
    path: job.path,
    source: job.source,
    folder: job.folder,
    size: job.size,
    modified: job.modified,
    at: Date.now(),
    tab: TAB,
  }));
  remember(keyOf(account), JSON.stringify([...others, ...kept]));
}

export function rememberedJobs(account: string): Remembered[] {
  try {
    const kept = JSON.parse(recall(keyOf(account)) ?? "[]") as Remembered[];
    const since = Date.now() - KEPT_MS;
    return Array.isArray(kept) ? kept.filter(({ at = Date.now() }) => at > since) : [];
  } catch {
    return [];
  }
}

export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** Whether `file` can be what the job was begun with: it is called as it was then, as long and as old. */
export const isFileOf = (job: Job, file: File) =>
  nameOf(job.source) === file.name.normalize("NFC") && job.size === file.size && job.modified === file.lastModified;

/** "photo (2).jpg", "photo (3).jpg": the next name to try where one is taken. */
export function nextName(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  const [stem, ending] = splitName(path.slice(slash));
  const numbered = /^(.*) \((\d+)\)$/.exec(stem);
  const [base = stem, number] = numbered ? [numbered[1], Number(numbered[2]) + 1] : [stem, 2];
  return path.slice(0, slash) + fitting(base, ` (${number})${ending}`);
}
