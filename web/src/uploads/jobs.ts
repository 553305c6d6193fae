/** One file on its way, and what is remembered of it over a reload. */
import type { FileItem, Usage } from "@/api/types";
import { recall, remember } from "@/lib/theme";

export type JobState =
  | "waiting"
  | "sending"
  | "finishing"
  | "paused"
  | "taken" // there is a file of that name: to be asked
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
  folder: Folder;
  size: number;
  modified: number;
  file: File | null;
  state: JobState;
  sent: number;
  uploadId: string | null;
  onTaken: "ask" | "replace" | "keep" | "skip";
  error?: string;
  code?: string;
  usage?: Usage;
  result?: FileItem;
  abort: AbortController;
}

export const OPEN: ReadonlySet<JobState> = new Set(["waiting", "sending", "finishing"]);

const KEY = "docstore.uploads";

interface Remembered {
  uploadId: string;
  path: string;
  folder: Folder;
  size: number;
  modified: number;
}

export function rememberJobs(jobs: Job[]): void {
  const begun = jobs.filter((job) => job.uploadId && !["done", "skipped"].includes(job.state));
  const kept: Remembered[] = begun.map((job) => ({
    uploadId: job.uploadId as string,
    path: job.path,
    folder: job.folder,
    size: job.size,
    modified: job.modified,
  }));
  remember(KEY, JSON.stringify(kept));
}

export function rememberedJobs(): Remembered[] {
  try {
    const kept = JSON.parse(recall(KEY) ?? "[]") as Remembered[];
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** "photo (2).jpg", "photo (3).jpg": the next name to try where one is taken. */
export function nextName(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  const name = path.slice(slash);
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const numbered = /^(.*) \((\d+)\)$/.exec(stem);
  const [base, number] = numbered ? [numbered[1], Number(numbered[2]) + 1] : [stem, 2];
  return `${path.slice(0, slash)}${base} (${number})${ending}`;
}
