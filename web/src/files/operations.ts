/** Operations on files with optimistic updates; a failed call reloads the list. */
import { i18n } from "@lingui/core";
import type { InfiniteData } from "@tanstack/react-query";
import { call, callWithStatus } from "@/api/client";
import { Problem, reason } from "@/api/problem";
import { keys, queryClient } from "@/api/queries";
import type { FileItem, Page } from "@/api/types";
import { fitting, splitName } from "@/lib/names";
import { toast } from "@/ui/toasts";

const AT_ONCE = 4;

export const things = (files: { name: string }[]) =>
  files.length === 1
    ? i18n.t("“{name}”", { name: files[0]?.name })
    : i18n.t("{count, plural, one {# item} other {# items}}", { count: files.length });

/** The name of a folder; the account's own has none. */
export const nameOf = (folder: { name: string }) => folder.name || i18n.t("My files");

/** Run `work` on each, a few at once; how many failed, and why the first did. */
export async function each<T>(items: T[], work: (item: T) => Promise<unknown>): Promise<{ failed: T[]; error?: unknown }> {
  const waiting = [...items];
  const failed: T[] = [];
  let error: unknown;
  async function worker(): Promise<void> {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
      } catch (caught) {
        error ??= caught;
        failed.push(item);
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { failed, error };
}

/** `text` has `{files}` and `{error}`. */
function report(files: FileItem[], failed: FileItem[], error: unknown, text: string): void {
  if (failed.length === 0) return;
  void queryClient.invalidateQueries({ queryKey: keys.lists() });
  const which =
    files.length === 1 || failed.length === files.length
      ? things(failed)
      : i18n.t("{failed} of {count} items", { failed: failed.length, count: files.length });
  toast(i18n.t(text, { files: which, error: reason(error) }), { tone: "error" });
}

/** Replace or, with null, remove files by their ids, in every list that shows them. */
function patchLists(changed: ReadonlyMap<string, FileItem | null>): void {
  queryClient.setQueriesData<InfiniteData<Page<FileItem>>>({ queryKey: keys.lists() }, (data) => {
    if (!data?.pages.some((page) => page.items.some((item) => changed.has(item.id)))) return data;
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.flatMap((item) => changed.get(item.id) ?? (changed.has(item.id) ? [] : [item])),
    }));
    return { ...data, pages };
  });
}

const showInLists = (file: FileItem) => patchLists(new Map([[file.id, file]]));
const takeFromLists = (files: FileItem[]) => patchLists(new Map(files.map((file) => [file.id, null])));

const reread = (...folders: (string | null)[]) =>
  Promise.all(folders.map((id) => id && queryClient.invalidateQueries({ queryKey: keys.lists(id) })));

/** A new folder; Problem `name_taken` if there is one of that name, which the API returns instead. */
export async function makeFolder(parent: FileItem, name: string): Promise<FileItem> {
  const wanted = { path: `/${name}`, parent_id: parent.id };
  const { status, body: folder } = await callWithStatus("post /v1/folders", { body: wanted });
  if (status === 200) throw new Problem(409, "name_taken", i18n.t("“{name}” already exists in this folder.", { name }));
  await reread(parent.id);
  return folder;
}

export async function rename(file: FileItem, name: string): Promise<void> {
  const renamed = await call("patch /v1/files/{file_id}", { path: { file_id: file.id }, body: { name } });
  show(renamed);
  await reread(file.parent_id);
}

export async function setTags(file: FileItem, tags: string[]): Promise<void> {
  show(await call("patch /v1/files/{file_id}", { path: { file_id: file.id }, body: { tags } }));
}

/** Replaces all pairs; Problem `precondition_failed` if the file has changed since it was shown. */
export async function setMetadata(file: FileItem, metadata: Record<string, string>): Promise<void> {
  const headers = { "If-Match": file.etag };
  show(await call("patch /v1/files/{file_id}", { path: { file_id: file.id }, body: { metadata }, headers }));
}

function show(file: FileItem): void {
  showInLists(file);
  queryClient.setQueryData(keys.file(file.id), file);
}

