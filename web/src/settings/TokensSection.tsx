/** API tokens: credentials of programs. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { queryClient, useAccount } from "@/api/queries";
import type { ApiToken } from "@/api/types";
import { moment, when } from "@/lib/format";
import { attempt } from "@/ui/attempt";
import { CopyField } from "@/ui/copy-field";
import { Field, Switch } from "@/ui/field";
import { Form, FormError, useAction } from "@/ui/form";
import { Failed, ShowMore, Spinner } from "@/ui/states";

type Scope = ApiToken["scopes"][number];

const KEY = ["api-tokens"];
const SCOPES: Record<Scope, string> = {
  "files:read": /*i18n*/ "List, search and download files",
  "files:write": /*i18n*/ "Upload, change and delete files",
  shares: /*i18n*/ "Share with people and by link",
  notifications: /*i18n*/ "Read notifications and follow files",
  "admin:read": /*i18n*/ "Read what administrators see",
};

export function TokensSection() {
  const [token, setToken] = useState("");
  const list = useInfiniteQuery({
    queryKey: KEY,
    initialPageParam: "",
    queryFn: ({ pageParam }) => call("get /v1/me/tokens", { query: { cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  if (list.error && !list.data) return <Failed error={list.error} onRetry={() => void list.refetch()} />;
  if (!list.data) return <Spinner />;
  const tokens = list.data.pages.flatMap((page) => page.items);
  return (
    <>
      <section>
        <h2>{i18n.t("API tokens")}</h2>
        <p className="muted">
          {i18n.t(
            "For programs such as scripts, WebDAV and sync clients, in place of your password. A token can’t change your account, its password or other tokens.",
          )}
        </p>
        {tokens.length > 0 && (
          <ul className="people" aria-label={i18n.t("API tokens")}>
            {tokens.map((each) => (
              <Token key={each.id} token={each} />
            ))}
          </ul>
        )}
        <ShowMore list={list} />
      </section>
      {token ? (
        <section>
          <CopyField label={i18n.t("API token")} value={token}>
            {i18n.t("Copy the token now. It isn’t shown again.")}
          </CopyField>
          <button className="button" onClick={() => setToken("")}>
            {i18n.t("Done")}
          </button>
        </section>
      ) : (
        <NewToken onCreated={setToken} />
      )}
    </>
  );
}

function Token({ token }: { token: ApiToken }) {
  async function revoke(): Promise<void> {
    await attempt(
      () => call("delete /v1/me/tokens/{token_id}", { path: { token_id: token.id } }),
      i18n.t("Revoked “{name}”.", { name: token.name }),
    );
    await queryClient.invalidateQueries({ queryKey: KEY });
  }
  const used = token.last_used_at ? i18n.t("Used {used}", { used: when(token.last_used_at) }) : i18n.t("Never used");
  const expired = token.expires_at !== null && Date.parse(token.expires_at) < Date.now();
  const at = token.expires_at && moment(token.expires_at);
  const ends = at ? ` · ${expired ? i18n.t("expired {at}", { at }) : i18n.t("expires {at}", { at })}` : "";
  const folder = token.folder_id ? ` · ${i18n.t("only {path}", { path: token.path ?? i18n.t("a deleted folder") })}` : "";
  return (
    <li>
      <KeyRound size={20} aria-hidden="true" />
      <span className="person">
        {token.name}
        <span className="muted">
          {used}
          {ends} · {token.scopes.join(", ")}
          {folder}
        </span>
      </span>
      <button className="button" aria-label={i18n.t("Revoke {name}", { name: token.name })} onClick={() => void revoke()}>
        {i18n.t("Revoke")}
      </button>
    </li>
  );
}

function NewToken({ onCreated }: { onCreated: (token: string) => void }) {
  const account = useAccount();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["files:read"]);
  const [path, setPath] = useState("");
  const [until, setUntil] = useState("");
  const { busy, error, run } = useAction();
  const offered = (Object.keys(SCOPES) as Scope[]).filter((scope) => scope !== "admin:read" || account.role === "admin");

  async function create(): Promise<void> {
    const expires_at = until ? new Date(`${until}T23:59:59`).toISOString() : null;
    const made = await call("post /v1/me/tokens", { body: { name: name.trim(), scopes, path: path.trim() || null, expires_at } });
    onCreated(made.token);
    await queryClient.invalidateQueries({ queryKey: KEY });
  }
  return (
    <Form onSubmit={() => run(create)}>
      <h2>{i18n.t("New token")}</h2>
      <Field
        label={i18n.t("Name")}
        placeholder={i18n.t("Backup script")}
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset>
        <legend>{i18n.t("Allow")}</legend>
        {offered.map((scope) => (
          <Switch
            key={scope}
            label={i18n.t(SCOPES[scope])}
            checked={scopes.includes(scope)}
            onChange={({ target }) =>
              setScopes(target.checked ? [...scopes, scope] : scopes.filter((each) => each !== scope))
            }
          />
        ))}
      </fieldset>
      <Field
        label={i18n.t("Folder (optional)")}
        placeholder={i18n.t("All files")}
        hint={i18n.t("A folder such as /scans. The token sees and changes nothing outside it.")}
        value={path}
        onChange={(event) => setPath(event.target.value)}
      />
      <Field
        label={i18n.t("Expires (optional)")}
        type="date"
        value={until}
        onChange={(event) => setUntil(event.target.value)}
      />
      <FormError error={error} />
      <button className="button primary" type="submit" disabled={busy || scopes.length === 0}>
        {i18n.t("Create token")}
      </button>
    </Form>
  );
}
