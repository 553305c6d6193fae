/** Pending shares, to accept or decline. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { keys } from "@/api/queries";
import type { ShareInvitation } from "@/api/types";
import { when } from "@/lib/format";
import { decide } from "@/sharing/decide";
import { Failed, ShowMore } from "@/ui/states";

const PAGE = 50;

export function Invitations() {
  const list = useInfiniteQuery({
    queryKey: keys.invitations,
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call("get /v1/share-invitations", { query: { limit: PAGE, cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  if (list.error && !list.data) return <Failed error={list.error} onRetry={() => void list.refetch()} />;
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-label={i18n.t("Invitations")} className="invitations">
      <h2>{i18n.t("Invitations")}</h2>
      <ul className="people">
        {items.map((one) => (
          <Invitation key={one.id} one={one} />
        ))}
      </ul>
      <ShowMore list={list} />
    </section>
  );
}

function Invitation({ one }: { one: ShareInvitation }) {
  const who = one.owner_name ?? i18n.t("Someone");
  const address =
    one.owner_email && (one.owner_email_verified ? one.owner_email : i18n.t("{email}, not verified", { email: one.owner_email }));
  const sender = address ? `${who} (${address})` : who;
  const path = { share_id: one.id };
  return (
    <li>
      <span className="person">
        {one.name}
        <span className="muted">
          {one.kind === "folder"
            ? i18n.t("{sender} wants to share this folder", { sender })
            : i18n.t("{sender} wants to share this file", { sender })}{" "}
          · {one.role === "editor" ? i18n.t("can edit") : i18n.t("can view")} · {when(one.shared_at)}
        </span>
      </span>
      <button
        className="button primary"
        type="button"
        aria-label={i18n.t("Accept {name}", { name: one.name })}
        onClick={() =>
          void decide(
            () => call("post /v1/share-invitations/{share_id}/accept", { path }),
            i18n.t("“{name}” is shared with you.", { name: one.name }),
          )
        }
      >
        {i18n.t("Accept")}
      </button>
      <button
        className="button"
        type="button"
        aria-label={i18n.t("Decline {name}", { name: one.name })}
        onClick={() =>
          void decide(() => call("delete /v1/share-invitations/{share_id}", { path }), i18n.t("Invitation declined."))
        }
      >
        {i18n.t("Decline")}
      </button>
      <button
        className="button danger"
        type="button"
        aria-label={i18n.t("Block {name}", { name: who })}
        onClick={() =>
          void decide(
            () => call("put /v1/blocked-people/{person}", { path: { person: one.owner_id } }),
            i18n.t("{who} is blocked. Unblock them in Settings, Sharing.", { who }),
          )
        }
      >
        {i18n.t("Block")}
      </button>
    </li>
  );
}
