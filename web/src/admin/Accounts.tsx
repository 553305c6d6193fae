/** Everybody's account: plan, role, state. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { queryClient, useAccount } from "@/api/queries";
import type { Account } from "@/api/types";
import { moment } from "@/lib/format";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

export function Accounts() {
  const own = useAccount();
  const [query, setQuery] = useState("");
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
  return (
    <>
      <input
        className="select"
        type="search"
        aria-label="Accounts whose e-mail begins with"
        placeholder="E-mail begins with…"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {accounts.error && !accounts.data ? (
        <Failed error={accounts.error} />
      ) : !accounts.data ? (
        <Spinner />
      ) : (
        <div className="table-scroll">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">E-mail</th>
                <th scope="col">Since</th>
                <th scope="col">Plan</th>
                <th scope="col">Role</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {items.map((account) => (
                <tr key={account.id}>
                  <th scope="row">{account.email}</th>
                  <td>{moment(account.created_at)}</td>
                  <td>
                    <select
                      className="select"
                      aria-label={`Plan of ${account.email}`}
                      value={account.plan}
                      onChange={(event) => void change(account, { plan: event.target.value as "free" })}
                    >
                      <option value="free">Free</option>
                      <option value="premium">Premium</option>
                    </select>
                  </td>
                  <td>
                    <select
                      className="select"
                      aria-label={`Role of ${account.email}`}
                      value={account.role}
                      disabled={account.id === own.id}
                      onChange={(event) => void change(account, { role: event.target.value as "user" })}
                    >
                      <option value="user">User</option>
                      <option value="admin">Administrator</option>
                    </select>
                  </td>
                  <td>
                    <select
                      className="select"
                      aria-label={`State of ${account.email}`}
                      value={account.status}
                      disabled={account.id === own.id}
                      onChange={(event) => void change(account, { status: event.target.value as "active" })}
                    >
                      <option value="active">Active</option>
                      <option value="suspended">Suspended</option>
                    </select>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {accounts.hasNextPage && (
        <button className="button" onClick={() => void accounts.fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}
