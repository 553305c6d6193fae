/** Queries of photos by date. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/queries";
import type { Month } from "@/photos/layout";

const PAGE = 500;
/** No event reports a preview, with which a photo appears. */
const AGAIN_MS = 15_000;

export const usePhotoMonths = () =>
  useQuery({
    queryKey: [...keys.photos, "months"],
    queryFn: async () => (await call("get /v1/photos/months")).items,
    refetchInterval: AGAIN_MS,
  });

const firstDay = (month: string) => `${month}-01`;

function nextMonth(month: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return `${String(number === 12 ? year + 1 : year).padStart(4, "0")}-${String(number === 12 ? 1 : number + 1).padStart(2, "0")}`;
}

/** Read again once there are more or fewer. */
export const usePhotosOf = ({ month, count }: Month) =>
  useInfiniteQuery({
    queryKey: [...keys.photos, month, count],
    initialPageParam: "",
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam, signal }) =>
      call("get /v1/photos", {
        query: {
          taken_after: firstDay(month),
          taken_before: month === "9999-12" ? undefined : firstDay(nextMonth(month)),
          limit: PAGE,
          cursor: pageParam || undefined,
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor,
  });
