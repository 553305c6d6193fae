/** Dialog that asks for a name. */
import { i18n } from "@lingui/core";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { hasCode, reason } from "@/api/problem";
import { isTooLong } from "@/lib/names";
import { Dialog, FormButtons } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useAction } from "@/ui/form";

const FORBIDDEN = /[/\u0000-\u001f\u007f]/;

/** Error in a name, shown while typing; the server makes the final decision. */
export function flawOf(name: string): string | undefined {
  if (name === "." || name === "..") return i18n.t("This name isn’t allowed.");
  if (FORBIDDEN.test(name)) return i18n.t("A name cannot contain a slash.");
  if (isTooLong(name)) return i18n.t("This name is too long.");
  return undefined;
}

interface Props {
  title: string;
  action: string;
  /** Suggested; what is before its ending is selected, unless it has none. */
  suggested?: string;
  hasEnding?: boolean;
  /** A name without flaws; a rejection is shown, and the dialog stays. */
  onName: (name: string) => Promise<void>;
  onClose: () => void;
  children?: ReactNode;
}

export function NameDialog({ title, action, suggested = "", hasEnding = false, onName, onClose, children }: Props) {
  const [name, setName] = useState(suggested);
  const { busy, error, setError, run } = useAction();
  const wanted = name.trim().normalize("NFC");
  const isTaken = hasCode(error, "name_taken", "version_conflict");
  const refused = error ? (isTaken ? i18n.t("“{wanted}” already exists in this folder.", { wanted }) : reason(error)) : undefined;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const input = box.current?.querySelector("input");
    input?.focus();
    const dot = hasEnding ? suggested.lastIndexOf(".") : -1;
    input?.setSelectionRange(0, dot > 0 ? dot : suggested.length);
  }, [suggested, hasEnding]);

  async function submit(): Promise<void> {
    if (wanted && !flawOf(wanted) && (await run(() => onName(wanted)))) onClose();
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={<FormButtons submit={action} disabled={busy || !wanted || Boolean(flawOf(wanted))} onClose={onClose} />}
    >
      <div ref={box}>
        <Field
          label={i18n.t("Name")}
          value={name}
          autoComplete="off"
          dir="auto"
          error={refused ?? flawOf(wanted)}
          onInput={(event: FormEvent<HTMLInputElement>) => {
            setName(event.currentTarget.value);
            setError(null);
          }}
        />
        {children}
      </div>
    </Dialog>
  );
}
