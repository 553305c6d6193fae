/** A folder: its list, and what can be done with what is in it. */
import {
  ArrowDownUp, FilePlus2, FolderOpen, FolderPlus, FolderUp, Info, LayoutGrid, List, ListFilter, Plus, Share2, Upload, X,
} from "lucide-react";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { hasCode } from "@/api/problem";
import { itemsOf, type ListOptions, rememberFolder, type SortKey, useFolder, useList, useMore } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { choicesFor, openFile } from "@/files/actions";
import { Breadcrumbs } from "@/files/Breadcrumbs";
import { openDialog } from "@/files/dialogs";
import { bringsFiles, uploadDropped } from "@/files/dragging";
import { FileGrid } from "@/files/FileGrid";
import { FileTable } from "@/files/FileTable";
import { trash } from "@/files/operations";
import { useListState } from "@/files/useListState";
import { counted } from "@/lib/format";
import { childPlace, hrefOf, parentOf, type Place } from "@/lib/places";
import { navigate } from "@/lib/router";
import { recall, remember } from "@/lib/theme";
import { chosen as chosenFiles } from "@/uploads/dropped";
import { uploads } from "@/uploads/queue";
import { ErrorBoundary } from "@/ui/boundary";
import { ContextMenu, type Point } from "@/ui/context-menu";
import { Menu } from "@/ui/menu";
import { part } from "@/ui/part";
import { Empty, Failed, Spinner } from "@/ui/states";

const DetailsPanel = part(() => import("@/details/DetailsPanel"));

const SORT_KEY = "docstore.sort";
const VIEW_KEY = "docstore.view";
const SORTS: { key: SortKey; label: string }[] = [
  { key: "name", label: "Name" },
  { key: "modified", label: "Modified" },
  { key: "created", label: "Created" },
  { key: "size", label: "Size" },
];
const TYPES = [
  { value: "", label: "All types" },
  { value: "image/*", label: "Images" },
  { value: "video/*", label: "Videos" },
  { value: "audio/*", label: "Audio" },
  { value: "application/pdf", label: "PDFs" },
  { value: "text/*", label: "Text" },
];

function storedSort(): Pick<ListOptions, "sort" | "order"> {
  const [sort, order] = (recall(SORT_KEY) ?? "").split(" ");
  const known = SORTS.some(({ key }) => key === sort);
  return { sort: known ? (sort as SortKey) : "name", order: order === "desc" ? "desc" : "asc" };
}

export default function FilesPage({ place }: { place: Place }) {
  const folder = useFolder(place);
  useEffect(() => {
    document.title = `${folder.data?.name || (place.path === "/" ? "My files" : "Folder")} · DocStore`;
  }, [folder.data?.name, place.path]);
  if (hasCode(folder.error, "not_found")) {
    return (
      <Empty icon={<FolderOpen size={40} />} title="This folder is gone">
        <p>It was moved, deleted, or is no longer shared with you.</p>
        <button className="button" onClick={() => navigate(hrefOf({ base: place.base, path: parentOf(place.path) }))}>
          Go up
        </button>
      </Empty>
    );
  }
  if (folder.error && !folder.data) return <Failed error={folder.error} onRetry={() => void folder.refetch()} />;
  return <Folder place={place} folder={folder.data} />;
}

