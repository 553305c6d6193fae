/** The page of a folder. */
import { i18n } from "@lingui/core";
import { Ban, FolderOpen, Info, ListFilter, Upload } from "lucide-react";
import { Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { hasCode } from "@/api/problem";
import { itemsOf, rememberFolder, useAccount, useFolder, useList, useMore } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { choicesFor } from "@/files/actions";
import { Breadcrumbs } from "@/files/Breadcrumbs";
import { openDialog } from "@/files/dialogs";
import { bringsFiles, uploadDropped } from "@/files/dragging";
import { FileGrid } from "@/files/FileGrid";
import { FileTable } from "@/files/FileTable";
import { applyFilters, FilterControls, useFilters } from "@/files/filters";
import { ListViewControls, useListView } from "@/files/list-view";
import { NewMenu } from "@/files/NewMenu";
import { trash } from "@/files/operations";
import { SelectionBar } from "@/files/SelectionBar";
import { useListState } from "@/files/useListState";
import { count } from "@/lib/format";
import { containingHref, folderHref, HOME } from "@/lib/places";
import { navigate } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { ErrorBoundary } from "@/ui/boundary";
import { ContextMenu, type Point } from "@/ui/menu";
import { part } from "@/ui/part";
import { Empty, Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";
import { setNeighbours, viewFile } from "@/viewer/viewer-address";

const READ_ONLY = /*i18n*/ "You can view this folder, but not upload to it.";
const DetailsPanel = part(() => import("@/details/DetailsPanel"));

export default function FilesPage({ folderId }: { folderId: string }) {
  const account = useAccount();
  const folder = useFolder(folderId);
  useTitle(folder.data?.name || (folderId === account.id ? i18n.t("My files") : i18n.t("Folder")));
  if (hasCode(folder.error, "not_found")) return <FolderGone />;
  if (folder.error && !folder.data) return <Failed error={folder.error} onRetry={() => void folder.refetch()} />;
  return <Folder folder={folder.data} />;
}

export function FolderGone() {
  return (
    <Empty icon={<FolderOpen size={40} />} title={i18n.t("Folder not found")}>
      <p>{i18n.t("It was deleted, or is no longer shared with you.")}</p>
      <button className="button" onClick={() => navigate(HOME)}>
        {i18n.t("Go to My files")}
      </button>
    </Empty>
  );
}

function Folder({ folder }: { folder: FileItem | undefined }) {
  const account = useAccount();
  const listView = useListView();
  const filters = useFilters();
  const { sort, view } = listView;
  const { type, filter } = filters;
  const [details, setDetails] = useState(false);
  const [menu, setMenu] = useState<Point | null>(null);
  const [over, setOver] = useState(false);
  const options = useMemo(() => ({ ...sort, type: type || undefined }), [sort, type]);
  const list = useList(folder?.id, options);
  const more = useMore(list);

  const all = useMemo(() => itemsOf(list.data?.pages), [list.data]);
  const items = useMemo(() => applyFilters(all, filter), [all, filter]);
  useEffect(() => {
    if (filter) more.load(); // a filter by name is asked of everything, page by page
  }, [filter, more.load]);

  useEffect(() => setNeighbours(items), [items]);

  const open = useCallback(
    (file: FileItem) => {
      if (file.kind === "file") return viewFile(file, items);
      rememberFolder(file, folder);
      navigate(folderHref(file.id, account.id));
    },
    [items, folder, account.id],
  );
  const state = useListState(items, {
    open,
    up: folder && folder.id !== account.id ? () => navigate(containingHref(folder, account.id)) : undefined,
    menu: (index) => {
      const row = document.getElementById(`${view === "grid" ? "card" : "row"}-${items[index]?.id}`);
      const at = row?.getBoundingClientRect();
      if (at) setMenu({ x: at.left + 48, y: at.bottom });
    },
    rename: (file) => openDialog({ kind: "rename", file }),
    remove: (files) => {
      if (files.every((file) => file.can_delete)) void trash(files);
    },
  });

  const mayWrite = folder !== undefined && folder.permission !== "viewer";
  const shown = state.chosen.length === 1 ? state.chosen[0] : undefined;
  const common = { state, more, onOpen: open, onMenu: (x: number, y: number) => setMenu({ x, y }) };
  const label = folder?.name || i18n.t("My files");
  return (
    <div className={details ? "page with-details" : "page"}>
      <section
        className={over ? "folder drop-over" : "folder"}
        aria-label={label}
        onDragOver={(event) => {
          if (!folder || !bringsFiles(event)) return;
          // Also where nothing can be uploaded: a refused drag ends without the drop that shows why.
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
        }}
        onDrop={(event) => {
          setOver(false);
          if (!folder || !bringsFiles(event)) return;
          event.preventDefault();
          if (mayWrite) void uploadDropped(event.dataTransfer, folder);
          else toast(i18n.t(READ_ONLY), { tone: "error" });
        }}
      >
        <div className="page-head">
          <Breadcrumbs folder={folder} />
          {folder && mayWrite && <NewMenu folder={folder} />}
        </div>
        <div className="toolbar" role="toolbar" aria-label={i18n.t("List")}>
          {state.chosen.length > 0 ? (
            <SelectionBar state={state} items={items} onDetails={() => setDetails(true)} />
          ) : (
            <>
              <FilterControls filters={filters} />
              <span className="count" role="status">
                {list.data && (more.there
                    ? i18n.t("{count}+ items", { count: count(items.length) })
                    : i18n.t("{count, plural, one {# item} other {# items}}", { count: items.length }))}
              </span>
            </>
          )}
          <span className="spacer" />
          <ListViewControls listView={listView} />
          <button
            className="icon-button"
            aria-label={i18n.t("Details")}
            aria-pressed={details}
            onClick={() => setDetails(!details)}
          >
            <Info size={18} />
          </button>
        </div>
        {list.error && !list.data ? (
          <Failed error={list.error} onRetry={() => void list.refetch()} />
        ) : !list.data ? (
          <Spinner />
        ) : items.length === 0 && !more.there ? (
          <NothingHere filtered={Boolean(filter || type)} mayWrite={mayWrite} />
        ) : view === "grid" ? (
          <FileGrid label={label} {...common} />
        ) : (
          <FileTable label={label} {...common} sorted={options} onSort={listView.sortBy} />
        )}
        {over && (
          <div className="drop-hint" aria-hidden="true">
            {mayWrite ? <Upload size={28} /> : <Ban size={28} />}
            {mayWrite ? i18n.t("Drop to upload into “{label}”", { label }) : i18n.t(READ_ONLY)}
          </div>
        )}
      </section>
      {details && (
        <ErrorBoundary onFailed={() => setDetails(false)}>
          <Suspense fallback={<aside className="details" />}>
            <DetailsPanel file={shown ?? folder} many={state.chosen.length} onClose={() => setDetails(false)} />
          </Suspense>
        </ErrorBoundary>
      )}
      <ContextMenu
        at={menu}
        choices={choicesFor(state.chosen, items, () => setDetails(true))}
        onClose={() => setMenu(null)}
      />
    </div>
  );
}

function NothingHere({ filtered, mayWrite }: { filtered: boolean; mayWrite: boolean }) {
  if (filtered) return <Empty icon={<ListFilter size={40} />} title={i18n.t("No matches")} />;
  return (
    <Empty icon={<FolderOpen size={40} />} title={i18n.t("This folder is empty")}>
      {mayWrite && <p>{i18n.t("Drop files or folders here, or use New.")}</p>}
    </Empty>
  );
}
