/** How much visitors of a link may send. */
import { i18n } from "@lingui/core";
import type { FileLink } from "@/api/types";
import { Field } from "@/ui/field";

/** Null: no limit of its own. Bytes of all files together. */
export interface Limits {
  max_files: number | null;
  max_bytes: number | null;
}

const MEGABYTE = 1 << 20;

export function limitsOf(link?: FileLink): Limits {
  return { max_files: link?.max_files ?? null, max_bytes: link?.max_bytes ?? null };
}

export function LimitFields({ limits, onChange }: { limits: Limits; onChange: (limits: Limits) => void }) {
  return (
    <>
      <Field
        label={i18n.t("Most files (optional)")}
        type="number"
        min={1}
        max={100_000}
        inputMode="numeric"
        value={limits.max_files ?? ""}
        onChange={(event) => onChange({ ...limits, max_files: event.target.valueAsNumber || null })}
      />
      <Field
        label={i18n.t("Total size in MB (optional)")}
        type="number"
        min={0.001}
        step="any"
        inputMode="decimal"
        placeholder={i18n.t("No limit")}
        value={limits.max_bytes === null ? "" : limits.max_bytes / MEGABYTE}
        onChange={(event) => {
          const megabytes = event.target.valueAsNumber;
          onChange({ ...limits, max_bytes: megabytes ? Math.round(megabytes * MEGABYTE) : null });
        }}
      />
    </>
  );
}
