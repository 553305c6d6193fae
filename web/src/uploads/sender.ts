/** Sends jobs: begins an upload, sends its bytes to the object store, completes it. */
import { i18n } from "@lingui/core";
import { call } from "@/api/client";
import { hasCode, Problem } from "@/api/problem";
import type { FileItem, ItemProblem, PartUrl, Upload } from "@/api/types";
import type { Job } from "@/uploads/jobs";
import { allOf, persist, persistEach } from "@/uploads/persist";
import { Lanes, put, TransferError } from "@/uploads/transfer";

/** Up to this a file is one PUT, and begun and completed together with others. */
export const SMALL_BYTES = 8 * 1024 * 1024;
/** A browser opens six connections to one host. */
const CONNECTIONS = 6;
const PARTS_AT_ONCE = CONNECTIONS;
const URLS_AT_ONCE = 100;
const VERIFYING_MS = 2_000;

const lanes = new Lanes(CONNECTIONS);

export interface Watch {
  /** So many more bytes of the job have been sent (or, where some are sent again, fewer). */
  progress: (job: Job, bytes: number) => void;
  /** They have ids by now, but for those that were refused. */
  began: (jobs: Job[]) => void;
  finishing: (job: Job) => void;
}

export const isSmall = (job: Job) => job.size <= SMALL_BYTES;

/** The result of one item of a batch: problems as those of a call of its own. */
function outcomeOf<R extends { id: string }>(item: R | ItemProblem): R | Problem {
  if ("id" in item) return item;
  const { problem } = item;
  return new Problem(problem.status, problem.code, problem.detail, problem as unknown as Record<string, unknown>);
}

async function wishOf(job: Job) {
  const file = job.file as File;
  const isNew = job.onTaken !== "replace";
  return {
    path: `/${job.path}`,
    parent_id: job.folder.id,
    size: job.size,
    content_type: /^[\w.+-]+\/[\w.+-]+$/.test(file.type) ? file.type : undefined,
    client_modified_at: new Date(file.lastModified).toISOString(),
    sha256: isSmall(job) ? await sha256(file) : undefined,
    base_version: isNew ? 0 : undefined,
    on_conflict: isNew ? ("fail" as const) : ("copy" as const),
    method: isSmall(job) ? ("put" as const) : ("multipart" as const),
    notify: false, // the panel shows it
  };
}

