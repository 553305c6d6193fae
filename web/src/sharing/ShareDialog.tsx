/** Sharing one file or folder: with people, and by links. */
import { useQuery } from "@tanstack/react-query";
import { Link2, Lock, UserPlus } from "lucide-react";
import { useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { queryClient } from "@/api/queries";
import type { FileItem, FileLink, NewFileLink, Share } from "@/api/types";
import { count, moment } from "@/lib/format";
import { CopyField } from "@/ui/copy-field";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Failed, Spinner } from "@/ui/states";

type Role = "viewer" | "editor";

export const sharesKey = (id: string) => ["about", id, "shares"] as const;
export const linksKey = (id: string) => ["about", id, "links"] as const;

export const useShares = (file: FileItem) =>
  useQuery({
    queryKey: sharesKey(file.id),
    enabled: file.permission === "owner",
    queryFn: () => call("get /v1/files/{file_id}/shares", { path: { file_id: file.id }, query: { limit: 200 } }),
  });

export const useLinks = (file: FileItem) =>
  useQuery({
    queryKey: linksKey(file.id),
    enabled: file.permission === "owner",
    queryFn: () => call("get /v1/files/{file_id}/links", { path: { file_id: file.id }, query: { limit: 200 } }),
  });

export default function ShareDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  return (
    <Dialog title={`Share “${file.name}”`} onClose={onClose}>
      <Tabs className="tabs">
        <TabList aria-label="How to share">
          <Tab id="people">
            <UserPlus size={16} aria-hidden="true" /> People
          </Tab>
          <Tab id="links">
            <Link2 size={16} aria-hidden="true" /> Links
          </Tab>
        </TabList>
        <TabPanel id="people">
          <People file={file} />
        </TabPanel>
        <TabPanel id="links">
          <Links file={file} />
        </TabPanel>
      </Tabs>
    </Dialog>
  );
}

function People({ file }: { file: FileItem }) {
  const shares = useShares(file);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [error, setError] = useState<string>();

  async function change(work: () => Promise<unknown>): Promise<boolean> {
    setError(undefined);
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: sharesKey(file.id) });
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
          label="E-mail"
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
      {shares.error ? (
        <Failed error={shares.error} />
      ) : !shares.data ? (
        <Spinner />
      ) : (
        <ul className="people" aria-label="People with access">
          {shares.data.items.length === 0 && <li className="muted">Only you have access.</li>}
          {shares.data.items.map((share) => (
            <li key={share.id}>
              <span className="avatar" aria-hidden="true">
                {share.email.slice(0, 1).toUpperCase()}
              </span>
              <span className="person">
                {share.email}
                {share.state === "pending" && <span className="muted"> · invited, has no account yet</span>}
              </span>
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
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Links({ file }: { file: FileItem }) {
  const links = useLinks(file);
  const [password, setPassword] = useState("");
  const [until, setUntil] = useState("");
  const [limit, setLimit] = useState("");
  const [made, setMade] = useState<NewFileLink | null>(null);
  const [error, setError] = useState<string>();

  async function make(): Promise<void> {
    setError(undefined);
    try {
      const link = await call("post /v1/files/{file_id}/links", {
        path: { file_id: file.id },
        body: {
          name: "",
          password: password || null,
          expires_at: until ? new Date(`${until}T23:59:59`).toISOString() : null,
          max_downloads: limit ? Number(limit) : null,
        },
      });
      setMade(link);
      setPassword("");
      await queryClient.invalidateQueries({ queryKey: linksKey(file.id) });
    } catch (caught) {
      setError(reason(caught));
    }
  }
  async function revoke(link: FileLink): Promise<void> {
    try {
      await call("delete /v1/files/{file_id}/links/{link_id}", { path: { file_id: file.id, link_id: link.id } });
      if (made?.id === link.id) setMade(null);
      await queryClient.invalidateQueries({ queryKey: linksKey(file.id) });
    } catch (caught) {
      setError(reason(caught));
    }
  }
  return (
    <>
      {made && (
        <CopyField key={made.id} label="Link" value={made.url}>
          Anyone with this address can open it. It is shown only now.
        </CopyField>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <div className="link-form">
          <Field
            label="Password (optional)"
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Field label="Until (optional)" type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
          <Field
            label="Downloads (optional)"
            type="number"
            min={1}
            inputMode="numeric"
            placeholder="No limit"
            value={limit}
            onChange={(event) => setLimit(event.target.value)}
          />
        </div>
        {error && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <button className="button primary" type="submit">
          <Link2 size={16} aria-hidden="true" /> Create link
        </button>
      </form>
      {links.data && links.data.items.length > 0 && (
        <ul className="people" aria-label="Links">
          {links.data.items.map((link) => (
            <li key={link.id}>
              <Link2 size={18} aria-hidden="true" />
              <span className="person">
                Made {moment(link.created_at)} {link.has_password && <Lock size={14} aria-label="With a password" />}
                <span className="muted">
                  {count(link.opens)} opens, {count(link.downloads)}
                  {link.max_downloads === null ? "" : ` of ${count(link.max_downloads)}`} downloads
                  {link.expires_at && `, until ${moment(link.expires_at)}`}
                </span>
              </span>
              <button className="text-button" onClick={() => void revoke(link)}>
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
