/** Saves an edited text as a new version of its file. */
import { call } from "@/api/client";
import type { FileItem } from "@/api/types";
import { persist } from "@/uploads/persist";
import { onlyOnce } from "@/uploads/sender";
import { put } from "@/uploads/transfer";

/** Larger texts are read, not edited here. */
export const MOST_EDITED_BYTES = 1_000_000;

export interface EditedText {
  /** With lines that end in "\n", as a text field has them. */
  text: string;
  lineEnd: "\n" | "\r\n";
  byteOrderMark: boolean;
}

/** The text of a file; undefined if it is not UTF-8, which it would become by being saved. */
export function textOf(bytes: ArrayBuffer): EditedText | undefined {
  try {
    const whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const byteOrderMark = whole.startsWith("\ufeff");
    const text = byteOrderMark ? whole.slice(1) : whole;
    const lineEnd = /\r\n/.test(text) && !/[^\r]\n/.test(text) ? "\r\n" : "\n";
    return { text: text.replaceAll("\r\n", "\n"), lineEnd, byteOrderMark };
  } catch {
    return undefined;
  }
}

const bytesOf = ({ text, lineEnd, byteOrderMark }: EditedText): Blob =>
  new Blob([byteOrderMark ? "\ufeff" : "", text.replaceAll("\n", lineEnd)]);

type Target = { file_id: string; base_version: number } | { path: string; parent_id: string; base_version: 0 };

/** Problem `version_conflict` if the file has another version than `base_version`, unless a conflicted copy is wanted. */
async function store(target: Target, body: Blob, contentType: string | undefined, onConflict: "fail" | "copy"): Promise<FileItem> {
  const { signal } = new AbortController();
  const wish = { ...target, size: body.size, content_type: contentType, on_conflict: onConflict, method: "put" as const, notify: false };
  const headers = onlyOnce();
  const upload = await persist(signal, () => call("post /v1/uploads", { body: wish, headers }));
  const { url, headers: signed } = upload.put ?? { url: "", headers: {} };
  await persist(signal, () => put({ url, body, headers: signed, onProgress: () => undefined, signal }));
  return persist(signal, () => call("post /v1/uploads/{upload_id}/complete", { path: { upload_id: upload.id }, body: {} }));
}

export const saveVersion = (file: FileItem, base: number, text: EditedText, onConflict: "fail" | "copy" = "fail") =>
  store({ file_id: file.id, base_version: base }, bytesOf(text), file.content_type ?? undefined, onConflict);

/** A new empty text; Problem `version_conflict` or `name_taken` if there is something of that name. */
export const newText = (parent: FileItem, name: string) =>
  store({ path: `/${name}`, parent_id: parent.id, base_version: 0 }, new Blob(), /\.(md|markdown)$/i.test(name) ? "text/markdown" : "text/plain", "fail");
