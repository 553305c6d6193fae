/** A read-only field with a copy button. */
import { i18n } from "@lingui/core";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { toast } from "@/ui/toasts";

const NOT_ALLOWED = /*i18n*/ "The browser does not allow copying: select the text and copy it yourself.";

export async function copyText(value: string, done?: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(value);
    toast(done ?? i18n.t("Link copied."));
  } catch {
    toast(i18n.t(NOT_ALLOWED), { tone: "error" });
  }
}

export function CopyField({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  const [copied, setCopied] = useState(false);
  async function copyIt(): Promise<void> {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      toast(i18n.t(NOT_ALLOWED), { tone: "error" });
    }
  }
  return (
    <div className="copy-field" role="status">
      <p>{children}</p>
      <div>
        <input className="select" readOnly aria-label={label} value={value} onFocus={(event) => event.target.select()} />
        <button type="button" className="button" onClick={() => void copyIt()}>
          {copied ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
          {copied ? i18n.t("Copied") : i18n.t("Copy")}
        </button>
      </div>
    </div>
  );
}
