/** Files that wait in this browser for a network, also while the page is closed: chosen without one, or shared by another app. */
import type { Folder } from "@/uploads/jobs";

/** Also written by `public/worker.js`. */
const CACHE = "docstore-kept-files";
/** Larger ones have to be chosen again after a reload. */
const MOST_BYTES = 100 << 20;

export interface KeptFile {
  key: string;
  file: File;
  path: string;
  /** Null for one that another app has shared. */
  folder: Folder | null;
}

const here = () => ("caches" in window ? caches.open(CACHE) : Promise.resolve(undefined));

/** Keep a file for an account; its key, or undefined where there is no cache or no room for it. */
export async function keepFile(account: string, folder: Folder, path: string, file: File): Promise<string | undefined> {
  if (file.size > MOST_BYTES) return undefined;
  const about = { account, folder: folder.id, in: folder.name, path, modified: String(file.lastModified) };
  try {
    const cache = await here();
    if (!cache) return undefined; // the page came by http: browsers have neither caches nor UUIDs there
    const key = `/kept/${crypto.randomUUID()}?${new URLSearchParams(about)}`;
    await cache.put(key, new Response(file));
    return key;
  } catch {
    return undefined;
  }
}

/** What was kept for this account, or for no account in particular. */
export async function keptFiles(account: string): Promise<KeptFile[]> {
  const found: KeptFile[] = [];
  const cache = await here();
  for (const { url } of (await cache?.keys()) ?? []) {
    const { pathname, search, searchParams: about } = new URL(url);
    const path = about.get("path") ?? "";
    const body = await cache?.match(url);
    if ((about.get("account") ?? account) !== account || !path || !body) continue;
    const file = new File([await body.blob()], path.slice(path.lastIndexOf("/") + 1), { lastModified: Number(about.get("modified")) });
    const folder = about.get("folder");
    found.push({ key: pathname + search, file, path, folder: folder ? { id: folder, name: about.get("in") ?? "" } : null });
  }
  return found;
}

export async function releaseFile(key: string): Promise<void> {
  await (await here())?.delete(key);
}

/** Everything that waits: of a log-out nothing stays in the browser. */
export async function releaseAll(): Promise<void> {
  if ("caches" in window) await caches.delete(CACHE);
}
