/** What is shown of all uploads. */
import type { Usage } from "@/api/types";
import { type Folder, type Job, OPEN } from "@/uploads/jobs";
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
  asks: Job | null;
  full: Full | null;
}

export function viewOf(jobs: readonly Job[], rate: Rate, full: Full | null): UploadsView {
  const counts = { done: 0, failed: 0, open: 0, paused: 0, total: 0, sent: 0 };
  for (const job of jobs) {
    if (job.state === "skipped") continue;
    counts.total += job.size;
    counts.sent += Math.min(job.sent, job.size);
    if (job.state === "done") counts.done += 1;
    else if (job.state === "failed") counts.failed += 1;
    else if (job.state === "paused" || job.state === "needs-file") counts.paused += 1;
    else if (OPEN.has(job.state)) counts.open += 1;
  }
  return {
    ...counts,
    visible: jobs.length > 0,
    jobs: [...jobs],
    rate: counts.open ? rate.perSecond() : 0,
    asks: jobs.find((job) => job.state === "taken") ?? null,
    full,
  };
}
