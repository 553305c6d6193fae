/** Addresses of folders and files: by id, so that they stay valid after a rename or move. */
import type { FileItem } from "@/api/types";

/** One's own root folder, whose id is the account's. */
export const HOME = "/files";
export const SHARED = "/shared";
export const PHOTOS = "/photos";
export const FORGOT_PATH = "/forgot-password";
export const RESET_PATH = "/reset-password";

export const folderHref = (folderId: string, accountId: string) => (folderId === accountId ? HOME : `/folder/${folderId}`);

/** Leads to the file's folder, with the file open. */
export const fileHref = (fileId: string) => `/file/${fileId}`;

/** The id in `/folder/ID`, and in `/file/ID`; null in any other address. */
export const folderIdOf = (address: string) => /^\/folder\/([^/]+)\/?$/.exec(address)?.[1] ?? null;
export const fileIdOf = (address: string) => /^\/file\/([^/]+)\/?$/.exec(address)?.[1] ?? null;

/** Parent folder of a file; none if the file itself is shared with the reader. */
export const containingHref = (file: FileItem, accountId: string) =>
  file.parent_id ? folderHref(file.parent_id, accountId) : file.owner_id === accountId ? HOME : SHARED;

/** A path below one's root, or below a shared folder: how earlier versions addressed folders. */
export interface PathAddress {
  base: string | null;
  path: string;
}

/** The path in `/files/a/b` or `/shared/ID/a/b`; null in any other address. */
export function pathAddressOf(address: string): PathAddress | null {
  const [, area, ...rest] = address.split("/");
  const base = area === "shared" ? (rest.shift() ?? "") : null;
  const names = rest.filter(Boolean);
  if (area === "files" ? names.length === 0 : !base) return null;
  try {
    return { base, path: `/${names.map(decodeURIComponent).join("/")}` };
  } catch {
    return null;
  }
}

/** The address of a folder of one's own whose id is not known. */
export const pathHref = (path: string) => (path === "/" ? HOME : HOME + path.split("/").map(encodeURIComponent).join("/"));

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
