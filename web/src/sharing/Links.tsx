/** Public links of a file or folder: create, copy, edit and revoke. */
import { i18n } from "@lingui/core";
import { CodeXml, Copy, Link2, Lock, Pencil, QrCode as QrIcon, Trash2 } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { call } from "@/api/client";
import type { FileItem, FileLink } from "@/api/types";
import { moment } from "@/lib/format";
import { accessChanged } from "@/sharing/access";
import { usageOf } from "@/sharing/AccessList";
import { LinkForm, type LinkSettings } from "@/sharing/LinkForm";
import { attempt } from "@/ui/attempt";
import { CopyField, copyText } from "@/ui/copy-field";
import { part } from "@/ui/part";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

const QrCode = part(() => import("@/sharing/QrCode"));

/** HTML by which another site shows what the link leads to. */
function embedCode(url: string, file: FileItem): string {
  const frame = document.createElement("iframe");
  frame.src = `${url}/embed`;
  frame.title = file.name;
  frame.width = "640";
  frame.height = "480";
  frame.loading = "lazy";
  return frame.outerHTML;
}

/** What a link of a kind lets its visitors do, without and with a password. */
const MAY = {
  read: [/*i18n*/ "Anyone with this link can view it.", /*i18n*/ "Anyone with this link and its password can view it."],
  edit: [
    /*i18n*/ "Anyone with this link can view and edit it.",
    /*i18n*/ "Anyone with this link and its password can view and edit it.",
  ],
  receive: [
    /*i18n*/ "Anyone with this link can send files into this folder.",
    /*i18n*/ "Anyone with this link and its password can send files into this folder.",
  ],
} as const;

export function Links({ file }: { file: FileItem }) {
  const links = useQuery({
    queryKey: ["about", file.id, "links"],
    queryFn: () => call("get /v1/files/{file_id}/links", { path: { file_id: file.id }, query: { limit: 200 } }),
  });
  const [made, setMade] = useState<FileLink | null>(null);
  const [editing, setEditing] = useState<string | null>(null);
  const [scanned, setScanned] = useState<string | null>(null);

  async function make(settings: LinkSettings): Promise<void> {
    const link = await call("post /v1/files/{file_id}/links", {
      path: { file_id: file.id },
      body: { name: "", kind: "read", message: "", ...settings },
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
    toast(i18n.t("Link settings saved."));
  }
  async function revoke(link: FileLink): Promise<void> {
    await attempt(async () => {
      await call("delete /v1/files/{file_id}/links/{link_id}", { path: { file_id: file.id, link_id: link.id } });
      if (made?.id === link.id) setMade(null);
      await accessChanged();
    });
  }
  return (
    <>
      {made?.url && (
        <CopyField key={made.id} label={i18n.t("Link")} value={made.url}>
          {i18n.t(MAY[made.kind][made.has_password ? 1 : 0])}
        </CopyField>
      )}
      <LinkForm submit={i18n.t("Create link")} mayReceive={file.kind === "folder"} onSubmit={make} />
      {links.error && !links.data ? (
        <Failed error={links.error} onRetry={() => void links.refetch()} />
      ) : !links.data ? (
        <Spinner />
      ) : (
        links.data.items.length > 0 && (
          <ul className="people" aria-label={i18n.t("Links")}>
            {links.data.items.map((link) => (
              <li key={link.id} className="link-row">
                <Link2 size={18} aria-hidden="true" />
                <span className="person">
                  {i18n.t("Created {at}", { at: moment(link.created_at) })}{" "}
                  {link.has_password && <Lock size={14} aria-label={i18n.t("With a password")} />}
                  <span className="muted">{usageOf(link)}</span>
                </span>
                {link.url && (
                  <button
                    className="icon-button small"
                    aria-label={i18n.t("Copy link")}
                    onClick={() => void copyText(link.url ?? "")}
                  >
                    <Copy size={16} />
                  </button>
                )}
                {link.url && (
                  <button
                    className="icon-button small"
                    aria-label={i18n.t("QR code")}
                    aria-expanded={scanned === link.id}
                    onClick={() => setScanned(scanned === link.id ? null : link.id)}
                  >
                    <QrIcon size={16} />
                  </button>
                )}
                {link.url && link.embed && (
                  <button
                    className="icon-button small"
                    aria-label={i18n.t("Copy embed code")}
                    title={i18n.t("Copy embed code")}
                    onClick={() => void copyText(embedCode(link.url ?? "", file), i18n.t("Embed code copied."))}
                  >
                    <CodeXml size={16} />
                  </button>
                )}
                <button
                  className="icon-button small"
                  aria-label={i18n.t("Edit link")}
                  aria-expanded={editing === link.id}
                  onClick={() => setEditing(editing === link.id ? null : link.id)}
                >
                  <Pencil size={16} />
                </button>
                <button
                  className="icon-button small"
                  aria-label={i18n.t("Revoke link")}
                  onClick={() => void revoke(link)}
                >
                  <Trash2 size={16} />
                </button>
                {link.url && scanned === link.id && (
                  <Suspense fallback={<Spinner />}>
                    <QrCode value={link.url} />
                  </Suspense>
                )}
                {editing === link.id && (
                  <LinkForm
                    link={link}
                    submit={i18n.t("Save")}
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
