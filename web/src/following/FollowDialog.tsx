/** Dialog to add a webhook or another target. */
import { i18n } from "@lingui/core";
import { useState } from "react";
import { call } from "@/api/client";
import { fieldErrors } from "@/api/problem";
import { queryClient, useAccount } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { nameOf } from "@/files/operations";
import { CHANGES, flawsOf, TARGET_KINDS, targetOf } from "@/following/targets";
import { CopyField } from "@/ui/copy-field";
import { Dialog, FormButtons } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { FormError, useAction } from "@/ui/form";
import { toast } from "@/ui/toasts";

export default function FollowDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  const account = useAccount();
  const [kind, setKind] = useState(TARGET_KINDS[0]);
  const [values, setValues] = useState<Record<string, string>>({});
  const [events, setEvents] = useState(() => new Set(CHANGES.filter(({ usual }) => usual).map(({ id }) => id)));
  const { busy, error, setError, run } = useAction();
  const flaws = flawsOf(kind, fieldErrors(error));
  const [secret, setSecret] = useState("");

  function choose(id: string): void {
    setKind(TARGET_KINDS.find((one) => one.id === id) ?? TARGET_KINDS[0]);
    setError(null);
  }
  async function follow(): Promise<void> {
    const chosen = CHANGES.filter(({ id }) => events.has(id)).map(({ id }) => id);
    const body = { file_id: file.id, channel: kind.channel, target: targetOf(kind, values), events: chosen };
    const subscription = await call("post /v1/subscriptions", { body });
    await queryClient.invalidateQueries({ queryKey: ["about", file.id, "following"] });
    if ("secret" in subscription && subscription.secret) return setSecret(subscription.secret);
    toast(i18n.t("{label} added.", { label: i18n.t(kind.label) }));
    onClose();
  }
  if (secret) {
    return (
      <Dialog
        title={i18n.t("Webhook added")}
        onClose={onClose}
        footer={
          <button className="button primary" onClick={onClose}>
            {i18n.t("Done")}
          </button>
        }
      >
        <CopyField label={i18n.t("Signing secret")} value={secret}>
          {i18n.t("The receiver uses this secret to verify messages. Copy it now; you won’t see it again.")}
        </CopyField>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={i18n.t("Add webhook for “{name}”", { name: nameOf(file) })}
      onClose={onClose}
      onSubmit={() => void run(follow)}
      footer={<FormButtons submit={i18n.t("Follow")} disabled={busy || events.size === 0} onClose={onClose} />}
    >
      <div className="field">
        <label htmlFor="follow-kind">{i18n.t("Method")}</label>
        <select
          id="follow-kind"
          className="select"
          aria-describedby="follow-about"
          value={kind.id}
          onChange={(event) => choose(event.target.value)}
        >
          {TARGET_KINDS.map(({ id, label }) => (
            <option key={id} value={id}>
              {i18n.t(label)}
            </option>
          ))}
        </select>
        <p id="follow-about" className="field-hint">
          {i18n.t(kind.about)}
        </p>
      </div>
      {kind.fields.map(({ name, label, placeholder, hint, optional }) => (
        <Field
          key={`${kind.id} ${name}`}
          label={optional ? i18n.t("{label} (optional)", { label: i18n.t(label) }) : i18n.t(label)}
          placeholder={placeholder}
          hint={hint && i18n.t(hint, { id: account.id })}
          error={flaws[name]}
          autoComplete="off"
          spellCheck={false}
          value={values[name] ?? ""}
          onChange={(event) => setValues({ ...values, [name]: event.target.value })}
        />
      ))}
      <fieldset className="choices">
        <legend>{i18n.t("Events")}</legend>
        {CHANGES.filter(({ owners }) => !owners || file.permission === "owner").map(({ id, label }) => (
          <label key={id}>
            <input
              type="checkbox"
              checked={events.has(id)}
              onChange={(event) => {
                const next = new Set(events);
                if (event.target.checked) next.add(id);
                else next.delete(id);
                setEvents(next);
              }}
            />
            {i18n.t(label)}
          </label>
        ))}
      </fieldset>
      {Object.keys(flaws).length === 0 && <FormError error={error} />}
    </Dialog>
  );
}
