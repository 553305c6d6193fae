/** Folders as addresses of this page. A place is a path below one's root, or below a folder that somebody shares. */
import type { FileItem } from "@/api/types";

export interface Place {
  /** The shared folder that `path` starts from; null: one's own root. */
  base: string | null;
  path: string;
}

export const ROOT: Place = { base: null, path: "/" };

const encoded = (path: string) => path.split("/").map(encodeURIComponent).join("/");

export function hrefOf(place: Place): string {
  const start = place.base === null ? "/files" : `/shared/${place.base}`;
  return place.path === "/" ? start : start + encoded(place.path);
}

/** The place that an address stands for; null if it is another page's. */
export function placeOf(address: string): Place | null {
  const [, area, ...rest] = address.split("/");
  const base = area === "shared" ? (rest.shift() ?? "") : null;
  if (area !== "files" && !base) return null;
  const names = rest.filter(Boolean);
  try {
    return { base, path: "/" + names.map(decodeURIComponent).join("/") };
  } catch {
    return null;
  }
}

export function childPlace(place: Place, name: string): Place {
  return { base: place.base, path: place.path === "/" ? `/${name}` : `${place.path}/${name}` };
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The folder that a file lies in, as an address. A shared file that lies in no folder of its reader's is elsewhere. */
export function folderHref(file: FileItem, accountId: string): string {
  if (file.owner_id === accountId) return hrefOf({ base: null, path: parentOf(file.path) });
  return file.parent_id ? hrefOf({ base: file.parent_id, path: "/" }) : "/shared";
}
