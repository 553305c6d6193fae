/** Administration of accounts: plan, role, state. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { queryClient, useAccount } from "@/api/queries";
import type { Account } from "@/api/types";
import { moment } from "@/lib/format";
import { CopyField } from "@/ui/copy-field";
import { Dialog } from "@/ui/dialog";
import { Failed, ShowMore, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

export function Accounts() {
  const own = useAccount();
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
    try {
      await call("patch /v1/admin/accounts/{account_id}", { path: { account_id: account.id }, body });
    } catch (error) {
      toast(reason(error), { tone: "error" });
    }
    await queryClient.invalidateQueries({ queryKey: ["admin", "accounts"] });
  }
  async function reset(account: Account) {
    try {
      const { url } = await call("post /v1/admin/accounts/{account_id}/password-resets", {
        path: { account_id: account.id },
      });
      setMade({ email: account.email, url });
    } catch (error) {
      toast(reason(error), { tone: "error" });
    }
  }
  async function invite() {
    try {
      setInvited(await call("post /v1/admin/invitations", { body: { email: inviting } }));
      setInviting("");
    } catch (error) {
      toast(reason(error), { tone: "error" });
    }
  }
  return (
    <>
      {invited && (
        <Dialog title={`${invited.email} is invited`} onClose={() => setInvited(null)}>
          <CopyField label="Link" value={invited.url}>
            We emailed them this link. It expires in 30 days and isn’t shown again.
          </CopyField>
        </Dialog>
      )}
      <form
        className="invite"
        onSubmit={(event) => {
          event.preventDefault();
          void invite();
        }}
      >
        <input
          className="select"
          type="email"
          required
          aria-label="Email to invite"
          placeholder="Invite by email…"
          value={inviting}
          onChange={(event) => setInviting(event.target.value)}
        />
        <button className="button" type="submit">
          Invite
        </button>
      </form>
      {made && (
        <Dialog title={`New password for ${made.email}`} onClose={() => setMade(null)}>
          <CopyField label="Link" value={made.url}>
            Send this link to the user. It works once, expires in 1 hour and isn’t shown again.
          </CopyField>
        </Dialog>
      )}
      <input
        className="select"
        type="search"
        aria-label="Search accounts by email"
        placeholder="Email starts with…"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {accounts.error && !accounts.data ? (
        <Failed error={accounts.error} />
      ) : !accounts.data ? (
        <Spinner />
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Accounts">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Email</th>
                <th scope="col">Since</th>
                <th scope="col">Plan</th>
                <th scope="col">Role</th>
                <th scope="col">State</th>
                <th scope="col">Password</th>
              </tr>
            </thead>
            <tbody>
              {items.map((account) => (
                <tr key={account.id}>
                  <th scope="row">{account.email}</th>
                  <td>{moment(account.created_at)}</td>
                  <td>
                    <Choice
                      label={`Plan of ${account.email}`}
                      value={account.plan}
                      choices={{ free: "Free", premium: "Premium" }}
                      onChange={(plan) => void change(account, { plan })}
                    />
                  </td>
                  <td>
                    <Choice
                      label={`Role of ${account.email}`}
                      value={account.role}
                      choices={{ user: "User", admin: "Administrator" }}
                      disabled={account.id === own.id}
                      onChange={(role) => void change(account, { role })}
                    />
                  </td>
                  <td>
                    <Choice
                      label={`State of ${account.email}`}
                      value={account.status}
                      choices={{ active: "Active", suspended: "Suspended" }}
                      disabled={account.id === own.id}
                      onChange={(status) => void change(account, { status })}
                    />
                  </td>
                  <td>
                    <button
                      className="button"
                      aria-label={`Reset the password of ${account.email}`}
                      onClick={() => void reset(account)}
                    >
                      Reset…
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
