/** Logs of all services: search by service, level, trace and text. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { hasCode } from "@/api/problem";
import { moment } from "@/lib/format";
import { Field } from "@/ui/field";
import { Form } from "@/ui/form";
import { Empty, Failed, ShowMore, Spinner } from "@/ui/states";

const LEVELS = ["debug", "info", "warning", "error", "critical"] as const;
const NOTHING = { service: "", level: "info" as (typeof LEVELS)[number], trace_id: "", contains: "" };
const LIMIT = 100;

export function Logs() {
  const [wish, setWish] = useState(NOTHING);
  const [query, setQuery] = useState(NOTHING);
  const logs = useInfiniteQuery({
    queryKey: ["admin", "logs", query],
    initialPageParam: "",
    queryFn: ({ pageParam }) => call("get /v1/admin/logs", { query: { ...query, limit: LIMIT, before: pageParam || undefined } }),
    getNextPageParam: (page) => (page.items.length === LIMIT ? page.items.at(-1)?.at : undefined),
  });
  const items = logs.data?.pages.flatMap((page) => page.items) ?? [];

  function follow(trace: string): void {
    const traced = { ...NOTHING, level: "debug" as const, trace_id: trace };
    setWish(traced);
    setQuery(traced);
  }
  const field = (name: "service" | "trace_id" | "contains", label: string) => (
    <Field label={label} value={wish[name]} onChange={(event) => setWish({ ...wish, [name]: event.target.value.trim() })} />
  );
  if (hasCode(logs.error, "logs_not_stored")) {
    return (
      <Empty title={i18n.t("Logs are stored elsewhere")}>
        {i18n.t(
          "Search them in the system that collects them. From Loki or CloudWatch they can be shown here: see the settings GATEWAY_LOKI_URL and GATEWAY_CLOUDWATCH_LOG_GROUPS.",
        )}
      </Empty>
    );
  }
  return (
    <>
      <Form
        className="audit-form"
        onSubmit={() => {
          setQuery(wish);
          void logs.refetch();
        }}
      >
        {field("trace_id", i18n.t("Trace ID"))}
        {field("service", i18n.t("Service"))}
        {field("contains", i18n.t("Text"))}
        <label className="field">
          <span>{i18n.t("Level and worse")}</span>
          <select value={wish.level} onChange={(event) => setWish({ ...wish, level: event.target.value as typeof wish.level })}>
            {LEVELS.map((level) => (
              <option key={level}>{level}</option>
            ))}
          </select>
        </label>
        <button className="button primary" type="submit">
          {i18n.t("Search")}
        </button>
      </Form>
      {logs.error && !logs.data ? (
        <Failed error={logs.error} />
      ) : !logs.data ? (
        <Spinner />
      ) : items.length === 0 ? (
        <Empty title={i18n.t("No matching lines")} />
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Log lines")}>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{i18n.t("Time")}</th>
                <th scope="col">{i18n.t("Service")}</th>
                <th scope="col">{i18n.t("Level")}</th>
                <th scope="col">{i18n.t("Event")}</th>
                <th scope="col">{i18n.t("Trace")}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((line, number) => (
                <tr key={number}>
                  <td>{moment(line.at)}</td>
                  <td>{line.service}</td>
                  <td className={["info", "debug"].includes(line.level) ? undefined : "warn"}>{line.level}</td>
                  <td>
                    <strong>{line.event}</strong>{" "}
                    <span className="muted">
                      {Object.entries(line.fields)
                        .map(([name, value]) => `${name}=${value}`)
                        .join(" ")}
                    </span>
                  </td>
                  <td>
                    {line.trace_id && (
                      <button className="button" type="button" title={line.trace_id} onClick={() => follow(line.trace_id ?? "")}>
                        {i18n.t("Show trace")}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ShowMore list={logs} />
      {logs.data?.pages.some((page) => !page.is_complete) && (
        <p className="muted">{i18n.t("Older lines are not searched.")}</p>
      )}
    </>
  );
}
