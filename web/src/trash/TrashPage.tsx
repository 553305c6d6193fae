/** The trash: restore files, or delete them forever. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { RotateCcw, Trash2, X } from "lucide-react";
import { useMemo, useState } from "react";
import { call } from "@/api/client";
import { keys, useMore } from "@/api/queries";
import type { FileItem, TrashedFile } from "@/api/types";
import { openDialog } from "@/files/dialogs";
import type { Column } from "@/files/columns";
import { FileTable } from "@/files/FileTable";
import { restore } from "@/files/operations";
import { useListState } from "@/files/useListState";
import { count, ending, size, when } from "@/lib/format";
import { parentOf } from "@/lib/places";
import { Link } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { ContextMenu, type Point } from "@/ui/menu";
import { Empty, Failed, Spinner } from "@/ui/states";

const PAGE = 200;
const COLUMNS: Column[] = [
  { id: "where", label: /*i18n*/ "Original location", show: (file) => parentOf(file.path) },
  { id: "modified", label: /*i18n*/ "Deleted", show: (file) => when((file as TrashedFile).trashed_at) },
  { id: "ends", label: /*i18n*/ "Auto-deletes on", show: (file) => ending((file as TrashedFile).expires_at) },
  { id: "size", label: /*i18n*/ "Size", show: (file) => (file.kind === "folder" ? "" : size(file.size)) },
];

export default function TrashPage() {
  const [menu, setMenu] = useState<Point | null>(null);
  const list = useInfiniteQuery({
    queryKey: keys.trash,
    initialPageParam: "",
    queryFn: ({ pageParam }) => call("get /v1/trash", { query: { limit: PAGE, cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const more = useMore(list);
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  useTitle(i18n.t("Trash"));
  const ask = (files: FileItem[]) => openDialog({ kind: "purge", files });
  const state = useListState(items, { open: (file) => void restore([file]), remove: ask });
  const { chosen } = state;
  return (
    <div className="page">
      <section className="folder" aria-label={i18n.t("Trash")}>
        <div className="page-head">
          <h1>{i18n.t("Trash")}</h1>
          {items.length > 0 && (
            <button className="button danger" onClick={() => ask(items)}>
              {i18n.t("Empty trash")}
            </button>
          )}
        </div>
        {items.length > 0 && (
          <p className="page-note muted">
            <Link href="/settings/retention">{i18n.t("How long the trash is kept")}</Link>
          </p>
        )}
        {chosen.length > 0 && (
          <div className="toolbar" role="toolbar" aria-label={i18n.t("Selection")}>
            <div className="selection-bar">
              <button className="icon-button" aria-label={i18n.t("Clear selection")} onClick={state.clear}>
                <X size={18} />
              </button>
              <span className="count" role="status">
                {i18n.t("{count} selected", { count: count(chosen.length) })}
              </span>
              <button className="tool" onClick={() => void restore(chosen)}>
                <RotateCcw size={16} aria-hidden="true" /> <span>{i18n.t("Restore")}</span>
              </button>
              <button className="tool danger" onClick={() => ask(chosen)}>
                <Trash2 size={16} aria-hidden="true" /> <span>{i18n.t("Delete forever")}</span>
              </button>
            </div>
          </div>
        )}
        {list.error && !list.data ? (
          <Failed error={list.error} onRetry={() => void list.refetch()} />
        ) : !list.data ? (
          <Spinner />
        ) : items.length === 0 ? (
          <Empty icon={<Trash2 size={40} />} title={i18n.t("The trash is empty")} />
        ) : (
          <FileTable
            label={i18n.t("Trash")}
            state={state}
            columns={COLUMNS}
            draggable={false}
            onOpen={(file) => void restore([file])}
            onMenu={(x, y) => setMenu({ x, y })}
            more={more}
          />
        )}
      </section>
      <ContextMenu
        at={menu}
        onClose={() => setMenu(null)}
        choices={[
          { id: "restore", label: i18n.t("Restore"), icon: <RotateCcw size={16} />, run: () => void restore(chosen) },
          { id: "purge", label: i18n.t("Delete forever…"), icon: <Trash2 size={16} />, danger: true, run: () => ask(chosen) },
        ]}
      />
    </div>
  );
}
