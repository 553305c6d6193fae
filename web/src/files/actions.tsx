/** Actions on selected files, for toolbar, menus and keys. */
import { i18n } from "@lingui/core";
import { Copy, Download, Eye, FolderInput, Info, PenLine, Share2, Tag, Trash2 } from "lucide-react";
import type { FileItem } from "@/api/types";
import { openDialog } from "@/files/dialogs";
import { download } from "@/files/downloading";
import { trash } from "@/files/operations";
import type { Choice } from "@/ui/menu";
import { viewFile } from "@/viewer/viewer-address";

export function choicesFor(files: FileItem[], among: FileItem[], showDetails?: () => void): Choice[] {
  const [first] = files;
  if (!first) return [];
  const one = files.length === 1 ? first : null;
  const mayDownload = files.every((file) => !file.watermark);
  const mayWrite = files.every((file) => file.permission !== "viewer");
  const choices: (Choice | false | null | undefined)[] = [
    one?.kind === "file" && {
      id: "view",
      label: i18n.t("Open"),
      icon: <Eye size={16} />,
      run: () => viewFile(one, among),
    },
    mayDownload && {
      id: "download",
      label: i18n.t("Download"),
      icon: <Download size={16} />,
      run: () => void download(files),
    },
    one?.permission === "owner" && {
      id: "share",
      label: i18n.t("Share…"),
      icon: <Share2 size={16} />,
      run: () => openDialog({ kind: "share", file: one }),
    },
    one &&
      mayWrite && {
        id: "rename",
        label: i18n.t("Rename…"),
        icon: <PenLine size={16} />,
        apart: true,
        run: () => openDialog({ kind: "rename", file: one }),
      },
    mayWrite && {
      id: "move",
      label: i18n.t("Move to…"),
      icon: <FolderInput size={16} />,
      run: () => openDialog({ kind: "move", files }),
    },
    mayDownload && {
      id: "copy",
      label: i18n.t("Copy to…"),
      icon: <Copy size={16} />,
      run: () => openDialog({ kind: "copy", files }),
    },
    one &&
      mayWrite && {
        id: "tags",
        label: i18n.t("Tags…"),
        icon: <Tag size={16} />,
        run: () => openDialog({ kind: "tags", file: one }),
      },
    showDetails && { id: "details", label: i18n.t("Details"), icon: <Info size={16} />, run: showDetails },
    files.every((file) => file.can_delete) && {
      id: "trash",
      label: i18n.t("Move to trash"),
      icon: <Trash2 size={16} />,
      danger: true,
      apart: true,
      run: () => void trash(files),
    },
  ];
  return choices.filter((choice): choice is Choice => Boolean(choice));
}
