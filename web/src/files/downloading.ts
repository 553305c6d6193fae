/** Downloads files and folders: into a local folder if the browser supports it, else file by file. */
import { call, contentUrl, fetchContent } from "@/api/client";
import { reason } from "@/api/problem";
import type { FileItem } from "@/api/types";
import { each, things } from "@/files/operations";
import { isReadable } from "@/files/retrieval";
import { counted } from "@/lib/format";
import { toast } from "@/ui/toasts";

const LISTED_AT_ONCE = 1000;
/** Browsers drop clicks that come at once. */
const BETWEEN_CLICKS_MS = 300;

/** One file of what is downloaded, and the folders it lies in below the selection. */
interface Wanted {
  file: FileItem;
  folders: string[];
}

type DirectoryPicker = (options: { mode: "readwrite" }) => Promise<FileSystemDirectoryHandle>;

const directoryPicker = () => (window as { showDirectoryPicker?: DirectoryPicker }).showDirectoryPicker;

export async function download(files: FileItem[], version?: number): Promise<void> {
  if (files.every((file) => file.kind === "file")) return downloadEach(files.map((file) => ({ file, folders: [] })), version);
  try {
    // Asked for first: a browser lets a page do so only right after a click.
    const target = await directoryPicker()?.call(window, { mode: "readwrite" });
    const wanted = await withContents(files, []);
    if (wanted.length === 0) return toast(`There are no files in ${things(files)}.`);
    if (target) return await saveInto(target, wanted);
    toast(`Downloading ${counted(wanted.length, "file", "files")} one by one. This browser can’t keep the folder structure.`);
    await downloadEach(wanted);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return; // no folder was chosen
    toast(`Could not download ${things(files)}: ${reason(error)}`, { tone: "error" });
  }
}

/** The files of the selection and of every folder in it. */
async function withContents(items: FileItem[], folders: string[]): Promise<Wanted[]> {
  const found: Wanted[] = [];
  for (const item of items) {
    if (item.kind === "file") found.push({ file: item, folders });
    else for (const one of await withContents(await listed(item.id), [...folders, item.name])) found.push(one);
  }
  return found;
}

async function listed(folderId: string): Promise<FileItem[]> {
  const items: FileItem[] = [];
  let cursor: string | undefined;
  do {
    const query = { parent_id: folderId, limit: LISTED_AT_ONCE, cursor };
    const page = await call("get /v1/files", { query });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return items;
}

async function saveInto(target: FileSystemDirectoryHandle, wanted: Wanted[]): Promise<void> {
  toast(`Downloading ${counted(wanted.length, "file", "files")} to “${target.name || "this device"}”…`);
  const { failed, error } = await each(wanted, async ({ file, folders }) => {
    let folder = target;
    for (const name of folders) folder = await folder.getDirectoryHandle(name, { create: true });
    const answer = await fetchContent(file.id, file.version);
    const writable = await (await folder.getFileHandle(file.name, { create: true })).createWritable();
    if (answer.body) await answer.body.pipeTo(writable);
    else await writable.close();
  });
  if (failed.length === 0) return toast(`Downloaded ${counted(wanted.length, "file", "files")}.`);
  const names = failed.slice(0, 3).map(({ file }) => `“${file.name}”`).join(", ");
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : "";
  toast(`${failed.length} of ${counted(wanted.length, "file", "files")} were not downloaded: ${names}${more}. ${reason(error)}`, {
    tone: "error",
  });
}

/** By the browser's own downloads. Each file is asked for first, so that a session that has run out is renewed. */
async function downloadEach(wanted: Wanted[], version?: number): Promise<void> {
  for (const { file } of wanted) {
    try {
      if (!(await isReadable(file, version))) continue;
    } catch (error) {
      toast(`Could not download “${file.name}”: ${reason(error)}`, { tone: "error" });
      continue;
    }
    const anchor = document.createElement("a");
    anchor.href = contentUrl(file.id, version);
    anchor.download = file.name;
    anchor.click();
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_CLICKS_MS));
  }
}
