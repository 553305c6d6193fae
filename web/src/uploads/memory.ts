/** What a browser remembers of uploads across reloads: those that are not over, and files that wait for a network. */
import type { Upload } from "@/api/types";
import { type Job, keyOfJob, type Remembered, rememberedJobs, rememberJobs } from "@/uploads/jobs";
import { type KeptFile, keepFile, keptFiles, releaseFile } from "@/uploads/kept";
import { lookUp } from "@/uploads/server";

export class UploadMemory {
  /** The account whose uploads these are; without one, nothing is remembered. */
  private account: string | null = null;
  /** Uploads that were begun or looked at here: only of these it is known whether they are over. */
  private known = new Set<string>();

  isOf = (account: string) => this.account === account;

  begin(account: string): void {
    this.account = account;
  }

  end(): void {
    this.account = null;
    this.known.clear();
  }

  /** Store those that are not over, and release the files of those that are. */
  remember(jobs: Job[]): void {
    for (const job of jobs) {
      if (!job.kept || !["done", "skipped"].includes(job.state)) continue;
      void releaseFile(job.kept);
      job.kept = undefined;
    }
    if (!this.account) return;
    for (const job of jobs) {
      this.known.add(keyOfJob(job));
      this.known.add(keyOfJob({ ...job, uploadId: null })); // as it was kept before it was begun
    }
    rememberJobs(this.account, jobs, this.known);
  }

  /**
   * Uploads that are in no tab's hands and go on, with the bytes sent; ends early without a server, or at a log-out.
   * One that expired or was aborted begins anew. One that is not found is forgotten: the server keeps sessions for longer
   * than a browser remembers uploads, so it is not this account's.
   */
  async *interrupted(
    account: string,
    others: ReadonlySet<string>,
    shown: ReadonlySet<string>,
  ): AsyncGenerator<Remembered & { sent: number }> {
    for (const kept of rememberedJobs(account).filter(({ tab }) => !others.has(tab))) {
      let upload: Upload | null = null;
      try {
        if (kept.uploadId) upload = await lookUp(kept.uploadId);
      } catch {
        return; // another time
      }
      if (!this.isOf(account)) return;
      this.known.add(keyOfJob(kept));
      if (kept.uploadId && (!upload || upload.state === "completed")) continue;
      if (shown.has(keyOfJob(kept))) continue;
      const isGivenUp = upload?.state === "expired" || upload?.state === "aborted";
      if (isGivenUp) yield { ...kept, uploadId: null, sent: 0 };
      else yield { ...kept, sent: upload?.multipart?.sent.reduce((sum, part) => sum + part.size, 0) ?? 0 };
    }
  }

  async keep(job: Job, file: File): Promise<void> {
    if (this.account) job.kept = await keepFile(this.account, job.folder, job.source, file);
  }

  /** What was chosen without a network, or shared by another app, and is in no other tab's hands. */
  async *kept(account: string, others: ReadonlySet<string>): AsyncGenerator<KeptFile> {
    const elsewhere = rememberedJobs(account).filter(({ tab }) => others.has(tab));
    for (const kept of await keptFiles(account)) {
      if (!this.isOf(account)) return;
      const { file, path } = kept;
      const isThat = (job: Remembered) =>
        job.source === path.normalize("NFC") && job.size === file.size && job.modified === file.lastModified;
      if (!elsewhere.some(isThat)) yield kept;
    }
  }
}
