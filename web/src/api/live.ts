/** Changes made elsewhere, as they come: patched into what is cached, so that lists need not be read again. */
import type { InfiniteData } from "@tanstack/react-query";
import { keys, queryClient } from "@/api/queries";
import { refresh } from "@/api/session";
import type { Change, FileItem, Page } from "@/api/types";

type Pages = InfiniteData<Page<FileItem>>;

/** Lists with more pages than this are patched in place; shorter ones are read again, which costs one request. */
const PAGES_TO_REREAD = 2;
const GATHER_MS = 120;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

export type LiveState = "connecting" | "live" | "offline";

let state: LiveState = "connecting";
const watchers = new Set<() => void>();
const noticed = new Set<(kind: string) => void>();

export const liveState = () => state;

export function onLiveState(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function onNotice(listener: (kind: string) => void): () => void {
  noticed.add(listener);
  return () => noticed.delete(listener);
}

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const watcher of watchers) watcher();
}

/** Listen until the returned function is called. */
export function listen(): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_RETRY_MS;
  let last = "";
  let stopped = false;

  function connect(): void {
    if (stopped) return;
    source = new EventSource(last ? `/v1/events?last_event_id=${encodeURIComponent(last)}` : "/v1/events");
    source.onopen = () => {
      if (!last) void queryClient.invalidateQueries();
      wait = FIRST_RETRY_MS;
      become("live");
    };
    source.onerror = () => again(true);
    source.addEventListener("change", (event) => {
      last = event.lastEventId;
      gather(JSON.parse(event.data as string) as Change);
    });
    source.addEventListener("notification", (event) => {
      const { kind } = JSON.parse(event.data as string) as { kind: string };
      void queryClient.invalidateQueries({ queryKey: keys.notices });
      for (const listener of noticed) listener(kind);
    });
    source.addEventListener("token_expired", () => again(false));
    source.addEventListener("cursor_expired", () => {
      last = "";
      again(false);
    });
  }

  function again(failed: boolean): void {
    source?.close();
    if (stopped) return;
    if (failed) become("offline");
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        if (!failed || wait > FIRST_RETRY_MS) await refresh();
      } catch {
        // Not to be reached: the next try comes later.
      }
      connect();
    }, failed ? wait : 0);
    if (failed) wait = Math.min(wait * 2, LONGEST_RETRY_MS);
  }

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
    become("connecting");
  };
}

let waiting: Change[] = [];

function gather(change: Change): void {
  if (waiting.push(change) === 1) setTimeout(applyGathered, GATHER_MS);
}

function applyGathered(): void {
  const changes = waiting;
  waiting = [];
  apply(changes);
}

/** Exported for the tests. */
export function apply(changes: Change[]): void {
  const latest = new Map(changes.map((change) => [change.file.id, change]));
  for (const [key, pages] of queryClient.getQueriesData<Pages>({ queryKey: keys.lists() })) {
    if (!pages) continue;
    const folderId = String(key[1]);
    const shown = new Set(pages.pages.flatMap((page) => page.items.map((item) => item.id)));
    const concerned = [...latest.values()].filter(
      (change) => change.file.parent_id === folderId || shown.has(change.file.id),
    );
    if (concerned.length === 0) continue;
    if (pages.pages.length <= PAGES_TO_REREAD) void queryClient.invalidateQueries({ queryKey: key });
    else queryClient.setQueryData<Pages>(key, patched(pages, folderId, concerned));
  }
  for (const { file, type } of latest.values()) {
    if (type !== "deleted" && type !== "unshared") queryClient.setQueryData(keys.file(file.id), file);
    void queryClient.invalidateQueries({ queryKey: ["about", file.id] });
    if (file.kind === "folder") void queryClient.invalidateQueries({ queryKey: ["folder"] });
  }
  const types = new Set(changes.map((change) => change.type));
  if (types.has("deleted") || types.has("restored")) void queryClient.invalidateQueries({ queryKey: keys.trash });
  if (types.has("shared") || types.has("unshared")) void queryClient.invalidateQueries({ queryKey: keys.shared });
  void queryClient.invalidateQueries({ queryKey: keys.me });
  void queryClient.invalidateQueries({ queryKey: ["search"] });
}

function patched(data: Pages, folderId: string, changes: Change[]): Pages {
  const byId = new Map(changes.map((change) => [change.file.id, change]));
  const stays = ({ type, file }: Change) =>
    type !== "deleted" && type !== "unshared" && file.parent_id === folderId;
  const pages = data.pages.map((page) => ({
    ...page,
    items: page.items.flatMap((item) => {
      const change = byId.get(item.id);
      if (!change) return [item];
      byId.delete(item.id);
      return stays(change) ? [change.file] : [];
    }),
  }));
  const added = [...byId.values()].filter(stays).map((change) => change.file);
  const first = pages[0];
  if (added.length && first) pages[0] = { ...first, items: [...added, ...first.items] };
  return { ...data, pages };
}
