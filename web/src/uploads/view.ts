/** Summary of all uploads for display. */
import type { Usage } from "@/api/types";
import { type Folder, type Job, type JobState, OPEN } from "@/uploads/jobs";
import type { Rate } from "@/uploads/rate";

/** What did not fit, and whose storage that is if it is one's own. */
export interface Full {
  usage: Usage | null;
  folder: Folder;
}

export interface UploadsView {
  visible: boolean;
  jobs: readonly Job[];
  total: number;
  sent: number;
  done: number;
  failed: number;
  open: number;
  paused: number;
  /** Bytes a second. */
  rate: number;
  /** The first that waits for an answer, and how many do. */
  asks: Job | null;
  asking: number;
  /** Cut off by a reload: how many wait for their files, and whether some lie in folders. */
  needFiles: number;
  needFolder: boolean;
  full: Full | null;
}

/** Orders active and waiting uploads before finished ones. */
const RANKS: Record<JobState, number> = {
  sending: 0, finishing: 0, taken: 1, failed: 2, "needs-file": 3, paused: 4, waiting: 5, done: 6, skipped: 7,
};

function ranked(jobs: readonly Job[]): Job[] {
  const byRank: Job[][] = Array.from({ length: 8 }, () => []);
  for (const job of jobs) byRank[RANKS[job.state]]?.push(job);
  byRank[RANKS.done]?.reverse(); // what has just come is first
  return byRank.flat();
}

export function viewOf(jobs: readonly Job[], rate: Rate, full: Full | null): UploadsView {
  const counts = { asking: 0, needFiles: 0, needFolder: false, done: 0, failed: 0, open: 0, paused: 0, total: 0, sent: 0 };
  for (const job of jobs) {
    if (job.state === "skipped") continue;
    counts.total += job.size;
    counts.sent += Math.min(job.sent, job.size);
    if (job.state === "done") counts.done += 1;
    else if (job.state === "failed") counts.failed += 1;
    else if (job.state === "taken") counts.asking += 1;
    else if (job.state === "paused" || job.state === "needs-file") counts.paused += 1;
    if (job.state === "needs-file") {
      counts.needFiles += 1;
      counts.needFolder ||= job.source.includes("/");
    } else if (OPEN.has(job.state)) counts.open += 1;
  }
  return {
    ...counts,
    visible: jobs.length > 0,
    jobs: ranked(jobs),
    rate: counts.open ? rate.perSecond() : 0,
    asks: jobs.find((job) => job.state === "taken") ?? null,
    full,
  };
}
