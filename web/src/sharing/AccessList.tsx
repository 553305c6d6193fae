/** Access to a file or folder: owner, people and links, own and inherited. */
import { i18n } from "@lingui/core";
import { Link2, UserRound } from "lucide-react";
import { useAccount } from "@/api/queries";
import type { AccessLink, FileItem } from "@/api/types";
import { rich } from "@/i18n/rich";
import { moment } from "@/lib/format";
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
    <ul className="people" aria-label={i18n.t("Who has access")}>
      <li>
        <UserRound size={18} aria-hidden="true" />
        <span className="person">{owned ? i18n.t("You") : (owner_name ?? i18n.t("Another account"))}</span>
        <span className="muted">{i18n.t("Owner")}</span>
      </li>
      {!owned && (
        <li>
          <UserRound size={18} aria-hidden="true" />
          <span className="person">
            {i18n.t("You")}
            <Inherited from={shared_from?.id === file.id ? null : shared_from} />
          </span>
          <span className="muted">{i18n.t(ROLE_NAMES[permission])}</span>
        </li>
      )}
      {shares.map((share) => (
        <li key={share.id}>
          <UserRound size={18} aria-hidden="true" />
          <span className="person">
            {share.email}
            <Inherited from={share.inherited_from} />
          </span>
          <span className="muted">{i18n.t(SHARE_NAMES[rightOf(share)])}</span>
        </li>
      ))}
      {links.map((link) => (
        <li key={link.id}>
          <Link2 size={18} aria-hidden="true" />
          <span className="person">
            {link.has_password ? i18n.t("Anyone with the link and its password") : i18n.t("Anyone with the link")}
            <span className="muted">{usageOf(link)}</span>
            <Inherited from={link.inherited_from} />
          </span>
          <span className="muted">{linkRole(link)}</span>
        </li>
      ))}
    </ul>
  );
}

function linkRole({ kind, watermark }: AccessLink): string {
  if (kind === "receive") return i18n.t("Can send files");
  return i18n.t(SHARE_NAMES[kind === "edit" ? "editor" : watermark === null ? "viewer" : "watermark"]);
}

export function Inherited({ from }: { from: Source }) {
  const account = useAccount();
  if (!from) return null;
  return (
    <span className="muted">
      {rich(i18n.t("From folder <0>{name}</0>", { name: from.name }), <Link href={folderHref(from.id, account.id)} dir="auto" />)}
    </span>
  );
}

export function usageOf(
  link: Pick<AccessLink, "opens" | "downloads" | "max_downloads" | "expires_at" | "kind" | "received_files">,
): string {
  const { downloads, max_downloads: most, received_files: received } = link;
  const used =
    link.kind === "receive"
      ? i18n.t("{received, plural, one {# file} other {# files}} received", { received })
      : most === null
        ? i18n.t("{downloads, plural, one {# download} other {# downloads}}", { downloads })
        : i18n.t("{downloads} of {most, plural, one {# download} other {# downloads}}", { downloads, most });
  const opened = i18n.t("{opens, plural, one {# open} other {# opens}}", { opens: link.opens });
  const ends = link.expires_at && i18n.t("expires {at}", { at: moment(link.expires_at) });
  return [opened, used, ends].filter(Boolean).join(", ");
}
