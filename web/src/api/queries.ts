/** Cached queries of the page; live.ts keeps them up to date. */
import {
  type InfiniteData, type Query, QueryClient, useInfiniteQuery, type UseInfiniteQueryResult, useQuery,
} from "@tanstack/react-query";
import { useCallback } from "react";
import { call } from "@/api/client";
import { Problem } from "@/api/problem";
import { belongsTo } from "@/api/session";
import type { FileItem, Me, Page } from "@/api/types";
import { isPreviewed } from "@/lib/media";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Offline a call fails with an error: a query that waits for the network would spin forever.
      networkMode: "always",
      refetchOnReconnect: "always",
      staleTime: 30_000,
      gcTime: 10 * 60_000,
      retry: (failures, error) => {
        if (!navigator.onLine) return false;
        const passing = !(error instanceof Problem) || error.status === 0 || error.status >= 500;
        return passing && failures < 3;
      },
    },
    mutations: { retry: false },
  },
});

export type SortKey = "name" | "modified" | "created" | "size";

export interface ListOptions {
  sort: SortKey;
  order: "asc" | "desc";
  type?: string;
  tag?: string;
}

const PREVIEWS_SOON_MS = 2_000;
const PREVIEWS_COME_WITHIN_MS = 60_000;
/** Older files have no preview, or never will. As long as a clock may be wrong. */
const JUST_COME_MS = 24 * 3600_000;

const firstSeen = new Map<string, number>();

/** Whether this page has known a version for a moment only: that its clock has the server's time is not certain. */
function isNew({ id, version }: FileItem): boolean {
  const key = `${id}:${version}`;
  const seen = firstSeen.get(key) ?? performance.now();
  firstSeen.set(key, seen);
  return performance.now() - seen < PREVIEWS_COME_WITHIN_MS;
}

/** Whether pictures of what has just come are still to follow: no event reports them. Long lists are not read again. */
function awaitsPreviews(pages: Page<FileItem>[] = []): boolean {
  if (pages.length > 2) return false;
  const without = itemsOf(pages).filter(
    (file) => !file.preview && isPreviewed(file) && Date.now() - Date.parse(file.modified_at) < JUST_COME_MS,
  );
  return without.filter(isNew).length > 0; // each is seen now, not when the one before it is no longer new
}

const FIRST_PAGE = 200;
const NEXT_PAGE = 1000;

export const keys = {
  me: ["me"] as const,
  ancestors: (folderId?: string) => (folderId ? (["ancestors", folderId] as const) : (["ancestors"] as const)),
  list: (folderId: string, options: ListOptions) => ["list", folderId, options] as const,
  lists: (folderId?: string) => (folderId ? (["list", folderId] as const) : (["list"] as const)),
  files: ["file"] as const,
  file: (id: string) => ["file", id] as const,
  photos: ["photos"] as const,
  trash: ["trash"] as const,
  retention: ["retention"] as const,
  shared: ["shared-with-me"] as const,
  invitations: ["share-invitations"] as const,
  blocked: ["blocked-people"] as const,
  shareSettings: ["share-settings"] as const,
  notices: ["notices"] as const,
};

const USAGE_SOON_MS = 2_000;
const USAGE_LATER_MS = 60_000;

/** Usage is counted a moment after a change: while some is only reserved, it is looked at again soon. */
export const useMe = () =>
  useQuery({
    queryKey: keys.me,
    queryFn: async () => {
      const me = await call("get /v1/me");
      belongsTo(me.id);
      return me;
    },
    refetchInterval: ({ state }) => (state.data?.usage.reserved ? USAGE_SOON_MS : USAGE_LATER_MS),
  });

/** The account; only for what is shown once it is known. */
export function useAccount(): Me {
  const { data } = useMe();
  if (!data) throw new Error("not logged in");
  return data;
}

/** A folder by its id. One's own root is made with what first comes into it, and until then known by its path alone. */
export function useFolder(id: string) {
  const account = useAccount();
  return useQuery({
    queryKey: keys.file(id),
    queryFn: () =>
      id === account.id
        ? call("get /v1/files/by-path", { query: { path: "/" } })
        : call("get /v1/files/{file_id}", { path: { file_id: id } }),
  });
}

/** The folders that a folder is in, from the topmost that one may read. */
export function useAncestors(folder: FileItem | undefined) {
  return useQuery({
    queryKey: keys.ancestors(folder?.id ?? "none"),
    enabled: Boolean(folder?.parent_id),
    queryFn: async () =>
      (await call("get /v1/files/{file_id}/ancestors", { path: { file_id: folder?.id ?? "" } })).items,
  });
}

/** Each once: what came by an event stands at the top before it comes with its own page. */
export const itemsOf = (pages: Page<FileItem>[] = []): FileItem[] => [
  ...new Map(pages.flatMap((page) => page.items).map((item) => [item.id, item])).values(),
];

type ListQuery = Query<Page<FileItem>, Error, InfiniteData<Page<FileItem>, string>, ReturnType<typeof keys.list>>;

export function useList(folderId: string | undefined, options: ListOptions) {
  return useInfiniteQuery({
    queryKey: keys.list(folderId ?? "", options),
    enabled: folderId !== undefined,
    structuralSharing: false, // it compares all that is there with every page that comes
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      call("get /v1/files", {
        query: {
          parent_id: folderId,
          sort: options.sort === "name" ? "natural" : options.sort,
          order: options.order,
          type: options.type,
          tag: options.tag,
          limit: pageParam ? NEXT_PAGE : FIRST_PAGE,
          cursor: pageParam || undefined,
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ({ state }: ListQuery) =>
      awaitsPreviews(state.data?.pages) ? PREVIEWS_SOON_MS : false,
  });
}

/** What a list has beyond the pages that are loaded. */
export interface More {
  there: boolean;
  /** Has the next page come; one that was refused only comes by `retry`, or after the list was read again. */
  load: () => void;
  /** Why the next page did not come. */
  error: Error | null;
  retry: () => void;
}

export function useMore(list: UseInfiniteQueryResult): More {
  const { hasNextPage, isFetching, isFetchingNextPage, isFetchNextPageError, isError, fetchNextPage } = list;
  const waits = isFetchingNextPage || isFetchNextPageError || (isError && isFetching);
  const retry = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const load = useCallback(() => {
    if (hasNextPage && !waits) retry();
  }, [hasNextPage, waits, retry]);
  return { there: hasNextPage, load, error: isFetchNextPageError && !isFetching ? list.error : null, retry };
}

export function useFile(id: string | null) {
  return useQuery({
    queryKey: keys.file(id ?? ""),
    enabled: id !== null,
    queryFn: () => call("get /v1/files/{file_id}", { path: { file_id: id ?? "" } }),
  });
}

/** A folder's data from the list that contains it, so that its page need not load it again. */
export function rememberFolder(folder: FileItem, parent?: FileItem): void {
  queryClient.setQueryData(keys.file(folder.id), folder);
  const above = parent && (parent.parent_id ? queryClient.getQueryData<FileItem[]>(keys.ancestors(parent.id)) : []);
  if (parent && above) queryClient.setQueryData(keys.ancestors(folder.id), [...above, parent]);
}
