/** One dialog at a time, opened from anywhere; each loads when it is first needed. */
import { lazy, Suspense, useSyncExternalStore } from "react";
import type { FileItem, FileVersion } from "@/api/types";

export type OpenDialog =
  | { kind: "new-folder"; parent: FileItem }
  | { kind: "rename"; file: FileItem }
  | { kind: "move" | "copy"; files: FileItem[] }
  | { kind: "tags"; file: FileItem }
  | { kind: "share"; file: FileItem }
  | { kind: "follow"; file: FileItem }
  | { kind: "purge"; files: FileItem[] }
  | { kind: "compare"; file: FileItem; older: FileVersion; newer: FileVersion }
  | { kind: "view"; file: FileItem; among: FileItem[]; version?: number };

let open: OpenDialog | null = null;
const listeners = new Set<() => void>();

export function openDialog(next: OpenDialog | null): void {
  open = next;
  for (const listener of listeners) listener();
}

const close = () => openDialog(null);

const NameDialog = lazy(() => import("@/files/NameDialog"));
const FolderPicker = lazy(() => import("@/files/FolderPicker"));
const TagsDialog = lazy(() => import("@/files/TagsDialog"));
const ShareDialog = lazy(() => import("@/sharing/ShareDialog"));
const FollowDialog = lazy(() => import("@/following/FollowDialog"));
const PurgeDialog = lazy(() => import("@/trash/PurgeDialog"));
const CompareDialog = lazy(() => import("@/details/CompareDialog"));
const Viewer = lazy(() => import("@/viewer/Viewer"));

export function DialogHost() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open,
  );
  return <Suspense fallback={null}>{shown && <Shown dialog={shown} />}</Suspense>;
}

function Shown({ dialog }: { dialog: OpenDialog }) {
  switch (dialog.kind) {
    case "new-folder":
      return <NameDialog parent={dialog.parent} onClose={close} />;
    case "rename":
      return <NameDialog file={dialog.file} onClose={close} />;
    case "move":
    case "copy":
      return <FolderPicker action={dialog.kind} files={dialog.files} onClose={close} />;
    case "tags":
      return <TagsDialog file={dialog.file} onClose={close} />;
    case "share":
      return <ShareDialog file={dialog.file} onClose={close} />;
    case "follow":
      return <FollowDialog file={dialog.file} onClose={close} />;
    case "purge":
      return <PurgeDialog files={dialog.files} onClose={close} />;
    case "compare":
      return <CompareDialog {...dialog} onClose={close} />;
    case "view":
      return <Viewer {...dialog} onClose={close} />;
  }
}
