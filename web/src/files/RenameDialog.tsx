/** Dialog for another name of a file or folder. */
import { i18n } from "@lingui/core";
import type { FileItem } from "@/api/types";
import { NameDialog } from "@/files/NameDialog";
import { rename } from "@/files/operations";

export default function RenameDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  return (
    <NameDialog
      title={i18n.t("Rename")}
      action={i18n.t("Rename")}
      suggested={file.name}
      hasEnding={file.kind === "file"}
      onName={async (name) => {
        if (name !== file.name) await rename(file, name);
      }}
      onClose={onClose}
    />
  );
}
