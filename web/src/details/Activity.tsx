/** Activity of a file or folder. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { useAccount } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { activityEntries } from "@/details/activity-text";
import { rich } from "@/i18n/rich";
import { moment, when } from "@/lib/format";
import { Failed, ShowMore, Spinner } from "@/ui/states";

const PAGE = 50;
/** Activity is recorded with a short delay, so the first page is reloaded while it is shown. */
const AGAIN_MS = 4_000;

export function Activity({ file }: { file: FileItem }) {
  const account = useAccount();
  const pages = useInfiniteQuery({
    queryKey: ["about", file.id, "activity"],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      call("get /v1/activity", { query: { file_id: file.id, limit: PAGE, cursor: pageParam || undefined }, signal }),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }) => (state.data && state.data.pages.length > 1 ? false : AGAIN_MS),
  });
  if (pages.error && !pages.data) return <Failed error={pages.error} onRetry={() => void pages.refetch()} />;
  if (!pages.data) return <Spinner />;
  const entries = activityEntries(
    pages.data.pages.flatMap((page) => page.items),
    file,
    account.id,
  );
  return (
    <>
      {entries.length === 0 && !pages.hasNextPage && <p className="muted">{i18n.t("Nothing has happened here yet.")}</p>}
      <ol className="activity" aria-label={i18n.t("Activity")}>
        {entries.map(({ id, who, did, more, at }) => (
          <li key={id}>
            <p>
              {rich(i18n.t("<0>{who}</0> {did}", { who, did }), <strong />)}
            </p>
            {more && <p className="muted">{more}</p>}
            <time className="muted" dateTime={at} title={moment(at)}>
              {when(at)}
            </time>
          </li>
        ))}
      </ol>
      <ShowMore list={pages} />
    </>
  );
}
