/** For operators: how much there is, whose it is, and what went wrong. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { queryClient, useAccount } from "@/api/queries";
import type { Account } from "@/api/types";
import { count, moment, size } from "@/lib/format";
import { Link } from "@/lib/router";
import { Empty, Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

const SECTIONS = [
  { id: "overview", label: "Overview" },
  { id: "accounts", label: "Accounts" },
  { id: "dead-letters", label: "Dead letters" },
];

export default function AdminPage({ section }: { section: string }) {
  const account = useAccount();
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useEffect(() => {
    document.title = `${here?.label} · Administration · DocStore`;
  }, [here]);
  if (account.role !== "admin") return <Empty title="This is for administrators" />;
  return (
    <section className="settings" aria-label="Administration">
      <div className="page-head">
        <h1>Administration</h1>
      </div>
      <nav className="subnav" aria-label="Administration">
        {SECTIONS.map(({ id, label }) => (
          <Link key={id} href={`/admin/${id}`} aria-current={here?.id === id ? "page" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <div className="settings-body wide">
        {here?.id === "overview" && <Overview />}
        {here?.id === "accounts" && <Accounts />}
        {here?.id === "dead-letters" && <DeadLetters />}
      </div>
    </section>
  );
}

const REFRESH_MS = 5_000;

function Overview() {
  const overview = useQuery({
    queryKey: ["admin", "overview"],
    queryFn: () => call("get /v1/admin/overview"),
    refetchInterval: REFRESH_MS,
  });
  if (overview.error && !overview.data) return <Failed error={overview.error} />;
  if (!overview.data) return <Spinner />;
  const { accounts, documents, bytes, average_document_bytes, by_plan } = overview.data;
  const figures: [string, string][] = [
    ["Accounts", count(accounts)],
    ["Documents", count(documents)],
    ["Storage", size(bytes)],
    ["Average document", size(average_document_bytes)],
  ];
  return (
    <>
      <dl className="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="table-scroll">
        <table className="plain-table">
          <caption>By plan</caption>
          <thead>
            <tr>
              <th scope="col">Plan</th>
              <th scope="col">Accounts</th>
              <th scope="col">Documents</th>
              <th scope="col">Storage</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(by_plan).map(([plan, totals]) => (
              <tr key={plan}>
                <th scope="row">{plan}</th>
                <td>{count(totals.accounts)}</td>
                <td>{count(totals.documents)}</td>
                <td>{size(totals.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Accounts() {
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

function DeadLetters() {
  const key = ["admin", "dead-letters"];
  const letters = useQuery({ queryKey: key, queryFn: () => call("get /v1/admin/dead-letters", { query: { limit: 100 } }) });
  if (letters.error && !letters.data) return <Failed error={letters.error} onRetry={() => void letters.refetch()} />;
  if (!letters.data) return <Spinner />;
  async function act(work: () => Promise<unknown>, done: string): Promise<void> {
    try {
      await work();
      toast(done);
    } catch (error) {
      toast(reason(error), { tone: "error" });
    }
    await queryClient.invalidateQueries({ queryKey: key });
  }
  const items = letters.data.items;
  if (items.length === 0) return <Empty title="No dead letters">Every event has been handled.</Empty>;
  return (
    <ul className="letters">
      {items.map((letter) => {
        const id = String(letter.id);
        return (
          <li key={id}>
            <details>
              <summary>
                <strong>{String(letter.type ?? id)}</strong> <span className="muted">{String(letter.error ?? letter.reason ?? "")}</span>
              </summary>
              <pre>{JSON.stringify(letter, null, 2)}</pre>
            </details>
            <button
              className="button"
              onClick={() =>
                void act(
                  () => call("post /v1/admin/dead-letters/{letter_id}/replay", { path: { letter_id: id } }),
                  "The event is handled again.",
                )
              }
            >
              Replay
            </button>
            <button
              className="button danger"
              onClick={() =>
                void act(
                  () => call("delete /v1/admin/dead-letters/{letter_id}", { path: { letter_id: id } }),
                  "The message is given up.",
                )
              }
            >
              Discard
            </button>
          </li>
        );
      })}
    </ul>
  );
}
