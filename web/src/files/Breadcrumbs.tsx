/** Path of a folder as links that are also drop targets. */
import { i18n } from "@lingui/core";
import { ChevronRight } from "lucide-react";
import { useAccount, useAncestors } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { folderDrop } from "@/files/dragging";
import { folderHref, SHARED } from "@/lib/places";
import { Link } from "@/lib/router";

export function Breadcrumbs({ folder }: { folder: FileItem | undefined }) {
  const account = useAccount();
  const above = useAncestors(folder).data ?? [];
  const isShared = folder !== undefined && folder.owner_id !== account.id;
  return (
    <nav className="breadcrumbs" aria-label={i18n.t("Breadcrumb")}>
      <ol>
        {isShared && (
          <li>
            <Link href={SHARED}>{i18n.t("Shared with me")}</Link>
          </li>
        )}
        {above.map((one, index) => (
          <li key={one.id}>
            {(isShared || index > 0) && <ChevronRight size={16} aria-hidden="true" />}
            <Link href={folderHref(one.id, account.id)} dir="auto" {...(one.permission === "viewer" ? {} : folderDrop(one))}>
              {one.name || i18n.t("My files")}
            </Link>
          </li>
        ))}
        <li>
          {(isShared || above.length > 0) && <ChevronRight size={16} aria-hidden="true" />}
          <h1 aria-current="page" dir="auto">{folder ? folder.name || i18n.t("My files") : "…"}</h1>
        </li>
      </ol>
    </nav>
  );
}