function Folder({ place, folder }: { place: Place; folder: FileItem | undefined }) {
  const [sort, setSort] = useState(storedSort);
  const [type, setType] = useState("");
  const [filter, setFilter] = useState("");
  const [view, setView] = useState(() => (recall(VIEW_KEY) === "grid" ? "grid" : "list"));
  const [details, setDetails] = useState(false);
  const [menu, setMenu] = useState<Point | null>(null);
  const [over, setOver] = useState(false);
  const options = useMemo(() => ({ ...sort, type: type || undefined }), [sort, type]);
  const list = useList(folder?.id, options);
  const more = useMore(list);

  const all = useMemo(() => itemsOf(list.data?.pages), [list.data]);
  const items = useMemo(() => {
    const wanted = filter.trim().toLocaleLowerCase();
    return wanted ? all.filter((item) => matches(item, wanted)) : all;
  }, [all, filter]);
  useEffect(() => {
    if (filter) more.load(); // a filter by name is asked of everything, page by page
  }, [filter, more.load]);

  const open = useCallback(
    (file: FileItem) => {
      if (file.kind === "file") return openFile(file, items);
      const target = childPlace(place, file.name);
      rememberFolder(target, file);
      navigate(hrefOf(target));
    },
    [items, place],
  );
  const state = useListState(items, {
    open,
    up: place.path === "/" ? undefined : () => navigate(hrefOf({ base: place.base, path: parentOf(place.path) })),
    menu: (index) => {
      const row = document.getElementById(`${view === "grid" ? "card" : "row"}-${items[index]?.id}`);
      const at = row?.getBoundingClientRect();
      if (at) setMenu({ x: at.left + 48, y: at.bottom });
    },
    rename: (file) => openDialog({ kind: "rename", file }),
    remove: (files) => {
      if (files.every((file) => file.permission === "owner")) void trash(files);
    },
  });

  function sortBy(key: SortKey): void {
    const order = sort.sort === key && sort.order === "asc" ? "desc" : "asc";
    setSort({ sort: key, order });
    remember(SORT_KEY, `${key} ${order}`);
  }
  function show(next: string): void {
    setView(next);
    remember(VIEW_KEY, next);
  }

  const mayWrite = folder !== undefined && folder.permission !== "viewer";
  const shown = state.chosen.length === 1 ? state.chosen[0] : undefined;
  const common = { state, more, onOpen: open, onMenu: (x: number, y: number) => setMenu({ x, y }) };
  const label = folder?.name || "My files";
  return (
    <div className={details ? "page with-details" : "page"}>
      <section
        className={over ? "folder drop-over" : "folder"}
        aria-label={label}
        onDragOver={(event) => {
          if (!mayWrite || !bringsFiles(event)) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
        }}
        onDrop={(event) => {
          setOver(false);
          if (!mayWrite || !folder || !bringsFiles(event)) return;
          event.preventDefault();
          void uploadDropped(event.dataTransfer, folder);
        }}
      >
        <div className="page-head">
          <Breadcrumbs place={place} folder={folder} />
          {folder && mayWrite && <NewMenu folder={folder} />}
        </div>
        <div className="toolbar" role="toolbar" aria-label="List">
          {state.chosen.length > 0 ? (
            <SelectionBar state={state} items={items} onDetails={() => setDetails(true)} />
          ) : (
            <>
              <label className="filter">
                <ListFilter size={16} aria-hidden="true" />
                <span className="sr-only">Filter this folder</span>
                <input
                  type="search"
                  placeholder="Filter this folder"
                  value={filter}
                  onChange={(event) => setFilter(event.target.value)}
                />
              </label>
              <select aria-label="Type" value={type} onChange={(event) => setType(event.target.value)}>
                {TYPES.map(({ value, label: name }) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
              <span className="count" role="status">
                {list.data && `${counted(items.length, "item", "items")}${more.there ? "+" : ""}`}
              </span>
            </>
          )}
          <span className="spacer" />
          <Menu
            label="Sort by"
            button={<ArrowDownUp size={18} />}
            choices={SORTS.map(({ key, label: name }) => ({
              id: key,
              label: name,
              checked: sort.sort === key,
              run: () => sortBy(key),
            }))}
          />
          <button
            className="icon-button"
            aria-label={view === "list" ? "Show as grid" : "Show as list"}
            onClick={() => show(view === "list" ? "grid" : "list")}
          >
            {view === "list" ? <LayoutGrid size={18} /> : <List size={18} />}
          </button>
          <button
            className="icon-button"
            aria-label="Details"
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
          <FileTable label={label} {...common} sorted={options} onSort={sortBy} />
        )}
        {over && (
          <div className="drop-hint" aria-hidden="true">
            <Upload size={28} />
            Drop to upload into “{label}”
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

function matches(item: FileItem, wanted: string): boolean {
  return (
    item.name.toLocaleLowerCase().includes(wanted) ||
    item.tags.some((tag) => tag.toLocaleLowerCase().includes(wanted))
  );
}

function SelectionBar({
  state,
  items,
  onDetails,
}: {
  state: ReturnType<typeof useListState>;
  items: FileItem[];
  onDetails: () => void;
}) {
  const choices = choicesFor(state.chosen, items, onDetails).filter((choice) => choice.id !== "view");
  const inline = choices.filter((choice) => ["download", "share", "move", "trash"].includes(choice.id));
  const rest = choices.filter((choice) => !inline.includes(choice));
  return (
    <div className="selection-bar">
      <button className="icon-button" aria-label="Clear selection" onClick={state.clear}>
        <X size={18} />
      </button>
      <span className="count" role="status">
        {state.chosen.length} selected
      </span>
      {inline.map((choice) => (
        <button
          key={choice.id}
          className={choice.danger ? "tool danger" : "tool"}
          aria-label={choice.label.replace("…", "")}
          onClick={choice.run}
        >
          {choice.id === "share" ? <Share2 size={16} /> : choice.icon}
          <span>{choice.label.replace("…", "")}</span>
        </button>
      ))}
      <Menu label="More actions" className="tool" button={<span>More</span>} choices={rest} placement="bottom start" />
    </div>
  );
}

function NewMenu({ folder }: { folder: FileItem }) {
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const add = (input: HTMLInputElement) => {
    if (input.files?.length) uploads.add(chosenFiles(input.files), folder);
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

function NothingHere({ filtered, mayWrite }: { filtered: boolean; mayWrite: boolean }) {
  if (filtered) return <Empty icon={<ListFilter size={40} />} title="Nothing matches" />;
  return (
    <Empty icon={<FolderOpen size={40} />} title="This folder is empty">
      {mayWrite && <p>Drop files or folders here, or use New.</p>}
    </Empty>
  );
}
