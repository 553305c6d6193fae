/** Public links of a file or folder: create, copy, edit and revoke. */
import { Copy, Link2, Lock, Pencil, Trash2 } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import type { FileItem, FileLink } from "@/api/types";
import { moment } from "@/lib/format";
import { accessChanged } from "@/sharing/access";
import { usageOf } from "@/sharing/AccessList";
import { LinkForm, type LinkSettings } from "@/sharing/LinkForm";
import { CopyField, copyText } from "@/ui/copy-field";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

export function Links({ file }: { file: FileItem }) {
  const links = useQuery({
    queryKey: ["about", file.id, "links"],
    queryFn: () => call("get /v1/files/{file_id}/links", { path: { file_id: file.id }, query: { limit: 200 } }),
  });
  const [made, setMade] = useState<FileLink | null>(null);
  const [editing, setEditing] = useState<string | null>(null);

  async function make(settings: LinkSettings): Promise<void> {
    const link = await call("post /v1/files/{file_id}/links", {
      path: { file_id: file.id },
      body: { name: "", ...settings },
    });
    setMade(link);
    await accessChanged();
  }
  async function change(link: FileLink, settings: LinkSettings): Promise<void> {
    await call("patch /v1/files/{file_id}/links/{link_id}", {
      path: { file_id: file.id, link_id: link.id },
      body: settings as never, // what is absent stays; the description of the body has a default for each
    });
    setEditing(null);
    await accessChanged();
    toast("Link settings saved.");
  }
  async function revoke(link: FileLink): Promise<void> {
    try {
      await call("delete /v1/files/{file_id}/links/{link_id}", { path: { file_id: file.id, link_id: link.id } });
      if (made?.id === link.id) setMade(null);
      await accessChanged();
    } catch (caught) {
      toast(reason(caught), { tone: "error" });
    }
  }
  return (
    <>
      {made?.url && (
        <CopyField key={made.id} label="Link" value={made.url}>
          Anyone with this link{made.has_password && " and its password"} can view it.
        </CopyField>
      )}
      <LinkForm submit="Create link" onSubmit={make} />
      {links.error && !links.data ? (
        <Failed error={links.error} onRetry={() => void links.refetch()} />
      ) : !links.data ? (
        <Spinner />
      ) : (
        links.data.items.length > 0 && (
          <ul className="people" aria-label="Links">
            {links.data.items.map((link) => (
              <li key={link.id} className="link-row">
                <Link2 size={18} aria-hidden="true" />
                <span className="person">
                  Created {moment(link.created_at)} {link.has_password && <Lock size={14} aria-label="With a password" />}
                  <span className="muted">{usageOf(link)}</span>
                </span>
                {link.url && (
                  <button className="icon-button small" aria-label="Copy link" onClick={() => void copyText(link.url ?? "")}>
                    <Copy size={16} />
                  </button>
                )}
                <button
                  className="icon-button small"
                  aria-label="Edit link"
                  aria-expanded={editing === link.id}
                  onClick={() => setEditing(editing === link.id ? null : link.id)}
                >
                  <Pencil size={16} />
                </button>
                <button className="icon-button small" aria-label="Revoke link" onClick={() => void revoke(link)}>
                  <Trash2 size={16} />
                </button>
                {editing === link.id && (
                  <LinkForm
                    link={link}
                    submit="Save"
                    onSubmit={(settings) => change(link, settings)}
                    onCancel={() => setEditing(null)}
                  />
                )}
              </li>
            ))}
          </ul>
        )
      )}
    </>
  );
}
