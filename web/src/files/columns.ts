/** Columns of lists of files, beside their names. */
import type { ReactNode } from "react";
import type { SortKey } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { size, when } from "@/lib/format";

export interface Column {
  id: string;
  label: string;
  sort?: SortKey;
  show: (file: FileItem) => ReactNode;
}

export const USUAL_COLUMNS: Column[] = [
  { id: "modified", label: /*i18n*/ "Modified", sort: "modified", show: (file) => when(file.modified_at) },
  { id: "size", label: /*i18n*/ "Size", sort: "size", show: (file) => (file.kind === "folder" ? "" : size(file.size)) },
];
