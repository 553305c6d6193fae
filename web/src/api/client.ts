/** Typed calls of the public API with the page's session. */
import { i18n } from "@lingui/core";
import { OFFLINE, Problem, problemOf } from "@/api/problem";
import type { paths } from "@/api/schema";
import { belongsTo, csrfToken, ended, refresh, resume } from "@/api/session";

/** `get /v1/files`: every call that the description has. */
type Route = { [P in keyof paths & string]: `${MethodsOf<paths[P]>} ${P}` }[keyof paths & string];
type MethodsOf<Item> = { [M in keyof Item & string]: Item[M] extends { responses: unknown } ? M : never }[keyof Item & string];
type MethodOf<R extends Route> = R extends `${infer M} ${string}` ? M : never;
type PathOf<R extends Route> = R extends `${string} ${infer P}` ? P : never;
type Operation<R extends Route> = PathOf<R> extends keyof paths
  ? MethodOf<R> extends keyof paths[PathOf<R>]
    ? NonNullable<paths[PathOf<R>][MethodOf<R>]>
    : never
  : never;
type PathParameters<O> = O extends { parameters: { path: infer P } } ? { path: P } : { path?: undefined };
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : undefined;
type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : undefined;

/** The JSON of success, whatever its status; undefined where there is none. */
type ResponseOf<O> = O extends { responses: infer S }
  ? { [N in keyof S & Success]: S[N] extends { content: { "application/json": infer B } } ? B : undefined }[keyof S & Success]
  : never;
type Success = 200 | 201 | 202 | 204;

type Wishes<R extends Route> = PathParameters<Operation<R>> & {
  query?: QueryOf<Operation<R>>;
  body?: BodyOf<Operation<R>>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

export async function call<R extends Route>(route: R, wishes?: Wishes<R>): Promise<ResponseOf<Operation<R>>> {
  return (await callWithStatus(route, wishes)).body;
}

/** Where the status means more than success. */
export async function callWithStatus<R extends Route>(
  route: R,
  wishes?: Wishes<R>,
): Promise<{ status: number; body: ResponseOf<Operation<R>> }> {
  const [method = "", template = ""] = route.split(" ");
  const url = fill(template, wishes?.path) + queryString(wishes?.query);
  const response = await send(method.toUpperCase(), url, wishes?.body, wishes?.headers, wishes?.signal);
  const body = (response.status === 204 ? undefined : await response.json()) as ResponseOf<Operation<R>>;
  return { status: response.status, body };
}

/** A file's bytes: the gateway leads to the object store by a signed URL. */
export async function fetchContent(fileId: string, version?: number, signal?: AbortSignal): Promise<Response> {
  return send("GET", contentUrl(fileId, version), undefined, undefined, signal);
}

export function contentUrl(fileId: string, version?: number): string {
  return `/v1/files/${fileId}/content${version === undefined ? "" : `?version=${version}`}`;
}

/** A ZIP of files and folders, for the browser's own downloads. */
export function zipUrl(ids: string[]): string {
  return `/v1/files/zip?${ids.map((id) => `id=${id}`).join("&")}`;
}

/** Ask for one byte of a ZIP: throws the problem if it is refused. Only a response with the first byte counts as a download. */
export async function checkZip(url: string): Promise<void> {
  await send("GET", url, undefined, { Range: "bytes=1-1" });
}

async function send(
  method: string,
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const ask = () => attempt(method, url, body, headers, signal);
  let response = await ask();
  if (response.status === 401) {
    if (!(await refresh())) {
      ended();
      throw new Problem(401, "unauthorized", i18n.t("You have been logged out."));
    }
    response = await ask();
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.code !== "csrf") throw problem;
  await takeOver();
  response = await ask();
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Another tab has logged in since, so that our CSRF token is of a session that is gone. */
async function takeOver(): Promise<void> {
  await resume();
  const { id } = await call("get /v1/me");
  if (!belongsTo(id)) throw new Problem(403, "other_account", i18n.t("Another account has logged in. Reload the page."));
}

async function attempt(
  method: string,
  url: string,
  body: unknown,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Response> {
  const sent: Record<string, string> = { ...headers };
  if (method !== "GET") sent["X-CSRF-Token"] = csrfToken();
  if (body !== undefined) sent["Content-Type"] = "application/json";
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return await fetch(url, { method, headers: sent, body: text, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, OFFLINE, i18n.t("DocStore can’t be reached. Is this device online?"));
  }
}

function fill(template: string, parameters: Record<string, unknown> | undefined): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parameters?.[name])));
}

function queryString(query: unknown): string {
  if (!query) return "";
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "object" && !Array.isArray(value)) {
      // Each property is a parameter of its own, as in `meta.author=Ada`.
      for (const [key, one] of Object.entries(value)) search.append(key, String(one));
      continue;
    }
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
