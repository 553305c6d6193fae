/** Totals and reports over time. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { call } from "@/api/client";
import type { Series, TopReport } from "@/api/types";
import { count, size } from "@/lib/format";
import { ErrorBoundary } from "@/ui/boundary";
import { part } from "@/ui/part";
import { Failed, Spinner } from "@/ui/states";

const Chart = part(() => import("@/ui/chart"));

const REFRESH_MS = 5_000;
const REPORTS_MS = 30_000;
const HOUR_MS = 3_600_000;
const CHARTS = [
  { name: "storage", title: /*i18n*/ "Storage" },
  { name: "documents", title: /*i18n*/ "Documents" },
  { name: "uploads", title: /*i18n*/ "Uploads by plan" },
  { name: "downloads", title: /*i18n*/ "Downloads" },
  { name: "downloaded-bytes", title: /*i18n*/ "Downloaded bytes" },
  { name: "average-size", title: /*i18n*/ "Average size of a document" },
  { name: "sign-ups", title: /*i18n*/ "New accounts" },
];
const SPANS = [
  { id: "day", label: /*i18n*/ "Last 24 hours", hours: 24, step: "hour" as const },
  { id: "week", label: /*i18n*/ "Last 7 days", hours: 168, step: "hour" as const },
  { id: "quarter", label: /*i18n*/ "Last 90 days", hours: 2160, step: "day" as const },
];

export function Overview() {
  const [span, setSpan] = useState("day");
  const overview = useQuery({
    queryKey: ["admin", "overview"],
    queryFn: () => call("get /v1/admin/overview"),
    refetchInterval: REFRESH_MS,
  });
  if (overview.error && !overview.data) return <Failed error={overview.error} />;
  if (!overview.data) return <Spinner />;
  const { accounts, documents, bytes, average_document_bytes } = overview.data;
  const figures: [string, string][] = [
    [i18n.t("Accounts"), count(accounts)],
    [i18n.t("Documents"), count(documents)],
    [i18n.t("Storage"), size(bytes)],
    [i18n.t("Average document"), size(average_document_bytes)],
  ];
  const chosen = SPANS.find(({ id }) => id === span) ?? SPANS[0];
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
      <select className="select" aria-label={i18n.t("Period")} value={span} onChange={(event) => setSpan(event.target.value)}>
        {SPANS.map(({ id, label }) => (
          <option key={id} value={id}>
            {i18n.t(label)}
          </option>
        ))}
      </select>
      <div className="charts">
        {chosen && CHARTS.map(({ name, title }) => <Report key={name} name={name} title={i18n.t(title)} span={chosen} />)}
      </div>
      <MostShared />
    </>
  );
}

function Report({ name, title, span }: { name: string; title: string; span: (typeof SPANS)[number] }) {
  const report = useQuery({
    queryKey: ["admin", "report", name, span.id],
    queryFn: () =>
      call("get /v1/admin/reports/{name}", {
        path: { name },
        query: { from: new Date(Date.now() - span.hours * HOUR_MS).toISOString(), step: span.step },
      }),
    refetchInterval: REPORTS_MS,
  });
  if (report.error && !report.data) return <Failed error={report.error} />;
  return (
    <ErrorBoundary>
      <Suspense fallback={<Spinner />}>
        {report.data ? <Chart title={title} report={report.data as Series} /> : <Spinner />}
      </Suspense>
    </ErrorBoundary>
  );
}

function MostShared() {
  const report = useQuery({
    queryKey: ["admin", "report", "most-shared"],
    queryFn: () => call("get /v1/admin/reports/{name}", { path: { name: "most-shared" }, query: { limit: 10 } }),
    refetchInterval: REPORTS_MS,
  });
  const items = (report.data as TopReport | undefined)?.items ?? [];
  if (items.length === 0) return null;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Most shared")}>
      <table className="plain-table">
        <caption>{i18n.t("Most shared")}</caption>
        <thead>
          <tr>
            <th scope="col">{i18n.t("Name")}</th>
            <th scope="col">{i18n.t("People")}</th>
            <th scope="col">{i18n.t("Links")}</th>
            <th scope="col">{i18n.t("Opens")}</th>
            <th scope="col">{i18n.t("Downloads")}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.file_id}>
              <th scope="row">{item.name ?? item.file_id}</th>
              <td>{count(item.shares)}</td>
              <td>{count(item.links)}</td>
              <td>{count(item.opens)}</td>
              <td>{count(item.downloads)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
