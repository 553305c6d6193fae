/** State and backlog of every service. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { count, moment } from "@/lib/format";
import { Failed, Spinner } from "@/ui/states";

const REFRESH_MS = 3_000;

export function Health() {
  const health = useQuery({
    queryKey: ["admin", "health"],
    queryFn: () => call("get /v1/admin/health"),
    refetchInterval: REFRESH_MS,
  });
  if (health.error && !health.data) return <Failed error={health.error} />;
  if (!health.data) return <Spinner />;
  const { services, at } = health.data;
  const known = new Set(["name", "status", "failed"]);
  const figures = [...new Set(services.flatMap((service) => Object.keys(service)))].filter((name) => !known.has(name));
  return (
    <>
      <p className="muted" role="status">
        {i18n.t("As of {at}", { at: moment(at) })}
      </p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Services")}>
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">{i18n.t("Service")}</th>
              <th scope="col">{i18n.t("State")}</th>
              {figures.map((name) => (
                <th key={name} scope="col">
                  {name.replaceAll("_", " ")}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <tr key={service.name}>
                <th scope="row">{service.name}</th>
                <td>
                  <span className={service.status === "ok" ? "good" : "warn"}>{service.status}</span>{" "}
                  {Object.entries(service.failed).map(([part, why]) => `${part}: ${why}`).join("; ")}
                </td>
                {figures.map((name) => (
                  <td key={name}>{shown((service as Record<string, unknown>)[name])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** A figure, or several with their names: "outbox 3, inbox 0". */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.length ? value.map(shown).join(", ") : "–";
  if (typeof value !== "object") return typeof value === "number" ? count(value) : String(value);
  const named = Object.entries(value).map(([name, one]) => `${name.replaceAll("_", " ")} ${shown(one)}`);
  return named.length ? named.join(", ") : "–";
}
