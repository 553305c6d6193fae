/** The page Shared with me. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { call } from "@/api/client";
import { keys, queryClient, rememberFolder, useAccount, useMore } from "@/api/queries";
import type { FileItem, ReceivedFile } from "@/api/types";
import { choicesFor } from "@/files/actions";
import type { Column } from "@/files/columns";
import { FileTable } from "@/files/FileTable";
import { useListState } from "@/files/useListState";
import { size, when } from "@/lib/format";
import { Invitations } from "@/sharing/Invitations";
import { folderHref } from "@/lib/places";
import { navigate } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { attempt } from "@/ui/attempt";
import { ContextMenu, type Point } from "@/ui/menu";
import { Empty, Failed, Spinner } from "@/ui/states";
import { viewFile } from "@/viewer/viewer-address";

const PAGE = 200;
const COLUMNS: Column[] = [
  { id: "by", label: /*i18n*/ "Shared by", show: (file) => (file as ReceivedFile).share.owner_name ?? i18n.t("Someone") },
  {
    id: "role",
    label: /*i18n*/ "Your access",
    show: (file) => ((file as ReceivedFile).share.role === "editor" ? i18n.t("Edit") : i18n.t("View")),
  },
  { id: "modified", label: /*i18n*/ "Shared", show: (file) => when((file as ReceivedFile).share.shared_at) },
  { id: "size", label: /*i18n*/ "Size", show: (file) => (file.kind === "folder" ? "" : size(file.size)) },
];

export default function SharedPage() {
  const account = useAccount();
  const [menu, setMenu] = useState<Point | null>(null);
  const list = useInfiniteQuery({
    queryKey: keys.shared,
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call("get /v1/shared-with-me", { query: { limit: PAGE, cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const more = useMore(list);
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  useTitle(i18n.t("Shared with me"));
  const open = useCallback(
    (file: FileItem) => {
      if (file.kind === "file") return viewFile(file, items);
      rememberFolder(file);
      navigate(folderHref(file.id, account.id));
    },
    [items, account.id],
  );
  const state = useListState(items, { open });

  async function leave(file: ReceivedFile): Promise<void> {
    await attempt(async () => {
      await call("delete /v1/files/{file_id}/shares/{share_id}", { path: { file_id: file.id, share_id: file.share.id } });
      await queryClient.invalidateQueries({ queryKey: keys.shared });
    }, i18n.t("“{name}” is no longer shared with you.", { name: file.name }));
  }
  const [one] = state.chosen as ReceivedFile[];
  const choices = choicesFor(state.chosen, items).filter(({ id }) => !["rename", "move", "trash"].includes(id));
  if (one && state.chosen.length === 1 && one.owner_id !== account.id) {
    choices.push({ id: "leave", label: i18n.t("Remove from shared"), danger: true, apart: true, run: () => void leave(one) });
  }
  return (
    <div className="page">
      <section className="folder" aria-label={i18n.t("Shared with me")}>
        <div className="page-head">
          <h1>{i18n.t("Shared with me")}</h1>
        </div>
        <Invitations />
        {list.error && !list.data ? (
          <Failed error={list.error} onRetry={() => void list.refetch()} />
        ) : !list.data ? (
          <Spinner />
        ) : items.length === 0 ? (
          <Empty icon={<Users size={40} />} title={i18n.t("No shared files yet")}>
            <p>{i18n.t("What other people share with your email address appears here.")}</p>
          </Empty>
        ) : (
          <FileTable
            label={i18n.t("Shared with me")}
            state={state}
            columns={COLUMNS}
            draggable={false}
            onOpen={open}
            onMenu={(x, y) => setMenu({ x, y })}
            more={more}
          />
        )}
      </section>
      <ContextMenu at={menu} choices={choices} onClose={() => setMenu(null)} />
    </div>
  );
}
