/** Administration of accounts: plan, role, state. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { queryClient, useAccount } from "@/api/queries";
import type { Account } from "@/api/types";
import { moment } from "@/lib/format";
import { attempt } from "@/ui/attempt";
import { CopyField } from "@/ui/copy-field";
import { Dialog } from "@/ui/dialog";
import { Form, useAction } from "@/ui/form";
import { Failed, ShowMore, Spinner } from "@/ui/states";

export function Accounts() {
  const own = useAccount();
  const { busy, run } = useAction();
  const [query, setQuery] = useState("");
  const [made, setMade] = useState<{ email: string; url: string } | null>(null);
  const [inviting, setInviting] = useState("");
  const [invited, setInvited] = useState<{ email: string; url: string } | null>(null);
  const accounts = useInfiniteQuery({
    queryKey: ["admin", "accounts", query],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call("get /v1/admin/accounts", { query: { q: query || undefined, cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = accounts.data?.pages.flatMap((page) => page.items) ?? [];

  async function change(account: Account, body: { plan?: "free" | "premium"; role?: "user" | "admin"; status?: "active" | "suspended" }) {
    await attempt(() => call("patch /v1/admin/accounts/{account_id}", { path: { account_id: account.id }, body }));
    await queryClient.invalidateQueries({ queryKey: ["admin", "accounts"] });
  }
  const reset = (account: Account) =>
    attempt(async () => {
      const path = { account_id: account.id };
      const { url } = await call("post /v1/admin/accounts/{account_id}/password-resets", { path });
      setMade({ email: account.email, url });
    });
  const invite = () =>
    attempt(async () => {
      setInvited(await call("post /v1/admin/invitations", { body: { email: inviting } }));
      setInviting("");
    });
  return (
    <>
      {invited && (
        <Dialog title={i18n.t("{email} is invited", { email: invited.email })} onClose={() => setInvited(null)}>
          <CopyField label={i18n.t("Link")} value={invited.url}>
            {i18n.t("We emailed them this link. It expires in 30 days and isn’t shown again.")}
          </CopyField>
        </Dialog>
      )}
      <Form className="invite" onSubmit={() => run(invite)}>
        <input
          className="select"
          type="email"
          required
          aria-label={i18n.t("Email to invite")}
          placeholder={i18n.t("Invite by email…")}
          value={inviting}
          onChange={(event) => setInviting(event.target.value)}
        />
        <button className="button" type="submit" disabled={busy}>
          {i18n.t("Invite")}
        </button>
      </Form>
      {made && (
        <Dialog title={i18n.t("New password for {email}", { email: made.email })} onClose={() => setMade(null)}>
          <CopyField label={i18n.t("Link")} value={made.url}>
            {i18n.t("Send this link to the user. It works once, expires in 1 hour and isn’t shown again.")}
          </CopyField>
        </Dialog>
      )}
      <input
        className="select"
        type="search"
        aria-label={i18n.t("Search accounts by email")}
        placeholder={i18n.t("Email starts with…")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {accounts.error && !accounts.data ? (
        <Failed error={accounts.error} />
      ) : !accounts.data ? (
        <Spinner />
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Accounts")}>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{i18n.t("Email")}</th>
                <th scope="col">{i18n.t("Since")}</th>
                <th scope="col">{i18n.t("Plan")}</th>
                <th scope="col">{i18n.t("Role")}</th>
                <th scope="col">{i18n.t("State")}</th>
                <th scope="col">{i18n.t("Password")}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((account) => (
                <tr key={account.id}>
                  <th scope="row">{account.email}</th>
                  <td>{moment(account.created_at)}</td>
                  <td>
                    <Choice
                      label={i18n.t("Plan of {email}", { email: account.email })}
                      value={account.plan}
                      choices={{ free: i18n.t("Free"), premium: i18n.t("Premium") }}
                      onChange={(plan) => void change(account, { plan })}
                    />
                  </td>
                  <td>
                    <Choice
                      label={i18n.t("Role of {email}", { email: account.email })}
                      value={account.role}
                      choices={{ user: i18n.t("User"), admin: i18n.t("Administrator") }}
                      disabled={account.id === own.id}
                      onChange={(role) => void change(account, { role })}
                    />
                  </td>
                  <td>
                    <Choice
                      label={i18n.t("State of {email}", { email: account.email })}
                      value={account.status}
                      choices={{ active: i18n.t("Active"), suspended: i18n.t("Suspended") }}
                      disabled={account.id === own.id}
                      onChange={(status) => void change(account, { status })}
                    />
                  </td>
                  <td>
                    <button
                      className="button"
                      aria-label={i18n.t("Reset the password of {email}", { email: account.email })}
                      onClick={() => void reset(account)}
                    >
                      {i18n.t("Reset…")}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ShowMore list={accounts} />
    </>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: string;
  /** What each value is called. */
  choices: Record<Value, string>;
  disabled?: boolean;
  onChange: (value: Value) => void;
}

function Choice<Value extends string>({ label, value, choices, disabled, onChange }: ChoiceProps<Value>) {
  return (
    <select
      className="select"
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value as Value)}
    >
      {Object.entries<string>(choices).map(([each, name]) => (
        <option key={each} value={each}>
          {name}
        </option>
      ))}
    </select>
  );
}
