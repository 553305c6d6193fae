/** People with access to a file or folder, own or inherited. */
import { i18n } from "@lingui/core";
import { Link2 } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import type { FileItem, Share } from "@/api/types";
import { accessChanged, READER, type Right, rightOf, SHARE_NAMES, useAccess } from "@/sharing/access";
import { Inherited } from "@/sharing/AccessList";
import { Field } from "@/ui/field";
import { Form, useAction } from "@/ui/form";
import { Failed, Spinner } from "@/ui/states";

type Role = Share["role"];
type Mark = "none" | "reader" | "text";

/** What a choice of the list changes. */
function termsOf(right: Right, share: Share): { role: Role; watermark: string | null } {
  if (right === "watermark") return { role: "viewer", watermark: share.watermark ?? READER };
  return { role: right, watermark: null };
}

export function People({ file }: { file: FileItem }) {
  const access = useAccess(file);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [mark, setMark] = useState<Mark>("none");
  const [text, setText] = useState("");
  const { busy, error, run } = useAction();

  const change = (work: () => Promise<unknown>) => run(() => work().then(accessChanged));
  async function add(): Promise<void> {
    const marks = { none: null, reader: READER, text: text.trim() };
    const body = { email: email.trim(), role, watermark: role === "viewer" ? marks[mark] : null };
    if (await change(() => call("post /v1/files/{file_id}/shares", { path: { file_id: file.id }, body }))) setEmail("");
  }
  const path = (share: Share) => ({ file_id: file.id, share_id: share.id });
  return (
    <>
      <Form className="share-form" onSubmit={add}>
        <Field
          label={i18n.t("Email")}
          type="email"
          required
          autoFocus
          autoComplete="off"
          placeholder="grace@example.org"
          value={email}
          error={error ? reason(error) : undefined}
          onChange={(event) => setEmail(event.target.value)}
        />
        <select
          className="select"
          aria-label={i18n.t("May")}
          value={role}
          onChange={(event) => setRole(event.target.value as Role)}
        >
          <option value="viewer">{i18n.t("Can view")}</option>
          <option value="editor">{i18n.t("Can edit")}</option>
        </select>
        <button className="button primary" type="submit" disabled={busy}>
          {i18n.t("Share")}
        </button>
        {role === "viewer" && (
          <div className="share-watermark">
            <select
              className="select"
              aria-label={i18n.t("Watermark")}
              value={mark}
              onChange={(event) => setMark(event.target.value as Mark)}
            >
              <option value="none">{i18n.t("No watermark")}</option>
              <option value="reader">{i18n.t("Watermark: reader’s name")}</option>
              <option value="text">{i18n.t("Watermark: text")}</option>
            </select>
            {mark === "text" && (
              <Field
                label={i18n.t("Watermark text")}
                required
                maxLength={100}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            )}
            {mark !== "none" && (
              <p className="muted">
                {i18n.t("They see pictures and PDF pages with the watermark, and can’t download anything.")}
              </p>
            )}
          </div>
        )}
      </Form>
      {access.error && !access.data ? (
        <Failed error={access.error} onRetry={() => void access.refetch()} />
      ) : !access.data ? (
        <Spinner />
      ) : (
        <ul className="people" aria-label={i18n.t("People with access")}>
          {access.data.shares.length + access.data.links.length === 0 && (
            <li className="muted">{i18n.t("Only you have access.")}</li>
          )}
          {access.data.shares.map((share) => (
            <li key={share.id}>
              <span className="avatar" aria-hidden="true">
                {share.email.slice(0, 1).toUpperCase()}
              </span>
              <span className="person">
                {share.email}
                {share.state === "pending" && <span className="muted">{i18n.t("Invited, not accepted yet")}</span>}
                <Inherited from={share.inherited_from} />
              </span>
              {share.inherited_from ? (
                <span className="muted">{i18n.t(SHARE_NAMES[rightOf(share)])}</span>
              ) : (
                <select
                  className="select"
                  aria-label={i18n.t("What {email} may do", { email: share.email })}
                  value={rightOf(share)}
                  onChange={(event) =>
                    void change(() =>
                      event.target.value === "none"
                        ? call("delete /v1/files/{file_id}/shares/{share_id}", { path: path(share) })
                        : call("patch /v1/files/{file_id}/shares/{share_id}", {
                            path: path(share),
                            body: termsOf(event.target.value as Right, share),
                          }),
                    )
                  }
                >
                  <option value="viewer">{i18n.t("Can view")}</option>
                  <option value="watermark">{i18n.t("Can view with watermark")}</option>
                  <option value="editor">{i18n.t("Can edit")}</option>
                  <option value="none">{i18n.t("Remove access")}</option>
                </select>
              )}
            </li>
          ))}
          {access.data.links.length > 0 && (
            <li className="muted">
              <Link2 size={18} aria-hidden="true" />
              {access.data.links.length === 1
                ? i18n.t("Anyone with the link can view it.")
                : i18n.t("Anyone with one of {count} links can view it.", { count: access.data.links.length })}
            </li>
          )}
        </ul>
      )}
    </>
  );
}
