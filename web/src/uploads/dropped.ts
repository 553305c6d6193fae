/** What was dropped or chosen, with the folders it lies in. */

export interface Found {
  file: File;
  /** Below the folder that it is uploaded into: "photos/2024/a.jpg". */
  path: string;
}

/** The system's own leavings, which nobody means to upload. */
const LEAVINGS = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

export async function dropped(data: DataTransfer): Promise<Found[]> {
  // Entries are only there until the event is over: all of them are taken first.
  const entries = [...data.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  if (entries.every((entry) => entry === null)) return files.map((file) => ({ file, path: file.name }));
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry, "") : [])));
  return found.flat();
}

export function chosen(files: Iterable<File>): Found[] {
  return [...files]
    .filter((file) => !LEAVINGS.has(file.name))
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function walk(entry: FileSystemEntry, folder: string): Promise<Found[]> {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    if (LEAVINGS.has(entry.name)) return [];
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  for (;;) {
    // Chromium gives a hundred entries at a time, then none.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const child of entries) found.push(...(await walk(child, path)));
  }
}
