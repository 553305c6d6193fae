/** For tests of uploads: a server, an object store, and what the queue shows. */
import { vi } from "vitest";
import { type Job, rememberedJobs } from "@/uploads/jobs";
import { uploads } from "@/uploads/queue";

type Wish = { path: string };
export type Json = Record<string, unknown>;
type Answer = Json | Promise<Json>;

export const FOLDER = { id: "f1", name: "work" };
export const taken = { problem: { status: 409, code: "version_conflict", detail: "taken" } };
export const file = (name: string) => new File([name], name, { type: "text/plain" });
const nameIn = (wish: Wish) => wish.path.slice(1);

/** A server and an object store; `begin` and `put` say what becomes of a file, `fail` which call is not answered as usual. */
export function serve(
  begin: (name: string) => Answer,
  put: (name: string) => Promise<void> = async () => undefined,
  fail: (call: string, wishes: RequestInit) => Response | undefined = () => undefined,
): string[] {
  const calls: string[] = [];
  vi.stubGlobal("fetch", async (path: string, wishes: RequestInit = {}) => {
    calls.push(`${wishes.method} ${path}`);
    const failure = fail(`${wishes.method} ${path}`, wishes);
    if (failure) return failure;
    const body = JSON.parse((wishes.body as string | undefined) ?? "{}");
    let answer: Record<string, unknown> = {};
    if (path === "/v1/uploads/batch") answer = { items: await Promise.all(body.uploads.map((wish: Wish) => begin(nameIn(wish)))) };
    else if (path === "/v1/uploads/complete-batch") answer = { items: body.uploads.map((id: string) => ({ id, kind: "file" })) };
    else if (path === "/v1/uploads") answer = await begin(nameIn(body));
    else if (path.startsWith("/v1/uploads/") && wishes.method === "GET") answer = begun(path.slice("/v1/uploads/u-".length));
    return answer.problem
      ? new Response(JSON.stringify(answer.problem), { status: 409 })
      : new Response(JSON.stringify(answer));
  });
  vi.stubGlobal("XMLHttpRequest", class {
    upload = {};
    status = 200;
    url = "";
    onload?: () => void;
    onabort?: () => void;
    onloadend?: () => void;
    open = (_: string, url: string) => (this.url = url);
    setRequestHeader = () => undefined;
    abort = () => (this.onabort?.(), this.onloadend?.());
    send = () => void put(this.url.slice("http://store/".length)).then(() => (this.onload?.(), this.onloadend?.()));
  });
  return calls;
}

export const begun = (name: string) => ({ id: `u-${name}`, state: "initiated", put: { url: `http://store/${name}`, headers: {} } });
export const states = () => Object.fromEntries(uploads.snapshot().jobs.map((job) => [job.name, job.state]));
export const jobOf = (name: string) => uploads.snapshot().jobs.find((job) => job.name === name) as Job;
export const add = (...files: File[]) => uploads.add(files.map((one) => ({ file: one, path: one.name })), FOLDER);

export const remembered = (account = "me") => rememberedJobs(account).flatMap((job) => job.uploadId ?? []);