export async function move(files: FileItem[], folder: FileItem): Promise<void> {
  const moving = files.filter((file) => file.parent_id !== folder.id && file.id !== folder.id);
  if (moving.length === 0) return;
  takeFromLists(moving);
  const { failed, error } = await each(moving, (file) =>
    call("patch /v1/files/{file_id}", { path: { file_id: file.id }, body: { parent_id: folder.id } }),
  );
  report(moving, failed, error, /*i18n*/ "Could not move {files}: {error}");
  const moved = moving.filter((file) => !failed.includes(file));
  await reread(folder.id, ...new Set(moving.map((file) => file.parent_id)));
  if (moved.length)
    toast(i18n.t("Moved {files} to “{folder}”.", { files: things(moved), folder: nameOf(folder) }), {
      action: undoOf(moved),
    });
}

function undoOf(moved: FileItem[]): { label: string; run: () => void } | undefined {
  if (moved.some((file) => file.parent_id === null)) return undefined;
  return {
    label: i18n.t("Undo"),
    run: () => void moveBack(moved),
  };
}

async function moveBack(moved: FileItem[]): Promise<void> {
  const { failed, error } = await each(moved, (file) =>
    call("patch /v1/files/{file_id}", { path: { file_id: file.id }, body: { parent_id: file.parent_id } }),
  );
  report(moved, failed, error, /*i18n*/ "Could not move back {files}: {error}");
  await queryClient.invalidateQueries({ queryKey: keys.lists() });
}

export async function copy(files: FileItem[], folder: FileItem): Promise<void> {
  const { failed, error } = await each(files, (file) => copyOne(file, folder));
  report(files, failed, error, /*i18n*/ "Could not copy {files}: {error}");
  await reread(folder.id);
  const copied = files.length - failed.length;
  if (copied)
    toast(
      i18n.t("Copied {count, plural, one {# item} other {# items}} to “{folder}”.", {
        count: copied,
        folder: nameOf(folder),
      }),
    );
}

async function copyOne(file: FileItem, folder: FileItem): Promise<void> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 && file.parent_id !== folder.id ? file.name : copyName(file, number);
    try {
      await call("post /v1/files/{file_id}/copy", {
        path: { file_id: file.id },
        body: { path: `/${name}`, parent_id: folder.id },
      });
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "name_taken" || number > 50) throw error;
    }
  }
}

/** "report (copy 2).pdf" */
export function copyName(file: Pick<FileItem, "name" | "kind">, number: number): string {
  const [stem, ending] = file.kind === "file" ? splitName(file.name) : [file.name, ""];
  return fitting(stem, ` (copy${number > 1 ? ` ${number}` : ""})${ending}`);
}

export async function trash(files: FileItem[]): Promise<void> {
  takeFromLists(files);
  const { failed, error } = await each(files, (file) =>
    call("delete /v1/files/{file_id}", { path: { file_id: file.id } }),
  );
  report(files, failed, error, /*i18n*/ "Could not delete {files}: {error}");
  const gone = files.filter((file) => !failed.includes(file));
  void queryClient.invalidateQueries({ queryKey: keys.trash });
  void queryClient.invalidateQueries({ queryKey: keys.photos });
  if (gone.length === 0) return;
  const own = gone.every((file) => file.permission === "owner");
  if (own)
    toast(i18n.t("Moved {files} to the trash.", { files: things(gone) }), {
      action: { label: i18n.t("Undo"), run: () => void restore(gone) },
    });
  else toast(i18n.t("Moved {files} to the trash of the folder’s owner, who can restore it.", { files: things(gone) }));
}

export async function restore(files: FileItem[]): Promise<void> {
  const { failed, error } = await each(files, (file) =>
    call("post /v1/files/{file_id}/restore", { path: { file_id: file.id } }),
  );
  report(files, failed, error, /*i18n*/ "Could not restore {files}: {error}");
  void queryClient.invalidateQueries({ queryKey: keys.trash });
  void queryClient.invalidateQueries({ queryKey: keys.photos });
  await queryClient.invalidateQueries({ queryKey: keys.lists() });
  if (failed.length < files.length)
    toast(i18n.t("Restored {count, plural, one {# item} other {# items}}.", { count: files.length - failed.length }));
}

export async function purge(files: FileItem[]): Promise<void> {
  const { failed, error } = await each(files, (file) =>
    call("delete /v1/trash/{file_id}", { path: { file_id: file.id } }),
  );
  report(files, failed, error, /*i18n*/ "Could not delete {files}: {error}");
  await queryClient.invalidateQueries({ queryKey: keys.trash });
}
