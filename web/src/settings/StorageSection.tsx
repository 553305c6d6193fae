/** The account's storage over time and by family, and what it shares. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "@/api/client";
import { useAccount } from "@/api/queries";
import { count, size } from "@/lib/format";
import { Link } from "@/lib/router";
import { part } from "@/ui/part";
import { Failed, Spinner } from "@/ui/states";

const Chart = part(() => import("@/ui/chart"));
const PERIODS = [30, 90, 365];

export function StorageSection() {
  const [days, setDays] = useState(90);
  const storage = useQuery({ queryKey: ["storage", days], queryFn: () => call("get /v1/me/storage", { query: { days } }) });
  const found = storage.data;
  const report = useMemo(
    () => found && { unit: "bytes" as const, times: found.times, series: [{ name: i18n.t("Stored"), values: found.bytes }] },
    [found],
  );
  return (
    <>
      <h2>{i18n.t("Storage over time")}</h2>
      <div className="field">
        <label htmlFor="storage-days">{i18n.t("Period")}</label>
        <select id="storage-days" value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {PERIODS.map((each) => (
            <option key={each} value={each}>
              {i18n.t("{days, plural, one {# day} other {# days}}", { days: each })}
            </option>
          ))}
        </select>
      </div>
      {storage.error && !found ? (
        <Failed error={storage.error} onRetry={() => void storage.refetch()} />
      ) : !found || !report ? (
        <Spinner />
      ) : (
        <>
          <Chart title={i18n.t("Storage used")} report={report} />
          <p className="muted">
            {i18n.t("{count, plural, one {# document} other {# documents}}. Older versions and the trash count.", {
              count: found.documents.at(-1) ?? 0,
            })}
          </p>
          <Families />
          <h2>{i18n.t("What you share")}</h2>
          {found.shared.length === 0 ? (
            <p className="muted">{i18n.t("You share nothing at the moment.")}</p>
          ) : (
            <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("What you share")}>
              <table className="plain-table">
                <thead>
                  <tr>
                    <th scope="col">{i18n.t("Name")}</th>
                    <th scope="col">{i18n.t("People")}</th>
                    <th scope="col">{i18n.t("Links")}</th>
                    <th scope="col">{i18n.t("Link opened")}</th>
                    <th scope="col">{i18n.t("Downloaded")}</th>
                  </tr>
                </thead>
                <tbody>
                  {found.shared.map((file) => (
                    <tr key={file.file_id}>
                      <th scope="row">{file.name}</th>
                      <td>{count(file.shares)}</td>
                      <td>{count(file.links)}</td>
                      <td>{count(file.opens)}</td>
                      <td>{count(file.downloads)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
    </>
  );
}

const FAMILIES = {
  document: /*i18n*/ "Documents",
  image: /*i18n*/ "Images",
  video: /*i18n*/ "Videos",
  audio: /*i18n*/ "Audio",
  archive: /*i18n*/ "Archives",
  other: /*i18n*/ "Other files",
} as const;

function Families() {
  const account = useAccount();
  const stored = useQuery({ queryKey: ["storage-families"], queryFn: () => call("get /v1/me/storage/families", {}) });
  const mine = `/search?owner=${account.id}&kind=file`;
  return (
    <>
      <h2>{i18n.t("What takes the space")}</h2>
      {stored.error && !stored.data ? (
        <Failed error={stored.error} onRetry={() => void stored.refetch()} />
      ) : !stored.data ? (
        <Spinner />
      ) : (
        <table className="plain-table" aria-label={i18n.t("What takes the space")}>
          <thead>
            <tr>
              <th scope="col">{i18n.t("Kind")}</th>
              <th scope="col">{i18n.t("Files")}</th>
              <th scope="col">{i18n.t("Size")}</th>
            </tr>
          </thead>
          <tbody>
            {stored.data.items.map((sums) => (
              <tr key={sums.family}>
                <th scope="row">{i18n.t(FAMILIES[sums.family])}</th>
                <td>{count(sums.files)}</td>
                <td>{size(sums.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p>
        <Link href={`${mine}&sort=size`}>{i18n.t("Largest files")}</Link> ·{" "}
        <Link href={`${mine}&sort=modified&order=asc`}>{i18n.t("Files that have not changed for longest")}</Link>
      </p>
    </>
  );
}
