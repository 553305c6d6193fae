/** The settings of a public link, new or existing. */
import { Link2 } from "lucide-react";
import { useState } from "react";
import { reason } from "@/api/problem";
import type { FileLink } from "@/api/types";
import { Field, Switch } from "@/ui/field";

/** An absent password stays as it is. */
export interface LinkSettings {
  password?: string | null;
  expires_at: string | null;
  max_downloads: number | null;
  watermark: string | null;
}

interface Props {
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

export function LinkForm({ link, submit, onSubmit, onCancel }: Props) {
  const [password, setPassword] = useState("");
  const [open, setOpen] = useState(false);
  const [until, setUntil] = useState(dayOf(link?.expires_at));
  const [limit, setLimit] = useState(String(link?.max_downloads ?? ""));
  const [watermark, setWatermark] = useState(link?.watermark ?? "");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  async function send(): Promise<void> {
    setError(undefined);
    setBusy(true);
    const unchanged = link && until === dayOf(link.expires_at);
    try {
      await onSubmit({
        ...(password || !link || open ? { password: open ? null : password || null } : {}),
        expires_at: unchanged ? link.expires_at : until ? new Date(`${until}T23:59:59`).toISOString() : null,
        max_downloads: limit && !watermark ? Number(limit) : null,
        watermark: watermark.trim() || null,
      });
      setPassword("");
    } catch (caught) {
      setError(reason(caught));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form
      className="link-settings"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div className="link-form">
        <Field
          label={link?.has_password ? "New password" : "Password (optional)"}
          type="password"
          autoComplete="new-password"
          placeholder={link?.has_password ? "Unchanged" : undefined}
          disabled={open}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Field label="Expires (optional)" type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
        <Field
          label="Download limit (optional)"
          type="number"
          min={1}
          inputMode="numeric"
          placeholder="No limit"
          disabled={Boolean(watermark)}
          value={limit}
          onChange={(event) => setLimit(event.target.value)}
        />
      </div>
      <Field
        label="Watermark (optional)"
        maxLength={100}
        placeholder="No watermark"
        hint="Visitors see pictures and PDF pages with this text, and can’t download anything."
        value={watermark}
        onChange={(event) => setWatermark(event.target.value)}
      />
      {link?.has_password && (
        <Switch label="Remove the password" checked={open} onChange={(event) => setOpen(event.target.checked)} />
      )}
      {error && (
        <p className="form-error" role="alert">
          {error}
        </p>
      )}
      <div className="link-buttons">
        <button className="button primary" type="submit" disabled={busy}>
          {!link && <Link2 size={16} aria-hidden="true" />} {submit}
        </button>
        {onCancel && (
          <button className="button" type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
