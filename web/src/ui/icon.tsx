/** The icon of a file or folder, coloured by kind. */
import {
  FileArchive, FileAudio, FileCode, FileImage, FileSpreadsheet, FileText, FileVideo, File as Plain, Folder, Presentation,
  type LucideIcon,
} from "lucide-react";
import type { FileItem } from "@/api/types";
import { type Kind, kindOf } from "@/lib/media";

const ICONS: Record<Kind, LucideIcon> = {
  folder: Folder, image: FileImage, video: FileVideo, audio: FileAudio, pdf: FileText, markdown: FileText,
  text: FileText, code: FileCode, sheet: FileSpreadsheet, slides: Presentation, document: FileText,
  archive: FileArchive, other: Plain,
};

export function FileIcon({ file, size = 20 }: { file: Pick<FileItem, "kind" | "name" | "content_type">; size?: number }) {
  const kind = kindOf(file);
  const Icon = ICONS[kind];
  return <Icon size={size} className={`file-icon ${kind}`} aria-hidden="true" strokeWidth={1.75} />;
}
