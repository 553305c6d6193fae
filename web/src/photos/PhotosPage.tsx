/** The page of all photos and videos of one's own, by the date they were taken. */
import { i18n } from "@lingui/core";
import { Image } from "lucide-react";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Photo } from "@/api/types";
import { choicesFor } from "@/files/actions";
import { openDialog } from "@/files/dialogs";
import { trash } from "@/files/operations";
import { SelectionBar } from "@/files/SelectionBar";
import { useListState } from "@/files/useListState";
import { useTitle } from "@/lib/title";
import { monthName } from "@/photos/month-name";
import { usePhotoMonths } from "@/photos/queries";
import { type Loaded, Timeline, type TimelineHandle } from "@/photos/Timeline";
import { ErrorBoundary } from "@/ui/boundary";
import { ContextMenu, type Point } from "@/ui/menu";
import { part } from "@/ui/part";
import { Empty, Failed, Spinner } from "@/ui/states";
import { setNeighbours, viewFile } from "@/viewer/viewer-address";

const DetailsPanel = part(() => import("@/details/DetailsPanel"));

export default function PhotosPage() {
  const months = usePhotoMonths();
  const [loaded, setLoaded] = useState<Loaded>(new Map());
  const [month, setMonth] = useState("");
  const [menu, setMenu] = useState<Point | null>(null);
  const [details, setDetails] = useState(false);
  const timeline = useRef<TimelineHandle>(null);
  useTitle(i18n.t("Photos"));
  const onLoaded = useCallback(
    (of: string, photos: Photo[]) => setLoaded((before) => (before.get(of) === photos ? before : new Map(before).set(of, photos))),
    [],
  );
  const items = useMemo(() => months.data?.flatMap((each) => loaded.get(each.month) ?? []) ?? [], [months.data, loaded]);
  useEffect(() => setNeighbours(items), [items]);
  const open = useCallback((photo: Parameters<typeof viewFile>[0]) => viewFile(photo, items), [items]);
  const state = useListState(items, {
    open,
    menu: (index) => {
      const at = document.getElementById(`photo-${items[index]?.id}`)?.getBoundingClientRect();
      if (at) setMenu({ x: at.left + 24, y: at.bottom });
    },
    rename: (file) => openDialog({ kind: "rename", file }),
    remove: (files) => void trash(files),
  });
  const total = months.data?.reduce((sum, each) => sum + each.count, 0) ?? 0;
  const showDetails = () => setDetails(true);
  return (
    <div className={details ? "page with-details" : "page"}>
      <section className="folder" aria-label={i18n.t("Photos")}>
        <div className="page-head">
          <h1>{i18n.t("Photos")}</h1>
          {total > 0 && (
            <select
              className="select month-choice"
              aria-label={i18n.t("Go to month")}
              value={month}
              onChange={(event) => timeline.current?.goTo(event.target.value)}
            >
              {months.data?.map((each) => (
                <option key={each.month} value={each.month}>
                  {monthName(each.month)}
                </option>
              ))}
            </select>
          )}
        </div>
        <div className="toolbar" role="toolbar" aria-label={i18n.t("List")}>
          {state.chosen.length > 0 ? (
            <SelectionBar state={state} items={items} onDetails={showDetails} />
          ) : (
            <span className="count" role="status">
              {months.data && i18n.t("{count, plural, one {# item} other {# items}}", { count: total })}
            </span>
          )}
        </div>
        {months.error && !months.data ? (
          <Failed error={months.error} onRetry={() => void months.refetch()} />
        ) : !months.data ? (
          <Spinner />
        ) : total === 0 ? (
          <Empty icon={<Image size={40} />} title={i18n.t("No photos yet")}>
            <p>{i18n.t("Photos and videos of all your folders appear here by the date they were taken.")}</p>
          </Empty>
        ) : (
          <Timeline
            months={months.data}
            loaded={loaded}
            onLoaded={onLoaded}
            state={state}
            onOpen={open}
            onMenu={(x, y) => setMenu({ x, y })}
            onMonth={setMonth}
            handle={timeline}
          />
        )}
      </section>
      {details && (
        <ErrorBoundary onFailed={() => setDetails(false)}>
          <Suspense fallback={<aside className="details" />}>
            <DetailsPanel file={state.chosen[0]} many={state.chosen.length} onClose={() => setDetails(false)} />
          </Suspense>
        </ErrorBoundary>
      )}
      <ContextMenu at={menu} choices={choicesFor(state.chosen, items, showDetails)} onClose={() => setMenu(null)} />
    </div>
  );
}
