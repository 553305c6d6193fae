/** The settings of a public link, new or existing. */
import { i18n } from "@lingui/core";
import { Link2 } from "lucide-react";
import { useId, useState } from "react";
import type { FileLink } from "@/api/types";
import { LimitFields, type Limits, limitsOf } from "@/sharing/LimitFields";
import { Field, Switch } from "@/ui/field";
import { Form, FormError, useAction } from "@/ui/form";

type Kind = FileLink["kind"];

/** An absent password stays as it is. */
export interface LinkSettings extends Limits {
  kind?: Kind;
  message?: string;
  password?: string | null;
  expires_at: string | null;
  max_downloads: number | null;
  watermark: string | null;
  embed: boolean;
}

interface Props {
  /** Whether it may be a file request: of a folder. */
  mayReceive?: boolean;
  /** The link that is changed; none: a new one. */
  link?: FileLink;
  submit: string;
  onSubmit: (settings: LinkSettings) => Promise<void>;
  onCancel?: () => void;
}

/** The day of a moment, here: what a date field shows. */
function dayOf(moment: string | null | undefined): string {
  if (!moment) return "";
  const date = new Date(moment);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function LinkForm({ link, mayReceive, submit, onSubmit, onCancel }: Props) {
  const [kind, setKind] = useState<Kind>(link?.kind ?? "read");
  const [message, setMessage] = useState(link?.message ?? "");
  const [password, setPassword] = useState("");
  const [open, setOpen] = useState(false);
  const [until, setUntil] = useState(dayOf(link?.expires_at));
  const [downloads, setDownloads] = useState(String(link?.max_downloads ?? ""));
  const [limits, setLimits] = useState(limitsOf(link));
  const [watermark, setWatermark] = useState(link?.watermark ?? "");
  const [embed, setEmbed] = useState(link?.embed ?? false);
  const { busy, error, run } = useAction();
  const kindId = useId();
  const [reads, receives] = [kind === "read", kind === "receive"];
  const marked = reads && Boolean(watermark.trim());

  async function send(): Promise<void> {
    const unchanged = link && until === dayOf(link.expires_at);
    await onSubmit({
      ...(password || !link || open ? { password: open ? null : password || null } : {}),
      expires_at: unchanged ? link.expires_at : until ? new Date(`${until}T23:59:59`).toISOString() : null,
      max_downloads: downloads && !marked && !receives ? Number(downloads) : null,
      watermark: marked ? watermark.trim() : null,
      embed: reads && embed,
      max_files: reads ? null : limits.max_files,
      max_bytes: reads ? null : limits.max_bytes,
      ...(receives ? { message: message.trim() } : {}),
      ...(link ? {} : { kind }),
    });
    setPassword("");
  }
  return (
    <Form className="link-settings" onSubmit={() => run(send)}>
      {!link && (
        <div className="field">
          <label htmlFor={kindId}>{i18n.t("Visitors can")}</label>
          <select id={kindId} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
            <option value="read">{i18n.t("View")}</option>
            <option value="edit">{i18n.t("Edit")}</option>
            {mayReceive && <option value="receive">{i18n.t("Send files, without seeing any (file request)")}</option>}
          </select>
        </div>
      )}
      {receives && (
        <Field
          label={i18n.t("Message (optional)")}
          maxLength={1000}
          placeholder={i18n.t("What do you need, and by when?")}
          value={message}
          onChange={(event) => setMessage(event.target.value)}
        />
      )}
      <div className="link-form">
        <Field
          label={link?.has_password ? i18n.t("New password") : i18n.t("Password (optional)")}
          type="password"
          autoComplete="new-password"
          placeholder={link?.has_password ? i18n.t("Unchanged") : undefined}
          disabled={open}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Field
          label={receives ? i18n.t("Deadline (optional)") : i18n.t("Expires (optional)")}
          type="date"
          value={until}
          onChange={(event) => setUntil(event.target.value)}
        />
        {!receives && (
          <Field
            label={i18n.t("Download limit (optional)")}
            type="number"
            min={1}
            inputMode="numeric"
            placeholder={i18n.t("No limit")}
            disabled={marked}
            value={downloads}
            onChange={(event) => setDownloads(event.target.value)}
          />
        )}
        {!reads && <LimitFields limits={limits} onChange={setLimits} />}
      </div>
      {reads && (
        <>
          <Field
            label={i18n.t("Watermark (optional)")}
            maxLength={100}
            placeholder={i18n.t("No watermark")}
            hint={i18n.t("Visitors see pictures and PDF pages with this text, and can’t download anything.")}
            value={watermark}
            onChange={(event) => setWatermark(event.target.value)}
          />
          <Switch
            label={i18n.t("Allow other sites to embed it")}
            checked={embed}
            onChange={(event) => setEmbed(event.target.checked)}
          />
        </>
      )}
      {link?.has_password && (
        <Switch label={i18n.t("Remove the password")} checked={open} onChange={(event) => setOpen(event.target.checked)} />
      )}
      <FormError error={error} />
      <div className="link-buttons">
        <button className="button primary" type="submit" disabled={busy}>
          {!link && <Link2 size={16} aria-hidden="true" />} {submit}
        </button>
        {onCancel && (
          <button className="button" type="button" onClick={onCancel}>
            {i18n.t("Cancel")}
          </button>
        )}
      </div>
    </Form>
  );
}
