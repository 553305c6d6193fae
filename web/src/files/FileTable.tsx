/** A virtualized list of files: only visible rows are rendered. One tab stop; arrow keys move inside. */
import { i18n } from "@lingui/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Check, MoreHorizontal } from "lucide-react";
import { memo, type MouseEvent, useEffect, useRef } from "react";
import type { ListOptions, More, SortKey } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { type Column, USUAL_COLUMNS } from "@/files/columns";
import { endDrag, folderDrop, startDrag } from "@/files/dragging";
import { PrintedList } from "@/files/PrintedList";
import { SelectButton } from "@/files/SelectButton";
import type { ListState } from "@/files/useListState";
import { count, size, when } from "@/lib/format";
import { Thumbnail } from "@/ui/preview";
import { MoreFailed } from "@/ui/states";

const ROW_PX = 44;
const OVERSCAN = 12;
const NEAR_END = 60;

interface Props {
  label: string;
  state: ListState;
  columns?: Column[];
  sorted?: ListOptions;
  onSort?: (key: SortKey) => void;
  onOpen: (file: FileItem) => void;
  onMenu: (x: number, y: number, index: number) => void;
  more: More;
  draggable?: boolean;
}

export function FileTable(props: Props) {
  const { state, columns = USUAL_COLUMNS, more, label } = props;
  const { items, selection } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (index) => items[index]?.id ?? index,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;

  useEffect(() => {
    if (last >= items.length - NEAR_END) more.load();
  }, [last, items.length, more.load]);
  useEffect(() => {
    if (selection.focus >= 0) rows.scrollToIndex(selection.focus, { align: "auto" });
  }, [selection.focus, rows]);

  const focused = items[selection.focus];
  const perPage = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 440) / ROW_PX) - 2);
  return (
    <>
      <div
        ref={scroller}
        className="table"
        role="grid"
        aria-label={label}
        aria-multiselectable="true"
        aria-rowcount={more.there ? -1 : items.length + 1}
        aria-colcount={columns.length + 3}
        tabIndex={0}
        aria-activedescendant={focused ? `row-${focused.id}` : undefined}
        onKeyDown={(event) => state.onKeyDown(event, 1, perPage)}
      >
        <Head {...props} columns={columns} />
        <div role="rowgroup" className="table-body" style={{ height: rows.getTotalSize() }}>
          {shown.map((row) => {
            const file = items[row.index];
            if (!file) return null;
            return (
              <Row
                key={row.key}
                file={file}
                index={row.index}
                top={row.start}
                columns={columns}
                selected={selection.selected.has(file.id)}
                focused={row.index === selection.focus}
                chosen={state.chosen}
                choose={state.choose}
                onOpen={props.onOpen}
                onMenu={props.onMenu}
                draggable={props.draggable ?? true}
              />
            );
          })}
        </div>
      </div>
      <MoreFailed more={more} />
      <PrintedList items={items} columns={columns} isWhole={!more.there} />
    </>
  );
}

function Head({ state, columns = [], sorted, onSort, more }: Props) {
  const { selection, items } = state;
  const all = items.length > 0 && selection.selected.size === items.length;
  const heads = [{ id: "name", label: /*i18n*/ "Name", sort: "name" as SortKey | undefined }, ...columns];
  return (
    <div role="rowgroup" className="table-head">
      <div role="row" className="row-cells" aria-rowindex={1}>
        <span role="columnheader" className="cell-check">
          <button
            className={all ? "check checked" : "check"}
            tabIndex={-1}
            aria-label={
              all
                ? i18n.t("Select none")
                : more.there
                  ? i18n.t("Select all that are loaded")
                  : i18n.t("Select all {count}", { count: count(items.length) })
            }
            aria-pressed={all}
            onClick={all ? state.clear : state.all}
          >
            {all && <Check size={14} strokeWidth={3} />}
          </button>
        </span>
        {heads.map((column) => {
          const active = column.sort !== undefined && column.sort === sorted?.sort;
          const Arrow = sorted?.order === "desc" ? ArrowDown : ArrowUp;
          return (
            <span
              key={column.id}
              role="columnheader"
              className={`cell-${column.id}`}
              aria-sort={active ? (sorted?.order === "desc" ? "descending" : "ascending") : undefined}
            >
              {column.sort && onSort ? (
                <button className="sort" onClick={() => column.sort && onSort(column.sort)}>
                  {i18n.t(column.label)}
                  {active && <Arrow size={14} aria-hidden="true" />}
                </button>
              ) : (
                i18n.t(column.label)
              )}
            </span>
          );
        })}
        <span role="columnheader" className="cell-more">
          <span className="sr-only">{i18n.t("Actions")}</span>
        </span>
      </div>
    </div>
  );
}

interface RowProps {
  file: FileItem;
  index: number;
  top: number;
  columns: Column[];
  selected: boolean;
  focused: boolean;
  chosen: FileItem[];
  choose: ListState["choose"];
  onOpen: Props["onOpen"];
  onMenu: Props["onMenu"];
  draggable: boolean;
}

const Row = memo(function Row(props: RowProps) {
  const { file, index, top, columns, selected, focused, chosen, choose, onOpen, onMenu, draggable } = props;

  function click(event: MouseEvent): void {
    if (event.detail > 1) return;
    // One tap opens on a screen that is touched; there the checkbox selects.
    if (matchMedia("(pointer: coarse)").matches) onOpen(file);
    else choose(index, { toggle: event.ctrlKey || event.metaKey, range: event.shiftKey });
  }
  const dropping = file.kind === "folder" && draggable && file.permission !== "viewer" ? folderDrop(file) : {};
  return (
    <div
      id={`row-${file.id}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={`row row-cells${selected ? " selected" : ""}${focused ? " focused" : ""}`}
      style={{ transform: `translateY(${top}px)` }}
      draggable={draggable}
      onClick={click}
      onDoubleClick={() => onOpen(file)}
      onContextMenu={(event) => {
        event.preventDefault();
        if (!selected) choose(index);
        onMenu(event.clientX, event.clientY, index);
      }}
      onDragStart={(event) => startDrag(event, selected ? chosen : [file])}
      onDragEnd={endDrag}
      {...dropping}
    >
      <span role="gridcell" className="cell-check">
        <SelectButton name={file.name} selected={selected} onToggle={(range) => choose(index, { toggle: true, range })} />
      </span>
      <span role="gridcell" className="cell-name">
        <Thumbnail file={file} size={24} />
        <span className="name" dir="auto" title={file.name}>
          {file.name}
        </span>
        {file.tags.slice(0, 3).map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
        <span className="row-meta">
          {file.kind === "file" && `${size(file.size)} · `}
          {when(file.modified_at)}
        </span>
      </span>
      {columns.map((column) => (
        <span key={column.id} role="gridcell" className={`cell-${column.id}`}>
          {column.show(file)}
        </span>
      ))}
      <span role="gridcell" className="cell-more">
        <button
          className="icon-button small"
          tabIndex={-1}
          aria-label={i18n.t("More for {name}", { name: file.name })}
          onClick={(event) => {
            event.stopPropagation();
            if (!selected) choose(index);
            const at = event.currentTarget.getBoundingClientRect();
            onMenu(at.left, at.bottom, index);
          }}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          <MoreHorizontal size={18} />
        </button>
      </span>
    </div>
  );
});
