/** Dialog for the name of a new folder. */
import { i18n } from "@lingui/core";
import type { FileItem } from "@/api/types";
import { NameDialog } from "@/files/NameDialog";
import { makeFolder } from "@/files/operations";

export default function NewFolderDialog({ parent, onClose }: { parent: FileItem; onClose: () => void }) {
  return (
    <NameDialog
      title={i18n.t("New folder")}
      action={i18n.t("Create")}
      onName={async (name) => void (await makeFolder(parent, name))}
      onClose={onClose}
    />
  );
}
