/** People with access to a file or folder, own or inherited. */
import { Link2 } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import type { FileItem, Share } from "@/api/types";
import { counted } from "@/lib/format";
import { accessChanged, SHARE_NAMES, useAccess } from "@/sharing/access";
import { Inherited } from "@/sharing/AccessList";
import { Field } from "@/ui/field";
import { Failed, Spinner } from "@/ui/states";

type Role = Share["role"];

export function People({ file }: { file: FileItem }) {
  const access = useAccess(file);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [error, setError] = useState<string>();

  async function change(work: () => Promise<unknown>): Promise<boolean> {
    setError(undefined);
    try {
      await work();
      await accessChanged();
      return true;
    } catch (caught) {
      setError(reason(caught));
      return false;
    }
  }
  async function add(): Promise<void> {
    const body = { email: email.trim(), role };
    if (await change(() => call("post /v1/files/{file_id}/shares", { path: { file_id: file.id }, body }))) setEmail("");
  }
  const path = (share: Share) => ({ file_id: file.id, share_id: share.id });
  return (
    <>
      <form
        className="share-form"
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <Field
          label="Email"
          type="email"
          required
          autoFocus
          autoComplete="off"
          placeholder="grace@example.org"
          value={email}
          error={error}
          onChange={(event) => setEmail(event.target.value)}
        />
        <select className="select" aria-label="May" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          <option value="viewer">Can view</option>
          <option value="editor">Can edit</option>
        </select>
        <button className="button primary" type="submit">
          Share
        </button>
      </form>
      {access.error && !access.data ? (
        <Failed error={access.error} onRetry={() => void access.refetch()} />
      ) : !access.data ? (
        <Spinner />
      ) : (
        <ul className="people" aria-label="People with access">
          {access.data.shares.length + access.data.links.length === 0 && <li className="muted">Only you have access.</li>}
          {access.data.shares.map((share) => (
            <li key={share.id}>
              <span className="avatar" aria-hidden="true">
                {share.email.slice(0, 1).toUpperCase()}
              </span>
              <span className="person">
                {share.email}
                {share.state === "pending" && <span className="muted">Invited, not accepted yet</span>}
                <Inherited from={share.inherited_from} />
              </span>
              {share.inherited_from ? (
                <span className="muted">{SHARE_NAMES[share.role]}</span>
              ) : (
              <select
                className="select"
                aria-label={`What ${share.email} may do`}
                value={share.role}
                onChange={(event) =>
                  void change(() =>
                    event.target.value === "none"
                      ? call("delete /v1/files/{file_id}/shares/{share_id}", { path: path(share) })
                      : call("patch /v1/files/{file_id}/shares/{share_id}", {
                          path: path(share),
                          body: { role: event.target.value as Role },
                        }),
                  )
                }
              >
                <option value="viewer">Can view</option>
                <option value="editor">Can edit</option>
                <option value="none">Remove access</option>
              </select>
              )}
            </li>
          ))}
          {access.data.links.length > 0 && (
            <li className="muted">
              <Link2 size={18} aria-hidden="true" />
              Anyone with {access.data.links.length === 1 ? "the link" : `one of ${counted(access.data.links.length, "link", "links")}`} can
              view it.
            </li>
          )}
        </ul>
      )}
    </>
  );
}
