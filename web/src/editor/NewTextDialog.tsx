/** Dialog for the name of a new text file, which opens in the editor. */
import { i18n } from "@lingui/core";
import { keys, queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { openEditing } from "@/editor/editing";
import { newText } from "@/editor/saving";
import { NameDialog } from "@/files/NameDialog";
import { endingOf } from "@/lib/media";
import { viewFile } from "@/viewer/viewer-address";

export default function NewTextDialog({ parent, onClose }: { parent: FileItem; onClose: () => void }) {
  async function make(name: string): Promise<void> {
    const made = await newText(parent, endingOf(name) ? name : `${name}.txt`);
    void queryClient.invalidateQueries({ queryKey: keys.lists(parent.id) });
    openEditing(made.id);
    viewFile(made, [made]);
  }
  return (
    <NameDialog
      title={i18n.t("New text file")}
      action={i18n.t("Create")}
      suggested={i18n.t("Untitled.md")}
      hasEnding
      onName={make}
      onClose={onClose}
    >
      <p className="muted">{i18n.t("Names that end in .md are formatted as Markdown.")}</p>
    </NameDialog>
  );
}
