/** The open file in the address: Back closes the viewer, a reload shows it again. */
import { useSyncExternalStore } from "react";
import { keys, queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { navigate } from "@/lib/router";

const FILE = "view";
const VERSION = "version";
const LINES = "line";
/** Marks an entry of the browser's history that was added by opening a file: closing it goes back. */
const OPENED = { opened: "viewer" };

let neighbours: FileItem[] = [];
const listeners = new Set<() => void>();

/** The files that previous and next lead to. */
export function setNeighbours(files: FileItem[]): void {
  neighbours = files.filter((file) => file.kind === "file");
  for (const listener of listeners) listener();
}

export function useNeighbours(): FileItem[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => neighbours,
  );
}

export interface Viewed {
  fileId: string;
  version?: number;
  /** Of a text, see `lines.ts`. */
  lines?: string;
}

/** What of a file an address names. */
export function viewedPart(query: URLSearchParams): Omit<Viewed, "fileId"> {
  const version = Number(query.get(VERSION));
  return {
    version: Number.isSafeInteger(version) && version > 0 ? version : undefined,
    lines: query.get(LINES) ?? undefined,
  };
}

export function viewedIn(query: URLSearchParams): Viewed | null {
  const fileId = query.get(FILE);
  return fileId ? { fileId, ...viewedPart(query) } : null;
}

/** `href` with the file open; without an id it is that of a file itself. */
export function withViewed(href: string, viewed: Viewed | null): string {
  const [path = "", search = ""] = href.split("?", 2);
  const query = new URLSearchParams(search);
  query.delete(FILE);
  query.delete(VERSION);
  query.delete(LINES);
  if (viewed?.fileId) query.set(FILE, viewed.fileId);
  if (viewed?.version) query.set(VERSION, String(viewed.version));
  if (viewed?.lines) query.set(LINES, viewed.lines);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

const here = () => location.pathname + location.search;

export function viewFile(file: FileItem, among: FileItem[], version?: number): void {
  setNeighbours(among);
  queryClient.setQueryData(keys.file(file.id), file);
  navigate(withViewed(here(), { fileId: file.id, version }), { state: OPENED });
}

/** Instead of the file that is open. */
export function viewNext(file: FileItem): void {
  queryClient.setQueryData(keys.file(file.id), file);
  navigate(withViewed(here(), { fileId: file.id }), { replace: true, state: history.state });
}

/** Lines of the text that is open. */
export function showLines(lines: string): void {
  const viewed = viewedIn(new URLSearchParams(location.search));
  if (viewed) navigate(withViewed(here(), { ...viewed, lines }), { replace: true, state: history.state });
}

export function closeViewer(): void {
  if ((history.state as typeof OPENED | null)?.opened === OPENED.opened) history.back();
  else navigate(withViewed(here(), null), { replace: true });
}
