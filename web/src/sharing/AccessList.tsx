/** Access to a file or folder: owner, people and links, own and inherited. */
import { Link2, UserRound } from "lucide-react";
import { useAccount } from "@/api/queries";
import type { AccessLink, FileItem } from "@/api/types";
import { counted, moment } from "@/lib/format";
import { folderHref } from "@/lib/places";
import { Link } from "@/lib/router";
import { rightOf, ROLE_NAMES, SHARE_NAMES, useAccess } from "@/sharing/access";
import { Failed, Spinner } from "@/ui/states";

type Source = { id: string; name: string } | null;

export function AccessList({ file }: { file: FileItem }) {
  const account = useAccount();
  const access = useAccess(file);
  if (access.error && !access.data) return <Failed error={access.error} onRetry={() => void access.refetch()} />;
  if (!access.data) return <Spinner />;
  const { owner_id, owner_name, permission, shared_from, shares, links } = access.data;
  const owned = owner_id === account.id;
  return (
    <ul className="people" aria-label="Who has access">
      <li>
        <UserRound size={18} aria-hidden="true" />
        <span className="person">{owned ? "You" : (owner_name ?? "Another account")}</span>
        <span className="muted">Owner</span>
      </li>
      {!owned && (
        <li>
          <UserRound size={18} aria-hidden="true" />
          <span className="person">
            You
            <Inherited from={shared_from?.id === file.id ? null : shared_from} />
          </span>
          <span className="muted">{ROLE_NAMES[permission]}</span>
        </li>
      )}
      {shares.map((share) => (
        <li key={share.id}>
          <UserRound size={18} aria-hidden="true" />
          <span className="person">
            {share.email}
            <Inherited from={share.inherited_from} />
          </span>
          <span className="muted">{SHARE_NAMES[rightOf(share)]}</span>
        </li>
      ))}
      {links.map((link) => (
        <li key={link.id}>
          <Link2 size={18} aria-hidden="true" />
          <span className="person">
            {link.has_password ? "Anyone with the link and its password" : "Anyone with the link"}
            <span className="muted">{usageOf(link)}</span>
            <Inherited from={link.inherited_from} />
          </span>
          <span className="muted">{SHARE_NAMES[link.watermark === null ? "viewer" : "watermark"]}</span>
        </li>
      ))}
    </ul>
  );
}

export function Inherited({ from }: { from: Source }) {
  const account = useAccount();
  if (!from) return null;
  return (
    <span className="muted">
      From folder <Link href={folderHref(from.id, account.id)}>{from.name}</Link>
    </span>
  );
}

export function usageOf(link: Pick<AccessLink, "opens" | "downloads" | "max_downloads" | "expires_at">): string {
  const downloads =
    link.max_downloads === null
      ? counted(link.downloads, "download", "downloads")
      : `${link.downloads} of ${counted(link.max_downloads, "download", "downloads")}`;
  const ends = link.expires_at ? `, expires ${moment(link.expires_at)}` : "";
  return `${counted(link.opens, "open", "opens")}, ${downloads}${ends}`;
}
