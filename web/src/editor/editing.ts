/** Which file the viewer opens in its editor: one that was just made. */
import type { FileItem } from "@/api/types";
import { MOST_EDITED_BYTES } from "@/editor/saving";
import { isText } from "@/lib/media";

let wanted: string | undefined;

export function openEditing(fileId: string | undefined): void {
  wanted = fileId;
}

/** Whether to begin with the editor. */
export const beginsEditing = (fileId: string): boolean => wanted === fileId;

export const canEdit = (file: FileItem): boolean =>
  isText(file) && file.permission !== "viewer" && !file.watermark && file.size <= MOST_EDITED_BYTES;
