/** The New menu: upload files or folders, create a folder. */
import { FilePlus2, FolderPlus, FolderUp, Plus } from "lucide-react";
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
        aria-label="Files to upload"
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
        aria-label="Folder to upload"
        onChange={(event) => add(event.currentTarget)}
      />
      <Menu
        label="New"
        className="button primary new-button"
        button={
          <>
            <Plus size={18} aria-hidden="true" /> <span>New</span>
          </>
        }
        choices={[
          { id: "upload", label: "Upload files", icon: <FilePlus2 size={16} />, run: () => files.current?.click() },
          { id: "upload-folder", label: "Upload a folder", icon: <FolderUp size={16} />, run: () => folders.current?.click() },
          {
            id: "folder",
            label: "New folder",
            icon: <FolderPlus size={16} />,
            apart: true,
            run: () => openDialog({ kind: "new-folder", parent: folder }),
          },
        ]}
      />
    </>
  );
}
