/** The log-in of this page. Tokens are in cookies that scripts can't read; only the CSRF token is here. */
import type { Account, WebSession } from "@/api/types";
import { Problem, problemOf } from "@/api/problem";
import { withTabLock } from "@/api/tab-lock";
import { forgetListings } from "@/lib/offline";
import { isOffline } from "@/lib/online";
import { releaseAll } from "@/uploads/kept";

let csrf = "";
/** Whose files the page shows, once that is known. */
let shown: string | null = null;
let refreshing: Promise<boolean> | null = null;
const loggedOut = new Set<() => void>();

/** A refresh by another tab counts as ours for so long: each refresh token works once. */
const RECENT_MS = 5_000;
const REFRESHED_KEY = "docstore.refreshed";

export const csrfToken = () => csrf;

export function onLoggedOut(listener: () => void): () => void {
  loggedOut.add(listener);
  return () => loggedOut.delete(listener);
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Take up the session that the cookies hold, if any. */
export async function resume(): Promise<boolean> {
  const { csrf_token, renewable } = await known();
  if (csrf_token) csrf = csrf_token;
  if (csrf_token || !renewable) return Boolean(csrf_token);
  return isOffline() || refresh(); // as the worker remembers it: renewed with the first call that arrives
}

async function known(): Promise<{ csrf_token: string | null; renewable: boolean }> {
  const response = await send("GET", "/web/session");
  if (!response.ok) throw await problemOf(response);
  return response.json() as Promise<{ csrf_token: string | null; renewable: boolean }>;
}

/** The log-in is this account's. Whether the page shows its files; if another's, it starts again. */
export function belongsTo(account: string): boolean {
  shown ??= account;
  if (shown !== account) location.reload();
  return shown === account;
}

/** New tokens, once for all who ask meanwhile; false if the session is over. */
export function refresh(): Promise<boolean> {
  refreshing ??= withTabLock("docstore.refresh", renew).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function renew(): Promise<boolean> {
  if (Date.now() - Number(stored(REFRESHED_KEY)) < RECENT_MS) {
    const { csrf_token } = await known();
    if (csrf_token) {
      csrf = csrf_token;
      return true;
    }
  }
  const response = await send("POST", "/web/session/refresh");
  if (response.ok) {
    take((await response.json()) as WebSession);
    return true;
  }
  if (response.status === 401 || response.status === 403) return false;
  throw await problemOf(response);
}

export async function logIn(email: string, password: string): Promise<Account> {
  const response = await send("POST", "/web/session", { email, password });
  if (!response.ok) throw await problemOf(response);
  const session = (await response.json()) as WebSession;
  take(session);
  return session.account;
}

export async function logOut(): Promise<void> {
  let response = await send("DELETE", "/web/session");
  if (response.status === 401 && (await refresh())) response = await send("DELETE", "/web/session");
  if (!response.ok && response.status !== 401) throw await problemOf(response);
  await releaseAll();
  ended();
}

/** Notifies listeners that the session has ended. */
export function ended(): void {
  csrf = "";
  shown = null;
  void forgetListings();
  for (const listener of loggedOut) listener();
}

function take(session: WebSession): void {
  csrf = session.csrf_token;
  try {
    localStorage.setItem(REFRESHED_KEY, String(Date.now()));
  } catch {
    // Without storage each tab refreshes by itself.
  }
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export { Problem };
