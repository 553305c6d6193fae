/** Dropped or chosen files with their folders. */

export interface Found {
  file: File;
  /** Below the folder that it is uploaded into: "photos/2024/a.jpg". */
  path: string;
  /** Where the browser keeps it until it is uploaded; see kept.ts. */
  kept?: string;
}

/** Files of the operating system, which are never uploaded. */
const LEAVINGS = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

export interface Dropped {
  found: Found[];
  /** Files, and folders that could not be listed to their end. */
  unreadable: { name: string }[];
}

export async function dropped(data: DataTransfer): Promise<Dropped> {
  // Entries are only there until the event is over: all of them are taken first.
  const entries = [...data.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  const unreadable: FileSystemEntry[] = [];
  if (entries.every((entry) => entry === null)) {
    return { found: files.map((file) => ({ file, path: file.name })), unreadable };
  }
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry, "", unreadable) : [])));
  return { found: found.flat(), unreadable };
}

export function chosen(files: Iterable<File>): Found[] {
  return [...files]
    .filter((file) => !LEAVINGS.has(file.name))
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files of an entry; what of it can't be read goes to `unreadable`, and keeps nothing beside it from being found. */
async function walk(entry: FileSystemEntry, folder: string, unreadable: FileSystemEntry[]): Promise<Found[]> {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  const found: Found[] = [];
  try {
    if (entry.isFile) {
      if (LEAVINGS.has(entry.name)) return [];
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      return [{ file, path }];
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // Chromium gives a hundred entries at a time, then none.
      const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (entries.length === 0) return found;
      for (const child of entries) {
        for (const one of await walk(child, path, unreadable)) found.push(one); // too many for arguments of one call
      }
    }
  } catch {
    unreadable.push(entry);
    return found;
  }
}
