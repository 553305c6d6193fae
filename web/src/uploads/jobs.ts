/** One file on its way, and what is remembered of it over a reload. */
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

export function newJob(id: number, file: File, path: string, folder: Folder): Job {
  return {
    id,
    name: nameOf(path),
    path,
    source: path,
    folder: { id: folder.id, name: folder.name },
    size: file.size,
    modified: file.lastModified,
    file,
    state: "waiting",
    sent: 0,
    uploadId: null,
    onTaken: "ask",
    abort: new AbortController(),
  };
}

const keyOf = (account: string) => `docstore.uploads.${account}`;

interface Remembered {
  uploadId: string;
  path: string;
  source: string;
  folder: Folder;
  size: number;
  modified: number;
}

/** Remember what is under way, and forget what else was of `known`; anything other that is remembered stays. */
export function rememberJobs(account: string, jobs: Job[], known: ReadonlySet<string>): void {
  const others = rememberedJobs(account).filter(({ uploadId }) => !known.has(uploadId));
  const begun = jobs.filter((job) => job.uploadId && !["done", "skipped"].includes(job.state));
  const kept: Remembered[] = begun.map((job) => ({
    uploadId: job.uploadId as string,
    path: job.path,
    source: job.source,
    folder: job.folder,
    size: job.size,
    modified: job.modified,
  }));
  remember(keyOf(account), JSON.stringify([...others, ...kept]));
}

export function rememberedJobs(account: string): Remembered[] {
  try {
    const kept = JSON.parse(recall(keyOf(account)) ?? "[]") as Remembered[];
    return Array.isArray(kept) ? kept : [];
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