/** Where the page has no secure context there is no digest: the server computes it then. */
async function sha256(file: File): Promise<string | undefined> {
  if (!crypto.subtle) return undefined;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Many small files: one call to begin them all, one to complete them. What became of each, in order. */
export async function sendBatch(jobs: Job[], watch: Watch): Promise<(FileItem | Error)[]> {
  const outcomes = new Map<Job, FileItem | Error>();
  const signal = allOf(jobs.map((job) => job.abort.signal));
  const begun = await beginAll(jobs, outcomes, signal);
  watch.began(jobs);
  const arrived: [Job, Upload][] = [];
  await Promise.all(
    begun.map(async ([job, upload]) => {
      try {
        await sendPut(job, upload, watch);
        arrived.push([job, upload]);
      } catch (error) {
        outcomes.set(job, error as Error);
      }
    }),
  );
  const completed = await persistEach(signal, arrived, async (some) => {
    const ids = some.map(([, upload]) => upload.id);
    const { items } = await call("post /v1/uploads/complete-batch", { body: { uploads: ids } });
    return items.map(outcomeOf);
  });
  arrived.forEach(([job], index) => outcomes.set(job, completed[index] as FileItem | Error));
  return jobs.map((job) => outcomes.get(job) as FileItem | Error);
}

/** Those that could be begun; of the others it is noted why not. */
async function beginAll(
  jobs: Job[],
  outcomes: Map<Job, FileItem | Error>,
  signal: AbortSignal,
): Promise<[Job, Upload][]> {
  const wishes = await Promise.allSettled(jobs.map(wishOf));
  const wished = wishes.flatMap((wish, index) => {
    const job = jobs[index] as Job;
    if (wish.status === "fulfilled") return [{ job, wish: wish.value }];
    outcomes.set(job, wish.reason as Error); // its file has changed or gone since it was chosen
    return [];
  });
  let headers = onlyOnce();
  const begun = await persistEach(signal, wished, async (some) => {
    const body = { uploads: some.map(({ wish }) => wish) };
    const { items } = await call("post /v1/uploads/batch", { body, headers });
    headers = onlyOnce(); // the call succeeded: those that are begun again make another call
    return items.map(outcomeOf);
  });
  return wished.flatMap(({ job }, index): [Job, Upload][] => {
    const upload = begun[index] as Upload | Error;
    if (upload instanceof Error) {
      outcomes.set(job, upload);
      return [];
    }
    job.uploadId = upload.id;
    return [[job, upload]];
  });
}

/** An upload that is begun again because the response was lost would reserve its storage twice. */
export function onlyOnce(): Record<string, string> {
  return { "Idempotency-Key": hex(crypto.getRandomValues(new Uint8Array(16))) };
}

/** One file, from the start or from where it was left. */
export async function sendOne(job: Job, watch: Watch): Promise<FileItem> {
  const { signal } = job.abort;
  let upload: Upload | null = null;
  if (job.uploadId) {
    const path = { upload_id: job.uploadId };
    upload = await persist(signal, () => call("get /v1/uploads/{upload_id}", { path }));
    if (upload.file) return upload.file;
    if (upload.state === "expired" || upload.state === "aborted") upload = null;
  }
  if (!upload) {
    watch.progress(job, -job.sent);
    const begin = { body: await wishOf(job), headers: onlyOnce() };
    upload = await persist(signal, () => call("post /v1/uploads", begin));
    job.uploadId = upload.id;
    watch.began([job]);
  }
  if (upload.multipart) await sendParts(job, upload, watch);
  else await sendPut(job, upload, watch);
  watch.finishing(job);
  return complete(job, upload.id);
}

async function complete(job: Job, uploadId: string): Promise<FileItem> {
  for (;;) {
    const file = await persist(job.abort.signal, () => completed(uploadId));
    if (file) return file;
    await new Promise((resolve) => setTimeout(resolve, VERIFYING_MS));
    if (job.abort.signal.aborted) throw job.abort.signal.reason;
  }
}

/** Null while the server reads what came: it takes as long as it takes. */
async function completed(uploadId: string): Promise<FileItem | null> {
  try {
    return await call("post /v1/uploads/{upload_id}/complete", { path: { upload_id: uploadId }, body: {} });
  } catch (error) {
    if (hasCode(error, "verifying")) return null;
    throw error;
  }
}

async function sendPut(job: Job, upload: Upload, watch: Watch): Promise<void> {
  const means = upload.put;
  if (!means) throw new Error(i18n.t("The upload can’t be resumed."));
  const counter = counting(job, watch);
  await carry(job, async () => {
    try {
      await put({
        url: means.url,
        headers: means.headers,
        body: job.file as File,
        onProgress: counter.at,
        signal: job.abort.signal,
      });
    } catch (error) {
      counter.at(0);
      // The bytes are there already: the response to an earlier attempt was lost.
      if (error instanceof TransferError && error.status === 412) return counter.at(job.size);
      throw error;
    }
  });
}

async function sendParts(job: Job, upload: Upload, watch: Watch): Promise<void> {
  const { part_size, part_count, sent, parts } = upload.multipart ?? { part_size: 0, part_count: 0, sent: [], parts: [] };
  const there = new Set(sent.map((part) => part.number));
  watch.progress(job, sent.reduce((sum, part) => sum + part.size, 0) - job.sent);
  const urls = new Map<number, PartUrl>(parts.map((part) => [part.number, part]));
  const missing = Array.from({ length: part_count }, (_, index) => index + 1).filter((number) => !there.has(number));

  async function urlOf(number: number, fresh: boolean): Promise<string> {
    const known = urls.get(number);
    if (known && !fresh) return known.url;
    const numbers = fresh ? [number] : [number, ...missing.slice(0, URLS_AT_ONCE - 1)];
    const response = await call("post /v1/uploads/{upload_id}/parts", {
      path: { upload_id: upload.id },
      body: { numbers },
    });
    for (const part of response.parts) urls.set(part.number, part);
    return urls.get(number)?.url ?? "";
  }

  async function sendPart(number: number): Promise<void> {
    const start = (number - 1) * part_size;
    const body = (job.file as File).slice(start, Math.min(start + part_size, job.size));
    const counter = counting(job, watch);
    let fresh = false;
    await carry(job, async () => {
      const url = await urlOf(number, fresh);
      try {
        await put({ url, body, onProgress: counter.at, signal: job.abort.signal });
      } catch (error) {
        counter.at(0);
        fresh = error instanceof TransferError && error.status === 403;
        throw error;
      }
    });
  }

  async function worker(): Promise<void> {
    for (let number = missing.shift(); number !== undefined; number = missing.shift()) await sendPart(number);
  }
  await Promise.all(Array.from({ length: Math.min(PARTS_AT_ONCE, missing.length) }, worker));
}

function counting(job: Job, watch: Watch): { at: (sent: number) => void } {
  let counted = 0;
  return {
    at(sent) {
      watch.progress(job, sent - counted);
      counted = sent;
    },
  };
}

/** Send some bytes, as soon as a connection is free. */
const carry = (job: Job, work: () => Promise<void>) => persist(job.abort.signal, () => lanes.run(work));
