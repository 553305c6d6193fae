/** Retries temporary failures, so that an outage does not fail uploads. */
import { i18n } from "@lingui/core";
import { Problem } from "@/api/problem";
import { isOffline } from "@/lib/online";
import { TransferError } from "@/uploads/transfer";

const TRIES = 7;
/** A signed URL is refused once its time is over; one that is refused again and again has another fault. */
const REFUSED_URLS = 2;
/** No response, too many calls, or a server that is away; storage that is full (507) stays so. */
const PASSING = new Set([0, 429, 500, 502, 503, 504]);
const LONGEST_MS = 30_000;
const LONGEST_ASKED_MS = 60_000;

/** What `work` gives, tried 7 times within about a minute; the last error, or at once one that would only come again.
 *
 * Without a network it waits for as long as there is none. */
export async function persist<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let refusedUrls = 0;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await whenOnline(signal);
      return await work();
    } catch (error) {
      if (isOffline() && isPassing(error)) attempt = -1;
      const urlRefused = error instanceof TransferError && error.status === 403 && ++refusedUrls <= REFUSED_URLS;
      if (attempt + 1 >= TRIES || !(urlRefused || isPassing(error))) throw error;
      await pause(waitOf(error, attempt), signal);
    }
  }
}

/** As `persist`, of many by one call: those that failed in passing are tried again, without the others. In order. */
export async function persistEach<T, R>(
  signal: AbortSignal,
  items: readonly T[],
  work: (items: readonly T[]) => Promise<(R | Error)[]>,
): Promise<(R | Error)[]> {
  const outcomes = new Map<T, R | Error>();
  let left = items;
  const workOnRest = async () => {
    const results = await work(left);
    left.forEach((item, index) => outcomes.set(item, results[index] ?? new Error(i18n.t("No response."))));
    left = left.filter((item) => isPassing(outcomes.get(item)));
    if (left[0]) throw outcomes.get(left[0]);
  };
  try {
    if (left.length > 0) await persist(signal, workOnRest);
  } catch (error) {
    for (const item of left) outcomes.set(item, error as Error);
  }
  return items.map((item) => outcomes.get(item) as R | Error);
}

function isPassing(error: unknown): boolean {
  if (error instanceof TransferError) return error.passing;
  if (!(error instanceof Problem)) return false;
  return PASSING.has(error.status) || error.code === "idempotency_in_progress";
}

/** Milliseconds: 1, 2, 4 … 30 seconds, or as long as the server asks for. */
function waitOf(error: unknown, attempt: number): number {
  const asked = error instanceof Problem ? error.retryAfter : null;
  return asked === null ? Math.min(LONGEST_MS, 1000 * 2 ** attempt) : Math.min(LONGEST_ASKED_MS, asked * 1000);
}

/** Aborted once all of them are. */
export function allOf(signals: AbortSignal[]): AbortSignal {
  const all = new AbortController();
  for (const signal of signals) {
    signal.addEventListener("abort", () => {
      if (signals.every((one) => one.aborted)) all.abort(signal.reason);
    });
  }
  return all.signal;
}

function whenOnline(signal: AbortSignal): Promise<void> {
  return isOffline() ? pause(undefined, signal) : Promise.resolve();
}

/** A tab that comes online again goes on at once; without `ms` not before. */
function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown) => {
      clearTimeout(timer);
      removeEventListener("online", go);
      signal.removeEventListener("abort", stop);
      if (error) reject(error as Error);
      else resolve();
    };
    const go = () => done();
    const stop = () => done(signal.reason);
    const timer = ms === undefined ? undefined : setTimeout(go, ms);
    addEventListener("online", go);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
}
