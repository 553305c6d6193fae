/** A list of files on paper: all that are loaded, with their full names. */
import { i18n } from "@lingui/core";
import type { FileItem } from "@/api/types";
import type { Column } from "@/files/columns";
import { usePrinting } from "@/ui/printing";

export function PrintedList({ items, columns, isWhole }: { items: FileItem[]; columns: Column[]; isWhole: boolean }) {
  if (!usePrinting()) return null;
  return (
    <table className="printed">
      <thead>
        <tr>
          <th scope="col">{i18n.t("Name")}</th>
          {columns.map(({ id, label }) => (
            <th key={id} scope="col">
              {i18n.t(label)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((file) => (
          <tr key={file.id}>
            <td dir="auto">{file.kind === "folder" ? `${file.name}/` : file.name}</td>
            {columns.map(({ id, show }) => (
              <td key={id}>{show(file)}</td>
            ))}
          </tr>
        ))}
      </tbody>
      {!isWhole && (
        <tfoot>
          <tr>
            <td colSpan={columns.length + 1}>{i18n.t("There are more. Scroll to the end of the list to print all of it.")}</td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}
