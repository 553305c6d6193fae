import { i18n } from "@lingui/core";
import type { FileItem } from "@/api/types";
import { purge, things } from "@/files/operations";
import { Confirm } from "@/ui/dialog";

export default function PurgeDialog({ files, onClose }: { files: FileItem[]; onClose: () => void }) {
  return (
    <Confirm
      title={i18n.t("Delete {files} forever?", { files: things(files) })}
      text={i18n.t("All versions are removed. This cannot be undone.")}
      action={i18n.t("Delete forever")}
      danger
      onConfirm={() => void purge(files)}
      onClose={onClose}
    />
  );
}
