/** Queue of all uploads with their states. */
import { useSyncExternalStore } from "react";
import { call } from "@/api/client";
import { hasCode, Problem, reason } from "@/api/problem";
import { keys, queryClient } from "@/api/queries";
import type { FileItem, Upload, Usage } from "@/api/types";
import { nextBatch } from "@/uploads/batch";
import type { Found } from "@/uploads/dropped";
import { type Folder, isFileOf, type Job, keyOfJob, nameOf, newJob, nextName, OPEN, otherTabs, rememberedJobs, rememberJobs } from "@/uploads/jobs";
import { Rate } from "@/uploads/rate";
import { sendBatch, sendOne, type Watch } from "@/uploads/sender";
import { type Full, type UploadsView, viewOf } from "@/uploads/view";

const RUNS_AT_ONCE = 3;
const NOTIFY_MS = 100;

const PAUSED = new DOMException("paused", "AbortError");

class UploadQueue {
  private jobs: Job[] = [];
  /** Whose uploads these are; of nobody's nothing is remembered. */
  private account: string | null = null;
  /** Uploads that were begun or looked at here: only of these it is known whether they are over. */
  private known = new Set<string>();
  private running = 0;
  /** What a run has in hand: one that was paused and goes on waits until that run has let go of it. */
  private held = new Set<Job>();
  private lastId = 0;
  private rate = new Rate();
  private full: Full | null = null;
  private view: UploadsView = this.look();
  private listeners = new Set<() => void>();
  private notifying: ReturnType<typeof setTimeout> | undefined;
  private rereading = new Set<string>();

  private watch: Watch = {
    progress: (job, bytes) => {
      job.sent += bytes;
      if (bytes > 0) this.rate.add(bytes);
      this.changed();
    },
    began: (jobs) => {
      for (const job of jobs) if (job.state === "skipped") dropUpload(job);
      this.remember();
    },
    finishing: (job) => {
      if (job.state === "sending") job.state = "finishing";
      this.changed();
    },
  };

  add(found: Found[], folder: Folder): void {
    const interrupted = this.jobs.filter((job) => job.state === "needs-file");
    for (const { file, path: foundAt } of found) {
      const path = foundAt.normalize("NFC");
      const goesOn = (job: Job) => job.folder.id === folder.id && job.source === path && this.give(job, file);
      if (!interrupted.some((job) => job.state === "needs-file" && goesOn(job))) {
        this.jobs.push(newJob(++this.lastId, file, path, folder));
      }
    }
    this.remember();
    this.changed();
    this.pump();
  }

  /** Files for what a reload cut off, as many as were chosen: how many of them go on. */
  giveAll(found: Found[]): number {
    const waiting = new Map<string, Job[]>();
    for (const job of this.jobs) {
      if (job.state === "needs-file") waiting.set(job.source, [...(waiting.get(job.source) ?? []), job]);
    }
    return found.filter(({ file, path }) => {
      const job = waiting.get(path.normalize("NFC"))?.find((one) => one.state === "needs-file" && isFileOf(one, file));
      return job !== undefined && this.give(job, file);
    }).length;
  }

  /** The account's uploads that a reload cut off: they go on once the browser has been given their files again. */
  async takeUp(account: string): Promise<void> {
    this.account = account;
    const others = await otherTabs();
    const shown = new Set(this.jobs.map(keyOfJob));
    for (const kept of rememberedJobs(account).filter(({ tab }) => !others.has(tab))) {
      let upload: Upload | null = null;
      try {
        if (kept.uploadId) upload = await lookUp(kept.uploadId);
      } catch {
        break; // another time
      }
      if (this.account !== account) return;
      this.known.add(keyOfJob(kept));
      if (kept.uploadId && upload?.state !== "initiated" && upload?.state !== "uploading") continue;
      if (shown.has(keyOfJob(kept))) continue;
      this.jobs.push({
        id: ++this.lastId,
        name: nameOf(kept.path),
        ...kept,
        file: null,
        state: "needs-file",
        sent: upload?.multipart?.sent.reduce((sum, part) => sum + part.size, 0) ?? 0,
        onTaken: "ask",
        abort: new AbortController(),
      });
    }
    this.remember();
    this.changed();
  }

  /** Whether `file` is what the job was begun with. */
  give(job: Job, file: File): boolean {
    if (!isFileOf(job, file)) return false;
    job.file = file;
    this.restart(job);
    return true;
  }

  pause(job: Job): void {
    if (!OPEN.has(job.state)) return;
    job.state = "paused";
    job.abort.abort(PAUSED);
    this.changed();
  }

  resume(job: Job): void {
    if (job.state === "paused" || job.state === "failed") this.restart(job);
  }

  pauseAll = () => this.jobs.forEach((job) => this.pause(job));
  resumeAll = () => this.jobs.forEach((job) => this.resume(job));

  cancelAll = () => {
    for (const job of this.jobs) {
      if (job.state === "done" || job.state === "skipped") continue;
      job.state = "skipped";
      job.abort.abort(PAUSED);
      dropUpload(job);
    }
    this.remember();
    this.jobs = this.jobs.filter((job) => job.state === "done");
    this.changed();
  };

  cancel(job: Job): void {
    job.state = "skipped";
    job.abort.abort(PAUSED);
    dropUpload(job);
    this.remember();
    this.jobs = this.jobs.filter((other) => other !== job);
    this.changed();
  }

