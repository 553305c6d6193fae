/** Pending shares, to accept or decline. */
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
    <section aria-label="Invitations" className="invitations">
      <h2>Invitations</h2>
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
  const who = one.owner_name ?? "Someone";
  const address = one.owner_email && `${one.owner_email}${one.owner_email_verified ? "" : ", not verified"}`;
  const path = { share_id: one.id };
  return (
    <li>
      <span className="person">
        {one.name}
        <span className="muted">
          {who}
          {address ? ` (${address})` : ""} wants to share this {one.kind} ·{" "}
          {one.role === "editor" ? "can edit" : "can view"} · {when(one.shared_at)}
        </span>
      </span>
      <button
        className="button primary"
        type="button"
        aria-label={`Accept ${one.name}`}
        onClick={() =>
          void decide(() => call("post /v1/share-invitations/{share_id}/accept", { path }), `“${one.name}” is shared with you.`)
        }
      >
        Accept
      </button>
      <button
        className="button"
        type="button"
        aria-label={`Decline ${one.name}`}
        onClick={() => void decide(() => call("delete /v1/share-invitations/{share_id}", { path }), "Invitation declined.")}
      >
        Decline
      </button>
      <button
        className="button danger"
        type="button"
        aria-label={`Block ${who}`}
        onClick={() =>
          void decide(
            () => call("put /v1/blocked-people/{person}", { path: { person: one.owner_id } }),
            `${who} is blocked. Unblock them in Settings, Sharing.`,
          )
        }
      >
        Block
      </button>
    </li>
  );
}
