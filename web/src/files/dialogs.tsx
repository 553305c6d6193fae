/** Opens one dialog at a time from anywhere; each is loaded on first use. */
import { Suspense, useSyncExternalStore } from "react";
import type { FileItem, FileVersion } from "@/api/types";
import { ErrorBoundary } from "@/ui/boundary";
import { part } from "@/ui/part";

export type OpenDialog =
  | { kind: "new-folder" | "new-text"; parent: FileItem }
  | { kind: "keys" }
  | { kind: "rename"; file: FileItem }
  | { kind: "move" | "copy"; files: FileItem[] }
  | { kind: "tags" | "metadata"; file: FileItem }
  | { kind: "share"; file: FileItem }
  | { kind: "follow"; file: FileItem }
  | { kind: "purge"; files: FileItem[] }
  | { kind: "compare"; file: FileItem; older: FileVersion; newer: FileVersion };

let open: OpenDialog | null = null;
const listeners = new Set<() => void>();

export function openDialog(next: OpenDialog | null): void {
  open = next;
  for (const listener of listeners) listener();
}

const close = () => openDialog(null);

const NewFolderDialog = part(() => import("@/files/NewFolderDialog"));
const RenameDialog = part(() => import("@/files/RenameDialog"));
const NewTextDialog = part(() => import("@/editor/NewTextDialog"));
const KeysDialog = part(() => import("@/shell/KeysDialog"));
const FolderPicker = part(() => import("@/files/FolderPicker"));
const TagsDialog = part(() => import("@/files/TagsDialog"));
const MetadataDialog = part(() => import("@/files/MetadataDialog"));
const ShareDialog = part(() => import("@/sharing/ShareDialog"));
const FollowDialog = part(() => import("@/following/FollowDialog"));
const PurgeDialog = part(() => import("@/trash/PurgeDialog"));
const CompareDialog = part(() => import("@/details/CompareDialog"));

export function DialogHost() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open,
  );
  if (!shown) return null;
  return (
    <ErrorBoundary onFailed={close}>
      <Suspense fallback={null}>
        <Shown dialog={shown} />
      </Suspense>
    </ErrorBoundary>
  );
}

function Shown({ dialog }: { dialog: OpenDialog }) {
  switch (dialog.kind) {
    case "new-folder":
      return <NewFolderDialog parent={dialog.parent} onClose={close} />;
    case "new-text":
      return <NewTextDialog parent={dialog.parent} onClose={close} />;
    case "keys":
      return <KeysDialog onClose={close} />;
    case "rename":
      return <RenameDialog file={dialog.file} onClose={close} />;
    case "move":
    case "copy":
      return <FolderPicker action={dialog.kind} files={dialog.files} onClose={close} />;
    case "tags":
      return <TagsDialog file={dialog.file} onClose={close} />;
    case "metadata":
      return <MetadataDialog file={dialog.file} onClose={close} />;
    case "share":
      return <ShareDialog file={dialog.file} onClose={close} />;
    case "follow":
      return <FollowDialog file={dialog.file} onClose={close} />;
    case "purge":
      return <PurgeDialog files={dialog.files} onClose={close} />;
    case "compare":
      return <CompareDialog {...dialog} onClose={close} />;
  }
}
