import type { FileItem } from "@/api/types";
import { purge, things } from "@/files/operations";
import { Confirm } from "@/ui/dialog";

export default function PurgeDialog({ files, onClose }: { files: FileItem[]; onClose: () => void }) {
  return (
    <Confirm
      title={`Delete ${things(files)} forever?`}
      text="All versions are removed. This cannot be undone."
      action="Delete forever"
      danger
      onConfirm={() => void purge(files)}
      onClose={onClose}
    />
  );
}
