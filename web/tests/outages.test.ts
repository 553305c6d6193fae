import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { persist } from "@/uploads/persist";
import { uploads } from "@/uploads/queue";
import { TransferError } from "@/uploads/transfer";
import { add, begun, file, jobOf, remembered, serve, states } from "./uploading";

const SOON = { timeout: 30_000 };

beforeEach(async () => {
  localStorage.clear();
  await uploads.takeUp("me");
});
afterEach(() => uploads.forget());

describe("what fails in passing", () => {
  const offline = (): Response => {
    throw new TypeError("no network");
  };
  const refusal = (status: number, headers = {}) => () => new Response("{}", { status, headers });
  /** Time passes until it is so. */
  const comes = (so: () => void) => vi.waitFor(() => (vi.advanceTimersByTime(500), so()), { ...SOON, interval: 5 });

  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => {
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  });

  test.each([
    ["one file", ["a.txt"]],
    ["a batch", ["a.txt", "b.txt"]],
  ])("each call of %s that meets no gateway is made again, and begins nothing twice", async (_, names) => {
    const failures = new Map<string, (() => Response)[]>();
    const keys = new Set<unknown>();
    const calls = serve(begun, undefined, (call, { headers }) => {
      if (!failures.has(call)) failures.set(call, [offline, refusal(502), refusal(429)]);
      keys.add((headers as Record<string, string>)["Idempotency-Key"]);
      return failures.get(call)?.shift()?.();
    });
    add(...names.map(file));
    await comes(() => expect(Object.values(states())).toEqual(names.map(() => "done")));
    const begins = calls.filter((call) => /uploads(\/batch)?$/.test(call));
    expect([begins.length, [...keys].filter(Boolean).length]).toEqual([4, 1]);
  });

  test("what of a batch is refused in passing is asked for again, without the others", async () => {
    const away = { problem: { status: 503, code: "unavailable", detail: "away" } };
    const asked: Record<string, string[][]> = {};
    const keys: unknown[] = [];
    serve((name) => (name === "b.txt" && asked["POST /v1/uploads/batch"]?.length === 1 ? away : begun(name)), undefined,
      (call, { body, headers }) => {
        const { uploads: items } = JSON.parse(body as string) as { uploads: ({ path: string } | string)[] };
        const names = items.map((item) => (typeof item === "string" ? item.slice("u-".length) : item.path.slice(1)));
        const calls = (asked[call] ??= []);
        calls.push(names);
        keys.push((headers as Record<string, string>)["Idempotency-Key"]);
        if (!call.endsWith("complete-batch") || calls.length > 1) return undefined;
        const answers = names.map((name) => (name === "a.txt" ? away : { id: `u-${name}`, kind: "file" }));
        return new Response(JSON.stringify({ items: answers }));
      });
    add(file("a.txt"), file("b.txt"), file("c.txt"));
    await comes(() => expect(states()).toEqual({ "a.txt": "done", "b.txt": "done", "c.txt": "done" }));
    expect(asked).toEqual({
      "POST /v1/uploads/batch": [["a.txt", "b.txt", "c.txt"], ["b.txt"]],
      "POST /v1/uploads/complete-batch": [["a.txt", "b.txt", "c.txt"], ["a.txt"]],
    });
    expect(new Set(keys.filter(Boolean)).size).toBe(2); // another call has another key
  });

  test("what of a batch is refused for good fails alone, and is not asked for again", async () => {
    const refused = { problem: { status: 422, code: "invalid_path", detail: "no" } };
    const calls = serve((name) => (name === "b.txt" ? refused : begun(name)));
    add(file("a.txt"), file("b.txt"));
    await comes(() => expect(states()).toEqual({ "a.txt": "done", "b.txt": "failed" }));
    expect(calls).toEqual(["POST /v1/uploads/batch", "POST /v1/uploads/complete-batch"]);
  });

  test("one that goes on meets no gateway at first, and is looked at again", async () => {
    let cut = false;
    let away = 2;
    serve(begun, async () => { if (!cut) await new Promise(() => undefined); }, (call) =>
      cut && call === "GET /v1/uploads/u-a.txt" && away-- > 0 ? offline() : undefined);
    add(file("a.txt"));
    await comes(() => expect([states(), remembered()]).toEqual([{ "a.txt": "sending" }, ["u-a.txt"]]));
    uploads.pause(jobOf("a.txt"));
    await comes(() => expect(states()).toEqual({ "a.txt": "paused" }));
    cut = true;
    uploads.resume(jobOf("a.txt"));
    await comes(() => expect(states()).toEqual({ "a.txt": "done" }));
  });

  test("a server that is asked too much is left alone for as long as it says", async () => {
    let refusals = 1;
    const calls = serve(begun, undefined, () => (refusals-- > 0 ? refusal(429, { "Retry-After": "20" })() : undefined));
    add(file("a.txt"));
    await vi.waitFor(() => expect(calls).toHaveLength(1), SOON);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(calls).toHaveLength(1);
    await comes(() => expect(states()).toEqual({ "a.txt": "done" }));
  });

  test("storage that is full is said at once", async () => {
    const calls = serve(begun, undefined, () => new Response(JSON.stringify({ code: "over_quota" }), { status: 507 }));
    add(file("a.txt"));
    await vi.waitFor(() => expect(states()).toEqual({ "a.txt": "failed" }), SOON);
    expect([calls, uploads.snapshot().full?.folder.name]).toEqual([["POST /v1/uploads"], "work"]);
  });

  test("a pause ends the waiting of a batch", async () => {
    const refused = serve(begun, undefined, refusal(429, { "Retry-After": "60" }));
    add(file("a.txt"), file("b.txt"));
    await vi.waitFor(() => expect(refused).toHaveLength(1), SOON);
    await vi.advanceTimersByTimeAsync(200);
    uploads.pauseAll();
    const calls = serve(begun);
    uploads.resumeAll();
    await vi.waitFor(() => expect(calls).toContain("POST /v1/uploads/complete-batch"), SOON);
  });

  test("a URL that has run out meanwhile is asked for again, also after an outage, but not for ever", async () => {
    const failing = (...statuses: number[]) => async () => {
      const status = statuses.shift();
      if (status !== undefined) throw new TransferError(status);
      return statuses.length;
    };
    const tried = (...statuses: number[]) => comesTo(persist(new AbortController().signal, failing(...statuses)));
    const comesTo = async (outcome: Promise<number>) => {
      const seen = outcome.catch((error: TransferError) => error.status);
      await vi.advanceTimersByTimeAsync(100_000);
      return seen;
    };
    expect(await tried(0, 0, 0, 403, 403)).toBe(0);
    expect(await tried(403, 403, 403)).toBe(403);
  });
});