  /** What to do with a file whose name is taken; with `all`, with all of them. */
  answer(job: Job, how: "replace" | "keep" | "skip", all: boolean): void {
    for (const one of all ? this.jobs.filter((other) => other.state === "taken") : [job]) {
      if (how === "replace" && one.takenByFolder) continue;
      if (how === "skip") one.state = "skipped";
      else {
        if (how === "keep") this.renameJob(one);
        one.onTaken = how;
        this.restart(one);
      }
    }
    if (all) for (const other of this.jobs) if (other.onTaken === "ask") other.onTaken = how;
    this.changed();
  }

  quotaSeen(): void {
    this.full = null;
    this.changed();
  }

  /** Away with what is over; of those that failed nothing stays reserved. */
  clear(): void {
    const over = (job: Job) => ["done", "skipped", "failed"].includes(job.state);
    this.jobs.filter((job) => job.state === "failed").forEach(dropUpload);
    for (const job of this.jobs) if (job.state === "failed") job.state = "skipped";
    this.remember();
    this.jobs = this.jobs.filter((job) => !over(job));
    this.changed();
  }

  /** Stops all uploads at log-out; the same account can resume them later. */
  forget(): void {
    const { jobs } = this;
    this.jobs = [];
    this.account = null;
    this.known.clear();
    for (const job of jobs) {
      job.state = "paused";
      job.abort.abort(PAUSED);
    }
    this.full = null;
    this.changed();
  }

  private renameJob(job: Job): void {
    job.path = nextName(job.path);
    job.name = nameOf(job.path);
  }

  private restart(job: Job): void {
    job.abort = new AbortController();
    job.state = "waiting";
    job.error = undefined;
    this.changed();
    this.pump();
  }

  private pump(): void {
    while (this.running < RUNS_AT_ONCE) {
      const batch = nextBatch(this.jobs.filter((job) => job.state === "waiting" && !this.held.has(job)));
      if (batch.length === 0) return;
      for (const job of batch) {
        job.state = "sending";
        this.held.add(job);
      }
      this.running += 1;
      void this.run(batch).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
  }

  private async run(batch: Job[]): Promise<void> {
    const [first] = batch;
    let outcomes: (FileItem | Error)[];
    try {
      outcomes = batch.length === 1 && first ? [await sendOne(first, this.watch)] : await sendBatch(batch, this.watch);
    } catch (error) {
      outcomes = batch.map(() => error as Error);
    }
    batch.forEach((job, index) => this.settle(job, outcomes[index] ?? new Error("No response.")));
    this.remember();
    this.changed();
  }

  private remember(): void {
    if (!this.account) return;
    for (const job of this.jobs) {
      this.known.add(keyOfJob(job));
      this.known.add(keyOfJob({ ...job, uploadId: null })); // as it was kept before it was begun
    }
    rememberJobs(this.account, this.jobs, this.known);
  }

  private settle(job: Job, outcome: FileItem | Error): void {
    this.held.delete(job);
    if (!(outcome instanceof Error)) {
      job.state = "done";
      job.sent = job.size;
      job.result = outcome;
      this.reread(job.folder.id);
      return;
    }
    if (outcome === PAUSED || job.state === "paused" || job.state === "skipped") return;
    if (hasCode(outcome, "version_conflict", "name_taken")) {
      job.uploadId = null;
      job.sent = 0;
      job.takenByFolder = hasCode(outcome, "name_taken");
      if (job.onTaken === "keep") {
        this.renameJob(job);
        job.abort = new AbortController();
        job.state = "waiting";
      } else job.state = job.onTaken === "skip" ? "skipped" : "taken";
      return;
    }
    job.state = "failed";
    job.error = reason(outcome);
    if (hasCode(outcome, "over_quota")) {
      const usage = ((outcome as Problem).extra.usage as Usage | undefined) ?? null;
      this.full ??= { usage, folder: job.folder };
    }
  }

  /** Have the folder's list show what has come, not more often than that can be read. */
  private reread(folderId: string): void {
    if (this.rereading.has(folderId)) return;
    this.rereading.add(folderId);
    setTimeout(() => {
      this.rereading.delete(folderId);
      void queryClient.invalidateQueries({ queryKey: keys.lists(folderId) });
      void queryClient.invalidateQueries({ queryKey: keys.me });
    }, 250);
  }

  private look(): UploadsView {
    return viewOf(this.jobs, this.rate, this.full);
  }

  private changed(): void {
    this.notifying ??= setTimeout(() => {
      this.notifying = undefined;
      this.view = this.look();
      for (const listener of this.listeners) listener();
    }, NOTIFY_MS);
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = () => this.view;

  /** Whether anything would be cut off if the page went now. */
  get isBusy(): boolean {
    return this.jobs.some((job) => OPEN.has(job.state) || job.state === "paused" || job.state === "taken");
  }
}

/** Null if there is no such upload any more. */
async function lookUp(uploadId: string): Promise<Upload | null> {
  try {
    return await call("get /v1/uploads/{upload_id}", { path: { upload_id: uploadId } });
  } catch (error) {
    if (hasCode(error, "not_found")) return null;
    throw error;
  }
}

/** So that no storage stays reserved for it. Before it has an id there is nothing to drop. */
function dropUpload({ uploadId }: Job): void {
  if (uploadId) void call("delete /v1/uploads/{upload_id}", { path: { upload_id: uploadId } }).catch(() => undefined);
}

export const uploads = new UploadQueue();

export const useUploads = () => useSyncExternalStore(uploads.subscribe, uploads.snapshot);

addEventListener("beforeunload", (event) => {
  if (uploads.isBusy) event.preventDefault();
});
