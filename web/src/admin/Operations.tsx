/** Buttons of operators: back up, rebuild the search index, republish events. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import { moment } from "@/lib/format";
import { attempt } from "@/ui/attempt";
import { Failed, Spinner } from "@/ui/states";

const REFRESH_MS = 3_000;
const BACKUPS = ["admin", "backups"];
const REBUILD = ["admin", "rebuild"];
const HOURS = [1, 6, 24, 24 * 7, 24 * 30];

export function Operations() {
  return (
    <>
      <Backups />
      <SearchIndex />
      <Republish />
    </>
  );
}

function Backups() {
  const backups = useQuery({ queryKey: BACKUPS, queryFn: () => call("get /v1/admin/backups"), refetchInterval: REFRESH_MS });
  const state = backups.data;
  async function take(): Promise<void> {
    await attempt(() => call("post /v1/admin/backups"), i18n.t("A backup begins."));
    await queryClient.invalidateQueries({ queryKey: BACKUPS });
  }
  return (
    <section aria-label={i18n.t("Backups")}>
      <h2>{i18n.t("Backups")}</h2>
      {backups.error && !state ? (
        <Failed error={backups.error} />
      ) : !state ? (
        <Spinner />
      ) : !state.scheduled ? (
        <p className="muted">{i18n.t("No backups are scheduled. Set DOCSTORE_BACKUP_TARGET and restart the stack.")}</p>
      ) : (
        <>
          <p role="status">
            {state.running ? i18n.t("A backup is being taken.") : ""}{" "}
            {state.succeeded_at
              ? i18n.t("Last backup: {succeeded_at} ({name}).", {
                  succeeded_at: moment(state.succeeded_at),
                  name: state.name,
                })
              : i18n.t("There is no backup yet.")}{" "}
            {state.next_at && !state.running
              ? i18n.t("Next backup: {next_at}.", { next_at: moment(state.next_at) })
              : ""}
          </p>
          <p className="muted">{state.target}</p>
          {state.error && (
            <p className="warn" role="alert">
              {i18n.t("Failed {failures, plural, one {once} other {# times}} since: {error}", {
                failures: state.failures ?? 0,
                error: state.error,
              })}
            </p>
          )}
          <button className="button primary" disabled={state.running} onClick={() => void take()}>
            {i18n.t("Back up now")}
          </button>
        </>
      )}
    </section>
  );
}

function SearchIndex() {
  const rebuild = useQuery({
    queryKey: REBUILD,
    queryFn: () => call("get /v1/admin/search/rebuild"),
    refetchInterval: REFRESH_MS,
  });
  const state = rebuild.data;
  const isBusy = state?.state === "waiting" || state?.state === "running";
  async function start(): Promise<void> {
    await attempt(() => call("post /v1/admin/search/rebuild"), i18n.t("The search index is being rebuilt."));
    await queryClient.invalidateQueries({ queryKey: REBUILD });
  }
  return (
    <section aria-label={i18n.t("Search index")}>
      <h2>{i18n.t("Search index")}</h2>
      {rebuild.error && !state ? (
        <Failed error={rebuild.error} />
      ) : !state ? (
        <Spinner />
      ) : (
        <>
          <p role="status">
            {isBusy
              ? i18n.t("The index is being rebuilt. The old one serves searches until the new one is complete.")
              : state.finished_at
                ? i18n.t("Last rebuilt: {finished_at}.", { finished_at: moment(state.finished_at) })
                : i18n.t("It was never rebuilt.")}
          </p>
          <button className="button" disabled={isBusy} onClick={() => void start()}>
            {i18n.t("Rebuild index")}
          </button>
        </>
      )}
    </section>
  );
}

function Republish() {
  const [hours, setHours] = useState(1);
  async function republish(): Promise<void> {
    const since = new Date(Date.now() - hours * 3_600_000).toISOString();
    await attempt(
      () => call("post /v1/admin/events/republish", { body: { since } }),
      i18n.t("The events are being published again. Services ignore those that they have handled."),
    );
  }
  return (
    <section aria-label={i18n.t("Events")}>
      <h2>{i18n.t("Events")}</h2>
      <p>{i18n.t("Publish events again if a service has lost some. Services ignore those that they have handled.")}</p>
      <div className="field">
        <label htmlFor="republish-since">{i18n.t("Events of the last")}</label>
        <select id="republish-since" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
          {HOURS.map((each) => (
            <option key={each} value={each}>
              {each < 48
                ? i18n.t("{hours, plural, one {# hour} other {# hours}}", { hours: each })
                : i18n.t("{days, plural, one {# day} other {# days}}", { days: each / 24 })}
            </option>
          ))}
        </select>
      </div>
      <button className="button" onClick={() => void republish()}>
        {i18n.t("Republish events")}
      </button>
    </section>
  );
}
