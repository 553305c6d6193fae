/** Drag and drop of rows onto folders, and of files from the desktop. */
import { i18n } from "@lingui/core";
import type { DragEvent } from "react";
import type { FileItem } from "@/api/types";
import { copy, move, things } from "@/files/operations";
import { dropped } from "@/uploads/dropped";
import { uploads } from "@/uploads/queue";
import { toast } from "@/ui/toasts";

const TYPE = "application/x-docstore-files";

/** The dragged files, kept here because drop targets can read only types before the drop. */
let dragged: FileItem[] = [];

export function startDrag(event: DragEvent, files: FileItem[]): void {
  dragged = files;
  event.dataTransfer.setData(TYPE, files.map((file) => file.id).join());
  event.dataTransfer.effectAllowed = "copyMove";
  const label = document.createElement("div");
  label.className = "drag-label";
  label.textContent = files.length === 1 ? (files[0]?.name ?? "") : things(files);
  document.body.append(label);
  event.dataTransfer.setDragImage(label, -12, -8);
  setTimeout(() => label.remove());
}

export const endDrag = () => {
  dragged = [];
};

export const bringsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
const bringsRows = (event: DragEvent) => event.dataTransfer.types.includes(TYPE);

type Target = Pick<FileItem, "id" | "name">;

/** Upload what was dropped from the desktop, and say what of it could not be read. */
export async function uploadDropped(data: DataTransfer, folder: Target): Promise<void> {
  const { found, unreadable } = await dropped(data);
  uploads.add(found, folder);
  if (unreadable.length) toast(i18n.t("Could not read {files}.", { files: things(unreadable) }), { tone: "error" });
}

/** Handlers that make an element a folder to drop onto. */
export function folderDrop(folder: Target) {
  return {
    onDragOver(event: DragEvent<HTMLElement>) {
      const rows = bringsRows(event) && !dragged.some((file) => file.id === folder.id);
      if (!rows && !bringsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = bringsFiles(event) || event.ctrlKey || event.altKey ? "copy" : "move";
      event.currentTarget.classList.add("drop-target");
    },
    onDragLeave(event: DragEvent<HTMLElement>) {
      event.currentTarget.classList.remove("drop-target");
    },
    onDrop(event: DragEvent<HTMLElement>) {
      event.currentTarget.classList.remove("drop-target");
      if (bringsFiles(event)) {
        event.preventDefault();
        event.stopPropagation();
        void uploadDropped(event.dataTransfer, folder);
      } else if (bringsRows(event)) {
        event.preventDefault();
        event.stopPropagation();
        const files = dragged;
        void (event.ctrlKey || event.altKey ? copy(files, folder as FileItem) : move(files, folder as FileItem));
      }
    },
  };
}
