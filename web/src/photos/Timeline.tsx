/** Photos by month, in a grid of which only what is in sight is drawn and loaded. */
import { i18n } from "@lingui/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import { itemsOf, useMore } from "@/api/queries";
import type { Photo } from "@/api/types";
import type { ListState } from "@/files/useListState";
import { GAP_PX, HEAD_PX, type Month, rowsOf, squares, startsOf, step } from "@/photos/layout";
import { monthName } from "@/photos/month-name";
import { PhotoTile } from "@/photos/PhotoTile";
import { usePhotosOf } from "@/photos/queries";
import { MoreFailed } from "@/ui/states";

export type Loaded = ReadonlyMap<string, Photo[]>;

export interface TimelineHandle {
  goTo: (month: string) => void;
}

interface Props {
  months: Month[];
  loaded: Loaded;
  onLoaded: (month: string, photos: Photo[]) => void;
  state: ListState;
  onOpen: (photo: Photo) => void;
  onMenu: (x: number, y: number) => void;
  /** The month at the top. */
  onMonth: (month: string) => void;
  handle: RefObject<TimelineHandle | null>;
}

export function Timeline({ months, loaded, onLoaded, state, onOpen, onMenu, onMonth, handle }: Props) {
  const { selection } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const [{ perRow, side }, setSquares] = useState(() => squares(800));
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const measure = () => {
      const { paddingLeft, paddingRight } = getComputedStyle(element);
      setSquares(squares(element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const rows = useMemo(() => rowsOf(months, perRow), [months, perRow]);
  const starts = useMemo(() => startsOf(months, loaded), [months, loaded]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "head" ? HEAD_PX : side + GAP_PX),
    overscan: 4,
  });
  useLayoutEffect(() => virtual.measure(), [virtual, side, rows]);
  const drawn = virtual.getVirtualItems();
  const needed = new Map<string, number>();
  for (const { index } of drawn) {
    const row = rows[index];
    if (row) needed.set(row.month, Math.max(needed.get(row.month) ?? 0, row.kind === "photos" ? row.to : 1));
  }
  const top = rows[virtual.range?.startIndex ?? 0]?.month;
  useEffect(() => {
    if (top) onMonth(top);
  }, [top, onMonth]);

  useImperativeHandle(handle, () => ({
    goTo: (month) => virtual.scrollToIndex(rows.findIndex((row) => row.month === month), { align: "start" }),
  }), [virtual, rows]);

  const focused = state.items[selection.focus];
  useEffect(() => {
    if (selection.focus < 0) return;
    const month = months.findLast((each) => (starts.get(each.month) ?? 0) <= selection.focus && loaded.has(each.month))?.month;
    const place = selection.focus - (starts.get(month ?? "") ?? 0);
    const index = rows.findIndex((row) => row.month === month && row.kind === "photos" && place >= row.from && place < row.to);
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    // Only where the focus moves: what is loaded meanwhile must not scroll.
  }, [selection.focus]); // eslint-disable-line

  const perPage = perRow * Math.max(1, Math.floor((scroller.current?.clientHeight ?? 600) / side));
  const sizes = months.map(({ month }) => loaded.get(month)?.length ?? 0);
  return (
    <>
      <div
        ref={scroller}
        className="timeline"
        role="grid"
        aria-label={i18n.t("Photos")}
        aria-multiselectable="true"
        aria-rowcount={rows.length}
        tabIndex={0}
        aria-activedescendant={focused ? `photo-${focused.id}` : undefined}
        onKeyDown={(event) => {
          const upOrDown = event.key === "ArrowDown" || event.key === "ArrowUp";
          const by = upOrDown && selection.focus >= 0 ? step(sizes, selection.focus, perRow, event.key === "ArrowDown") : perRow;
          state.onKeyDown(event, by, perPage);
        }}
      >
        <div role="rowgroup" className="timeline-body" style={{ height: virtual.getTotalSize() }}>
          {drawn.map(({ index, key, start }) => {
            const row = rows[index];
            if (!row) return null;
            const place = { transform: `translateY(${start}px)`, gridTemplateColumns: `repeat(${perRow}, ${side}px)`, height: side };
            if (row.kind === "head") {
              return (
                <div key={key} role="row" aria-rowindex={index + 1} className="timeline-head" style={{ transform: place.transform, height: HEAD_PX }}>
                  <div role="gridcell">
                    <h2>{monthName(row.month)}</h2>
                  </div>
                </div>
              );
            }
            const first = starts.get(row.month) ?? 0;
            return (
              <div key={key} role="row" aria-rowindex={index + 1} className="timeline-row" style={place}>
                {Array.from({ length: row.to - row.from }, (_, offset) => {
                  const photo = loaded.get(row.month)?.[row.from + offset];
                  if (!photo) return <div key={offset} role="gridcell" className="photo" aria-label={i18n.t("Loading")} />;
                  return (
                    <PhotoTile key={photo.id} photo={photo} index={first + row.from + offset} state={state} onOpen={onOpen} onMenu={onMenu} />
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
      {months.filter(({ month }) => needed.has(month)).map((month) => (
        <MonthLoader key={month.month} month={month} needed={needed.get(month.month) ?? 0} onLoaded={onLoaded} />
      ))}
    </>
  );
}

/** Loads a month as far as it is in sight. */
function MonthLoader({ month, needed, onLoaded }: { month: Month; needed: number; onLoaded: Props["onLoaded"] }) {
  const list = usePhotosOf(month);
  const more = useMore(list);
  const photos = useMemo(() => itemsOf(list.data?.pages) as Photo[], [list.data]);
  useEffect(() => {
    if (list.data) onLoaded(month.month, photos);
  }, [list.data, photos, month.month, onLoaded]);
  useEffect(() => {
    if (list.data && photos.length < needed) more.load();
  }, [list.data, photos.length, needed, more]);
  return <MoreFailed more={list.error && !list.data ? { ...more, error: list.error, retry: () => void list.refetch() } : more} />;
}
