/** Two versions of a text, side by side. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { FileItem, FileVersion } from "@/api/types";
import { moment } from "@/lib/format";
import { type DiffRow, diffLines } from "@/lib/diff";
import { Dialog } from "@/ui/dialog";
import { Failed, Spinner } from "@/ui/states";
import { fetchText } from "@/viewer/text";

interface Props {
  file: FileItem;
  older: FileVersion;
  newer: FileVersion;
  onClose: () => void;
}

const AROUND = 3;

export default function CompareDialog({ file, older, newer, onClose }: Props) {
  const texts = useQuery({
    queryKey: ["texts", file.id, older.version, newer.version],
    queryFn: ({ signal }) =>
      Promise.all([fetchText(file.id, older.version, signal), fetchText(file.id, newer.version, signal)]),
  });
  const rows = useMemo(() => (texts.data ? diffLines(texts.data[0].text, texts.data[1].text) : []), [texts.data]);
  const shown = useMemo(() => nearChanges(rows), [rows]);
  const partly = texts.data?.some(({ truncated }) => truncated) ?? false;
  return (
    <Dialog title={i18n.t("Compare “{name}”", { name: file.name })} wide onClose={onClose}>
      {texts.error ? (
        <Failed error={texts.error} onRetry={() => void texts.refetch()} />
      ) : !texts.data ? (
        <Spinner />
      ) : shown.length === 0 ? (
        <p>{partly ? i18n.t("The first 2 MB of both versions are the same.") : i18n.t("Both versions are the same.")}</p>
      ) : (
        <div className="compare" tabIndex={0} role="region" aria-label={i18n.t("Differences")}>
          <table>
            <colgroup>
              <col className="numbers" />
              <col />
              <col className="numbers" />
              <col />
            </colgroup>
            <thead>
              <tr>
                <th scope="col" colSpan={2}>
                  {i18n.t("Version {version}, {at}", { version: older.version, at: moment(older.created_at) })}
                </th>
                <th scope="col" colSpan={2}>
                  {i18n.t("Version {version}, {at}", { version: newer.version, at: moment(newer.created_at) })}
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row, index) =>
                row === null ? (
                  <tr key={index} className="gap">
                    <td colSpan={4}>⋯</td>
                  </tr>
                ) : (
                  <tr key={index}>
                    <td className="line-number">{row.leftNumber}</td>
                    <td className={row.left !== null && row.kind !== "same" ? "removed" : undefined}>
                      {row.left !== null && row.kind !== "same" && <span className="sr-only">{i18n.t("Removed:")} </span>}
                      {row.left}
                    </td>
                    <td className="line-number">{row.rightNumber}</td>
                    <td className={row.right !== null && row.kind !== "same" ? "added" : undefined}>
                      {row.right !== null && row.kind !== "same" && <span className="sr-only">{i18n.t("Added:")} </span>}
                      {row.right}
                    </td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
      {partly && <p className="muted">{i18n.t("Only the beginning was compared. Download both to compare all of them.")}</p>}
    </Dialog>
  );
}

/** Changed lines with a few around them; null where lines are left out. */
function nearChanges(rows: DiffRow[]): (DiffRow | null)[] {
  const near = new Set<number>();
  rows.forEach((row, index) => {
    if (row.kind === "same") return;
    for (let at = index - AROUND; at <= index + AROUND; at += 1) near.add(at);
  });
  const shown: (DiffRow | null)[] = [];
  rows.forEach((row, index) => {
    if (near.has(index)) shown.push(row);
    else if (shown.length === 0 || shown.at(-1) !== null) shown.push(null);
  });
  return near.size === 0 ? [] : shown;
}
