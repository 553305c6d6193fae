/** The New menu: upload files or folders, create a folder or a text. */
import { i18n } from "@lingui/core";
import { FilePen, FilePlus2, FolderPlus, FolderUp, Plus } from "lucide-react";
import { useRef } from "react";
import type { FileItem } from "@/api/types";
import { openDialog } from "@/files/dialogs";
import { chosen } from "@/uploads/dropped";
import { uploads } from "@/uploads/queue";
import { Menu } from "@/ui/menu";

export function NewMenu({ folder }: { folder: FileItem }) {
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const add = (input: HTMLInputElement) => {
    if (input.files?.length) uploads.add(chosen(input.files), folder);
    input.value = "";
  };
  return (
    <>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label={i18n.t("Files to upload")}
        onChange={(event) => add(event.currentTarget)}
      />
      <input
        ref={(element) => {
          folders.current = element;
          element?.setAttribute("webkitdirectory", "");
        }}
        type="file"
        multiple
        hidden
        aria-label={i18n.t("Folder to upload")}
        onChange={(event) => add(event.currentTarget)}
      />
      <Menu
        label={i18n.t("New")}
        className="button primary new-button"
        button={
          <>
            <Plus size={18} aria-hidden="true" /> <span>{i18n.t("New")}</span>
          </>
        }
        choices={[
          {
            id: "upload",
            label: i18n.t("Upload files"),
            icon: <FilePlus2 size={16} />,
            run: () => files.current?.click(),
          },
          {
            id: "upload-folder",
            label: i18n.t("Upload a folder"),
            icon: <FolderUp size={16} />,
            run: () => folders.current?.click(),
          },
          {
            id: "folder",
            label: i18n.t("New folder"),
            icon: <FolderPlus size={16} />,
            apart: true,
            run: () => openDialog({ kind: "new-folder", parent: folder }),
          },
          {
            id: "text",
            label: i18n.t("New text file"),
            icon: <FilePen size={16} />,
            run: () => openDialog({ kind: "new-text", parent: folder }),
          },
        ]}
      />
    </>
  );
}
