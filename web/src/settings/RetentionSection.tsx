/** Retention settings of the trash and old versions, within the operator's limits. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { keys, queryClient } from "@/api/queries";
import type { Retention, RetentionPolicy } from "@/api/types";
import { moment } from "@/lib/format";
import { attempt } from "@/ui/attempt";
import { Field } from "@/ui/field";
import { Form } from "@/ui/form";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

export function RetentionSection() {
  const kept = useQuery({ queryKey: keys.retention, queryFn: () => call("get /v1/me/retention") });
  if (kept.error) return <Failed error={kept.error} onRetry={() => void kept.refetch()} />;
  if (!kept.data) return <Spinner />;
  // Another choice, made elsewhere too, is another form.
  return <RetentionForm key={JSON.stringify(kept.data)} kept={kept.data} />;
}

function RetentionForm({ kept }: { kept: Retention }) {
  const [trash, setTrash] = useState(days(kept.trash_days));
  const [versions, setVersions] = useState(String(kept.versions));
  const [old, setOld] = useState(days(kept.version_days));
  const { most } = kept;
  const policy = { trash_days: chosen(trash), versions: Number(versions), version_days: chosen(old) };
  return (
    <Form
      onSubmit={() => void choose(policy)}
    >
      <h2>{i18n.t("Trash and version history")}</h2>
      <Field
        label={i18n.t("Days in the trash")}
        hint={`${i18n.t("Files are then deleted forever.")} ${limit(most.trash_days)}`}
        {...number(most.trash_days)}
        value={trash}
        onChange={(event) => setTrash(event.target.value)}
      />
      <Field
        label={i18n.t("Versions of a file")}
        hint={i18n.t(
          "At most {most}, the current one included. Of more than that, the newest and those far apart stay.",
          { most: most.versions },
        )}
        {...number(most.versions)}
        required
        value={versions}
        onChange={(event) => setVersions(event.target.value)}
      />
      <Field
        label={i18n.t("Days to keep old versions")}
        hint={`${i18n.t("Counted from when a version was replaced. The current version is always kept.")} ${limit(most.version_days)}`}
        {...number(most.version_days)}
        value={old}
        onChange={(event) => setOld(event.target.value)}
      />
      {kept.applies_at && (
        <p role="status">
          {i18n.t("Your last change takes effect on {at}. Until then nothing is deleted.", {
            at: moment(kept.applies_at),
          })}
        </p>
      )}
      <button className="button primary" type="submit">
        {i18n.t("Save")}
      </button>
      {!kept.is_default && (
        <button className="button" type="button" onClick={() => void choose(null)}>
          {i18n.t("Reset to defaults")}
        </button>
      )}
    </Form>
  );
}

const days = (value: number | null) => (value === null ? "" : String(value));
const chosen = (text: string) => (text.trim() === "" ? null : Number(text));
const limit = (most: number | null) => (most === null ? i18n.t("Empty: never.") : i18n.t("At most {most}.", { most }));
const number = (most: number | null) => ({ type: "number", min: 1, max: most ?? undefined, step: 1 });

async function choose(body: RetentionPolicy | null): Promise<void> {
  await attempt(async () => {
    const kept = await (body ? call("put /v1/me/retention", { body }) : call("delete /v1/me/retention"));
    queryClient.setQueryData(keys.retention, kept);
    toast(kept.applies_at ? i18n.t("Saved. It takes effect on {at}.", { at: moment(kept.applies_at) }) : i18n.t("Saved."));
    await queryClient.invalidateQueries({ queryKey: keys.trash });
  });
}
