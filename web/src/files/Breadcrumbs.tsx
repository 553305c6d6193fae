/** Path of a folder as links that are also drop targets. */
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
    <nav className="breadcrumbs" aria-label="Breadcrumb">
      <ol>
        {isShared && (
          <li>
            <Link href={SHARED}>Shared with me</Link>
          </li>
        )}
        {above.map((one, index) => (
          <li key={one.id}>
            {(isShared || index > 0) && <ChevronRight size={16} aria-hidden="true" />}
            <Link href={folderHref(one.id, account.id)} {...(one.permission === "viewer" ? {} : folderDrop(one))}>
              {one.name || "My files"}
            </Link>
          </li>
        ))}
        <li>
          {(isShared || above.length > 0) && <ChevronRight size={16} aria-hidden="true" />}
          <h1 aria-current="page">{folder ? folder.name || "My files" : "…"}</h1>
        </li>
      </ol>
    </nav>
  );
}
