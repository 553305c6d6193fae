/** A list of files as a grid of cards. */
import { i18n } from "@lingui/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { MoreHorizontal } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { contentUrl } from "@/api/client";
import type { More } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { USUAL_COLUMNS } from "@/files/columns";
import { endDrag, folderDrop, startDrag } from "@/files/dragging";
import { PrintedList } from "@/files/PrintedList";
import { SelectButton } from "@/files/SelectButton";
import type { ListState } from "@/files/useListState";
import { size, when } from "@/lib/format";
import { kindOf } from "@/lib/media";
import { FileIcon } from "@/ui/icon";
import { previewUrl } from "@/ui/preview";
import { MoreFailed } from "@/ui/states";

const CARD_PX = 176;
const ROW_PX = 188;
const GAP_PX = 12;
const NEAR_END = 8;
/** A larger picture is not fetched for its card. */
const PICTURE_BYTES = 3_000_000;

interface Props {
  label: string;
  state: ListState;
  onOpen: (file: FileItem) => void;
  onMenu: (x: number, y: number, index: number) => void;
  more: More;
}

export function FileGrid({ label, state, onOpen, onMenu, more }: Props) {
  const { items, selection } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const [perRow, setPerRow] = useState(4);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const measure = () => setPerRow(Math.max(1, Math.floor((element.clientWidth - 32 + GAP_PX) / (CARD_PX + GAP_PX))));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const count = Math.ceil(items.length / perRow);
  const rows = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 3 });
  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= count - NEAR_END) more.load();
  }, [last, count, more.load]);
  useEffect(() => {
    if (selection.focus >= 0) rows.scrollToIndex(Math.floor(selection.focus / perRow), { align: "auto" });
  }, [selection.focus, perRow, rows]);
  const focused = items[selection.focus];
  const perPage = perRow * Math.max(1, Math.floor((scroller.current?.clientHeight ?? 600) / ROW_PX));
  return (
    <>
      <div
        ref={scroller}
        className="cards"
        role="grid"
        aria-label={label}
        aria-multiselectable="true"
        aria-rowcount={more.there ? -1 : count}
        tabIndex={0}
        aria-activedescendant={focused ? `card-${focused.id}` : undefined}
        onKeyDown={(event) => state.onKeyDown(event, perRow, perPage)}
      >
        <div role="rowgroup" className="cards-body" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => (
            <div
              key={row.key}
              role="row"
              aria-rowindex={row.index + 1}
              className="cards-row"
              style={{ transform: `translateY(${row.start}px)`, gridTemplateColumns: `repeat(${perRow}, 1fr)` }}
            >
              {items.slice(row.index * perRow, (row.index + 1) * perRow).map((file, offset) => (
                <Card
                  key={file.id}
                  file={file}
                  index={row.index * perRow + offset}
                  state={state}
                  onOpen={onOpen}
                  onMenu={onMenu}
                />
              ))}
            </div>
          ))}
        </div>
      </div>
      <MoreFailed more={more} />
      <PrintedList items={items} columns={USUAL_COLUMNS} isWhole={!more.there} />
    </>
  );
}

interface CardProps {
  file: FileItem;
  index: number;
  state: ListState;
  onOpen: Props["onOpen"];
  onMenu: Props["onMenu"];
}

function Card({ file, index, state, onOpen, onMenu }: CardProps) {
  const selected = state.selection.selected.has(file.id);
  const focused = state.selection.focus === index;
  const dropping = file.kind === "folder" && file.permission !== "viewer" ? folderDrop(file) : {};
  return (
    <div
      id={`card-${file.id}`}
      role="gridcell"
      aria-selected={selected}
      className={`card${selected ? " selected" : ""}${focused ? " focused" : ""}`}
      draggable
      onClick={(event) => {
        if (event.detail > 1) return;
        if (matchMedia("(pointer: coarse)").matches) onOpen(file);
        else state.choose(index, { toggle: event.ctrlKey || event.metaKey, range: event.shiftKey });
      }}
      onDoubleClick={() => onOpen(file)}
      onContextMenu={(event) => {
        event.preventDefault();
        if (!selected) state.choose(index);
        onMenu(event.clientX, event.clientY, index);
      }}
      onDragStart={(event) => startDrag(event, selected ? state.chosen : [file])}
      onDragEnd={endDrag}
      {...dropping}
    >
      <div className="card-picture">
        <CardPicture key={file.version} file={file} />
        <SelectButton name={file.name} selected={selected} onToggle={(range) => state.choose(index, { toggle: true, range })} />
      </div>
      <div className="card-text">
        <FileIcon file={file} size={18} />
        <span className="name" dir="auto" title={file.name}>
          {file.name}
        </span>
        <button
          className="icon-button small"
          tabIndex={-1}
          aria-label={i18n.t("More for {name}", { name: file.name })}
          onClick={(event) => {
            event.stopPropagation();
            if (!selected) state.choose(index);
            const at = event.currentTarget.getBoundingClientRect();
            onMenu(at.left, at.bottom, index);
          }}
        >
          <MoreHorizontal size={16} />
        </button>
      </div>
      <p className="card-meta">
        {file.kind === "file" ? `${size(file.size)} · ` : ""}
        {when(file.modified_at)}
      </p>
    </div>
  );
}

/** Its address names the version: browsers show again what a page had by the same address, and do not ask. */
export function CardPicture({ file }: { file: FileItem }) {
  const [failed, setFailed] = useState(false);
  const source = file.preview
    ? previewUrl(file, "small")
    : kindOf(file) === "image" && !file.watermark && file.size <= PICTURE_BYTES
      ? contentUrl(file.id, file.version)
      : null;
  if (!source || failed) return <FileIcon file={file} size={44} />;
  return <img src={source} alt="" loading="lazy" decoding="async" onError={() => setFailed(true)} />;
}
