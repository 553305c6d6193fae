/** Queue of all uploads with their states. */
import { i18n } from "@lingui/core";
import { useSyncExternalStore } from "react";
import { hasCode, Problem, reason } from "@/api/problem";
import type { FileItem, Usage } from "@/api/types";
import { isOffline } from "@/lib/online";
import { nextBatch } from "@/uploads/batch";
import type { Found } from "@/uploads/dropped";
import { type Folder, isFileOf, type Job, keyOfJob, nameOf, newJob, nextName, OPEN, otherTabs } from "@/uploads/jobs";
import { UploadMemory } from "@/uploads/memory";
import { Rate } from "@/uploads/rate";
import { sendBatch, sendOne, type Watch } from "@/uploads/sender";
import { dropUpload, reread } from "@/uploads/server";
import { Snapshot } from "@/uploads/snapshot";
import { type Full, viewOf } from "@/uploads/view";

const RUNS_AT_ONCE = 3;

const PAUSED = new DOMException("paused", "AbortError");

class UploadQueue {
  private jobs: Job[] = [];
  private memory = new UploadMemory();
  private running = 0;
  /** Jobs that a run is working on: a resumed job waits until the run before has released it. */
  private held = new Set<Job>();
  private lastId = 0;
  private rate = new Rate();
  private full: Full | null = null;
  private shown = new Snapshot(() => viewOf(this.jobs, this.rate, this.full));

  private watch: Watch = {
    progress: (job, bytes) => {
      job.sent += bytes;
      if (bytes > 0) this.rate.add(bytes);
      this.changed();
    },
    began: (jobs) => {
      for (const job of jobs) if (job.state === "skipped") dropUpload(job);
      this.memory.remember(this.jobs);
    },
    finishing: (job) => {
      if (job.state === "sending") job.state = "finishing";
      this.changed();
    },
  };

  add(found: Found[], folder: Folder): void {
    const interrupted = this.jobs.filter((job) => job.state === "needs-file");
    for (const { file, path: foundAt, kept } of found) {
      const path = foundAt.normalize("NFC");
      const goesOn = (job: Job) => job.folder.id === folder.id && job.source === path && this.give(job, file, kept);
      if (!interrupted.some((job) => job.state === "needs-file" && goesOn(job))) {
        const job = newJob(++this.lastId, file, path, folder, kept);
        this.jobs.push(job);
        if (isOffline() && !kept) void this.keep(job, file);
      }
    }
    this.memory.remember(this.jobs);
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
    this.memory.begin(account);
    const others = await otherTabs();
    for await (const found of this.memory.interrupted(account, others, new Set(this.jobs.map(keyOfJob)))) {
      this.jobs.push({
        id: ++this.lastId,
        name: nameOf(found.path),
        ...found,
        file: null,
        state: "needs-file",
        onTaken: "ask",
        abort: new AbortController(),
      });
    }
    if (!this.memory.isOf(account)) return;
    this.memory.remember(this.jobs);
    this.changed();
    for await (const { key, file, path, folder } of this.memory.kept(account, others)) {
      if (this.jobs.some((job) => job.kept === key)) continue;
      this.add([{ file, path, kept: key }], folder ?? { id: account, name: i18n.t("My files") });
    }
  }

  /** Keep a file in the browser until it is uploaded, so that closing the page loses nothing. */
  private async keep(job: Job, file: File): Promise<void> {
    await this.memory.keep(job, file);
    this.memory.remember(this.jobs); // it may be over meanwhile
  }

  /** Whether `file` is what the job was begun with. */
  give(job: Job, file: File, kept?: string): boolean {
    if (!isFileOf(job, file)) return false;
    job.file = file;
    job.kept = kept;
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
    this.memory.remember(this.jobs);
    this.jobs = this.jobs.filter((job) => job.state === "done");
    this.changed();
  };

  cancel(job: Job): void {
    job.state = "skipped";
    job.abort.abort(PAUSED);
    dropUpload(job);
    this.memory.remember(this.jobs);
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
    this.memory.remember(this.jobs);
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
    this.memory.remember(this.jobs);
    this.jobs = this.jobs.filter((job) => !over(job));
    this.changed();
  }

  /** Stops all uploads at log-out; the same account can resume them later. */
  forget(): void {
    const { jobs } = this;
    this.jobs = [];
    this.memory.end();
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
    batch.forEach((job, index) => this.settle(job, outcomes[index] ?? new Error(i18n.t("No response."))));
    this.memory.remember(this.jobs);
    this.changed();
  }

  private settle(job: Job, outcome: FileItem | Error): void {
    this.held.delete(job);
    if (!(outcome instanceof Error)) {
      job.state = "done";
      job.sent = job.size;
      job.result = outcome;
      reread(job.folder.id);
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

  private changed(): void {
    this.shown.changed();
  }

  subscribe = (listener: () => void) => this.shown.subscribe(listener);
  snapshot = () => this.shown.current;

  /** Whether anything would be cut off if the page went now. */
  get isBusy(): boolean {
    return this.jobs.some((job) => OPEN.has(job.state) || job.state === "paused" || job.state === "taken");
  }
}

export const uploads = new UploadQueue();

export const useUploads = () => useSyncExternalStore(uploads.subscribe, uploads.snapshot);

addEventListener("beforeunload", (event) => {
  if (uploads.isBusy) event.preventDefault();
});
