/** Chooses the next batch of waiting uploads. */
import type { Job } from "@/uploads/jobs";
import { isSmall } from "@/uploads/sender";

const BATCH_FILES = 100;
const BATCH_BYTES = 64 * 1024 * 1024;

/** Small files that were not begun yet go together; anything else goes alone. */
export function nextBatch(waiting: Job[]): Job[] {
  const [first] = waiting;
  if (!first || !isSmall(first) || first.uploadId) return first ? [first] : [];
  const batch: Job[] = [];
  let bytes = 0;
  for (const job of waiting) {
    if (!isSmall(job) || job.uploadId) continue;
    if (batch.length >= BATCH_FILES || bytes + job.size > BATCH_BYTES) break;
    batch.push(job);
    bytes += job.size;
  }
  return batch;
}
