/** Chooses the target folder of a move or copy. */
import { i18n } from "@lingui/core";
import { ChevronRight, CornerLeftUp, FolderPlus } from "lucide-react";
import { useState } from "react";
import { itemsOf, useAccount, useFolder, useList } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { copy, makeFolder, move, things } from "@/files/operations";
import { attempt } from "@/ui/attempt";
import { Dialog } from "@/ui/dialog";
import { FileIcon } from "@/ui/icon";
import { Failed, ShowMore, Spinner } from "@/ui/states";

interface Props {
  action: "move" | "copy";
  files: FileItem[];
  onClose: () => void;
}

export default function FolderPicker({ action, files, onClose }: Props) {
  const account = useAccount();
  const [trail, setTrail] = useState<string[]>([files[0]?.parent_id ?? account.id]);
  const here = useFolder(trail.at(-1) ?? account.id);
  const folder = here.data;
  const list = useList(folder?.id, { sort: "name", order: "asc" });
  const failed = here.error ? here : list.error && !list.data ? list : null;
  const folders = itemsOf(list.data?.pages).filter((item) => item.kind === "folder");
  const moving = new Set(files.map((file) => file.id));
  const pointless = action === "move" && files.every((file) => file.parent_id === folder?.id);
  const refused = !folder || folder.permission === "viewer" || pointless;

  async function add(): Promise<void> {
    if (!folder) return;
    const names = new Set(folders.map((item) => item.name));
    let name = i18n.t("New folder");
    for (let number = 2; names.has(name); number += 1) name = i18n.t("New folder {number}", { number });
    await attempt(async () => setTrail([...trail, (await makeFolder(folder, name)).id]));
  }
  return (
    <Dialog
      title={
        action === "move" ? i18n.t("Move {files}", { files: things(files) }) : i18n.t("Copy {files}", { files: things(files) })
      }
      onClose={onClose}
      onSubmit={() => {
        if (!folder || refused) return;
        onClose();
        void (action === "move" ? move(files, folder) : copy(files, folder));
      }}
      footer={
        <>
          <button type="button" className="button quiet" onClick={() => void add()} disabled={folder?.permission === "viewer"}>
            <FolderPlus size={16} aria-hidden="true" /> {i18n.t("New folder")}
          </button>
          <span className="spacer" />
          <button type="button" className="button" onClick={onClose}>
            {i18n.t("Cancel")}
          </button>
          <button type="submit" className="button primary" disabled={refused}>
            {action === "move" ? i18n.t("Move here") : i18n.t("Copy here")}
          </button>
        </>
      }
    >
      <p className="picker-here">
        {folder?.parent_id && (
          <button
            type="button"
            className="icon-button small"
            aria-label={i18n.t("Up one folder")}
            onClick={() => setTrail([...trail, folder.parent_id as string])}
          >
            <CornerLeftUp size={18} />
          </button>
        )}
        <strong>{folder ? folder.name || i18n.t("My files") : "…"}</strong>
      </p>
      {failed ? (
        <Failed error={failed.error} onRetry={() => void failed.refetch()} />
      ) : !list.data ? (
        <Spinner />
      ) : (
        <ul className="picker" aria-label={i18n.t("Folders")}>
          {folders.length === 0 && <li className="muted">{i18n.t("No folders in here")}</li>}
          {folders.map((item) => (
            <li key={item.id}>
              <button type="button" disabled={moving.has(item.id)} onClick={() => setTrail([...trail, item.id])}>
                <FileIcon file={item} />
                <span className="name" dir="auto">{item.name}</span>
                <ChevronRight size={16} aria-hidden="true" />
              </button>
            </li>
          ))}
          {list.hasNextPage && (
            <li>
              <ShowMore list={list} className="" />
            </li>
          )}
        </ul>
      )}
    </Dialog>
  );
}
