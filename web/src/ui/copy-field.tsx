/** A read-only field with a copy button. */
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { toast } from "@/ui/toasts";

const NOT_ALLOWED = "The browser does not allow copying: select the text and copy it yourself.";

export async function copyText(value: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(value);
    toast("Link copied.");
  } catch {
    toast(NOT_ALLOWED, { tone: "error" });
  }
}

export function CopyField({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  const [copied, setCopied] = useState(false);
  async function copyIt(): Promise<void> {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      toast(NOT_ALLOWED, { tone: "error" });
    }
  }
  return (
    <div className="copy-field" role="status">
      <p>{children}</p>
      <div>
        <input className="select" readOnly aria-label={label} value={value} onFocus={(event) => event.target.select()} />
        <button type="button" className="button" onClick={() => void copyIt()}>
          {copied ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
    </div>
  );
}
