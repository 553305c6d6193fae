/** The audit log: search and verification. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import type { components } from "@/api/schema";
import { count, moment } from "@/lib/format";
import { Field } from "@/ui/field";
import { Form } from "@/ui/form";
import { Empty, Failed, ShowMore, Spinner } from "@/ui/states";

const NOTHING = { account_id: "", object_id: "", action: "" };

export function Audit() {
  const [wish, setWish] = useState(NOTHING);
  const [query, setQuery] = useState(NOTHING);
  const [verdict, setVerdict] = useState("");
  const entries = useInfiniteQuery({
    queryKey: ["admin", "audit", query],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call("get /v1/admin/audit", { query: { ...query, limit: 100, cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];

  async function verify(): Promise<void> {
    let checked = 0;
    let notCompared: string | null = null;
    try {
      for (let after: number | null = 0; after !== null; ) {
        const response: components["schemas"]["AuditCheck"] = await call("get /v1/admin/audit/verify", { query: { after } });
        checked += response.checked;
        if (response.broken)
          return setVerdict(
            i18n.t("Entry {number} is broken: {detail}", {
              number: count(response.broken.number),
              detail: response.broken.detail,
            }),
          );
        notCompared ??= response.not_compared;
        setVerdict(i18n.t("{checked} entries checked…", { checked: count(checked) }));
        after = response.next_after;
      }
      if (notCompared) {
        return setVerdict(
          i18n.t("Not verified: {checked} entries fit together, but some may be missing: {notCompared}", {
            checked: count(checked),
            notCompared,
          }),
        );
      }
      setVerdict(i18n.t("All {checked} entries are intact.", { checked: count(checked) }));
    } catch (error) {
      setVerdict(reason(error));
    }
  }
  const field = (name: keyof typeof NOTHING, label: string) => (
    <Field label={label} value={wish[name]} onChange={(event) => setWish({ ...wish, [name]: event.target.value.trim() })} />
  );
  return (
    <>
      <Form className="audit-form" onSubmit={() => setQuery(wish)}>
        {field("account_id", i18n.t("Account ID"))}
        {field("object_id", i18n.t("File or object ID"))}
        {field("action", i18n.t("Action, such as file-moved"))}
        <button className="button primary" type="submit">
          {i18n.t("Search")}
        </button>
        <button className="button" type="button" onClick={() => void verify()}>
          {i18n.t("Verify the log")}
        </button>
      </Form>
      {verdict && <p role="status">{verdict}</p>}
      {entries.error && !entries.data ? (
        <Failed error={entries.error} />
      ) : !entries.data ? (
        <Spinner />
      ) : items.length === 0 ? (
        <Empty title={i18n.t("No matching entries")} />
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Entries")}>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{i18n.t("Number")}</th>
                <th scope="col">{i18n.t("When")}</th>
                <th scope="col">{i18n.t("Action")}</th>
                <th scope="col">{i18n.t("Account")}</th>
                <th scope="col">{i18n.t("Object")}</th>
                <th scope="col">{i18n.t("Status")}</th>
                <th scope="col">{i18n.t("Client")}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry) => (
                <tr key={entry.number}>
                  <th scope="row">{count(entry.number)}</th>
                  <td>{moment(entry.at)}</td>
                  <td>{entry.action}</td>
                  <td>{entry.account_id}</td>
                  <td>{entry.object_id}</td>
                  <td>{entry.status}</td>
                  <td>{entry.client}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ShowMore list={entries} />
    </>
  );
}
