/** Applies live changes to cached lists, so that they need not be reloaded. */
import type { InfiniteData } from "@tanstack/react-query";
import { keys, type ListOptions, queryClient } from "@/api/queries";
import { stream } from "@/api/stream";
import type { Change, FileItem, Page } from "@/api/types";

type Pages = InfiniteData<Page<FileItem>>;

/** Lists with more pages than this are patched in place; shorter ones are read again, which costs one request. */
const PAGES_TO_REREAD = 2;
const GATHER_MS = 120;

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
  let last = "";
  const close = stream({
    url: () => (last ? `/v1/events?last_event_id=${encodeURIComponent(last)}` : "/v1/events"),
    opened: () => {
      // The changes since `last` come again, notifications that came meanwhile do not.
      void queryClient.invalidateQueries(last ? { queryKey: keys.notices } : undefined);
      // The stream also ends when the account's role changes.
      if (last) void queryClient.invalidateQueries({ queryKey: keys.me });
      // What failed while nothing could be reached comes by itself.
      void queryClient.refetchQueries({ type: "active", predicate: ({ state }) => state.status === "error" });
      become("live");
    },
    lost: () => become("offline"),
    on: {
      change: (event) => {
        last = event.lastEventId;
        gather(JSON.parse(event.data) as Change);
      },
      notification: (event) => {
        const { kind } = JSON.parse(event.data) as { kind: string };
        void queryClient.invalidateQueries({ queryKey: keys.notices });
        if (kind === "shared_with_you") void queryClient.invalidateQueries({ queryKey: keys.invitations });
        for (const listener of noticed) listener(kind);
      },
      cursor_expired: () => {
        last = "";
      },
    },
  });
  return () => {
    close();
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
    else queryClient.setQueryData<Pages>(key, patched(pages, folderId, key[2] as ListOptions, concerned));
  }
  for (const { file, type } of latest.values()) {
    if (type === "deleted" || type === "unshared") void queryClient.invalidateQueries({ queryKey: keys.file(file.id) });
    else queryClient.setQueryData(keys.file(file.id), file);
    void queryClient.invalidateQueries({ queryKey: ["about", file.id] });
    if (file.kind === "folder") {
      // What is in it moved with it, or is gone.
      void queryClient.invalidateQueries({ queryKey: keys.ancestors() });
      void queryClient.invalidateQueries({ queryKey: keys.files });
    }
  }
  const types = new Set(changes.map((change) => change.type));
  if (types.has("deleted") || types.has("restored")) void queryClient.invalidateQueries({ queryKey: keys.trash });
  // What is shared with the account itself has no folder here.
  if (types.has("shared") || types.has("unshared") || changes.some(({ file }) => file.parent_id === null)) void queryClient.invalidateQueries({ queryKey: keys.shared });
  if (changes.some(({ file }) => file.kind === "folder" || file.preview)) void queryClient.invalidateQueries({ queryKey: keys.photos });
  void queryClient.invalidateQueries({ queryKey: keys.me });
  void queryClient.invalidateQueries({ queryKey: ["search"] });
}

function patched(data: Pages, folderId: string, options: ListOptions, changes: Change[]): Pages {
  const byId = new Map(changes.map((change) => [change.file.id, change]));
  const stays = ({ type, file }: Change) =>
    type !== "deleted" && type !== "unshared" && file.parent_id === folderId && isListed(file, options);
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

/** As the server chooses: a type as "image/*" is a family. */
function isListed(file: FileItem, { type, tag }: ListOptions): boolean {
  const own = file.content_type ?? "";
  const ofType = !type || (type.endsWith("/*") ? own.startsWith(type.slice(0, -1)) : own === type);
  return ofType && (!tag || file.tags.includes(tag));
}
