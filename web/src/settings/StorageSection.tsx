/** The account's storage over time and by family, and what it shares. */
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
    () => found && { unit: "bytes" as const, times: found.times, series: [{ name: "Stored", values: found.bytes }] },
    [found],
  );
  return (
    <>
      <h2>Storage over time</h2>
      <div className="field">
        <label htmlFor="storage-days">Period</label>
        <select id="storage-days" value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {PERIODS.map((each) => (
            <option key={each} value={each}>
              {each} days
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
          <Chart title="Storage used" report={report} />
          <p className="muted">
            {count(found.documents.at(-1) ?? 0)} documents. Older versions and the trash count.
          </p>
          <Families />
          <h2>What you share</h2>
          {found.shared.length === 0 ? (
            <p className="muted">You share nothing at the moment.</p>
          ) : (
            <div className="table-scroll" tabIndex={0} role="region" aria-label="What you share">
              <table className="plain-table">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">People</th>
                    <th scope="col">Links</th>
                    <th scope="col">Link opened</th>
                    <th scope="col">Downloaded</th>
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
  document: "Documents",
  image: "Images",
  video: "Videos",
  audio: "Audio",
  archive: "Archives",
  other: "Other files",
} as const;

function Families() {
  const account = useAccount();
  const stored = useQuery({ queryKey: ["storage-families"], queryFn: () => call("get /v1/me/storage/families", {}) });
  const mine = `/search?owner=${account.id}&kind=file`;
  return (
    <>
      <h2>What takes the space</h2>
      {stored.error && !stored.data ? (
        <Failed error={stored.error} onRetry={() => void stored.refetch()} />
      ) : !stored.data ? (
        <Spinner />
      ) : (
        <table className="plain-table" aria-label="What takes the space">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col">Files</th>
              <th scope="col">Size</th>
            </tr>
          </thead>
          <tbody>
            {stored.data.items.map((sums) => (
              <tr key={sums.family}>
                <th scope="row">{FAMILIES[sums.family]}</th>
                <td>{count(sums.files)}</td>
                <td>{size(sums.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p>
        <Link href={`${mine}&sort=size`}>Largest files</Link> ·{" "}
        <Link href={`${mine}&sort=modified&order=asc`}>Files that have not changed for longest</Link>
      </p>
    </>
  );
}
