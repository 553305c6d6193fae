/** Dialog for the name of a new folder, or for renaming. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { hasCode, reason } from "@/api/problem";
import type { FileItem } from "@/api/types";
import { makeFolder, rename } from "@/files/operations";
import { isTooLong } from "@/lib/names";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";

type Props = { onClose: () => void } & ({ parent: FileItem; file?: undefined } | { file: FileItem; parent?: undefined });

const FORBIDDEN = /[/\u0000-\u001f\u007f]/;

/** Error in a name, shown while typing; the server makes the final decision. */
export function flawOf(name: string): string | undefined {
  if (name === "." || name === "..") return "This name isn’t allowed.";
  if (FORBIDDEN.test(name)) return "A name cannot contain a slash.";
  if (isTooLong(name)) return "This name is too long.";
  return undefined;
}

export default function NameDialog({ parent, file, onClose }: Props) {
  const [name, setName] = useState(file?.name ?? "");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const input = box.current?.querySelector("input");
    input?.focus();
    const dot = file?.kind === "file" ? file.name.lastIndexOf(".") : -1;
    input?.setSelectionRange(0, dot > 0 ? dot : input.value.length);
  }, [file]);

  async function submit(): Promise<void> {
    const wanted = name.trim().normalize("NFC");
    if (!wanted || flawOf(wanted)) return;
    if (file && wanted === file.name) return onClose();
    setBusy(true);
    try {
      if (file) await rename(file, wanted);
      else if (parent) await makeFolder(parent, wanted);
      onClose();
    } catch (caught) {
      setError(hasCode(caught, "name_taken") ? `“${wanted}” already exists in this folder.` : reason(caught));
      setBusy(false);
    }
  }
  return (
    <Dialog
      title={file ? "Rename" : "New folder"}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy || !name.trim() || Boolean(flawOf(name.trim()))}>
            {file ? "Rename" : "Create"}
          </button>
        </>
      }
    >
      <div ref={box}>
        <Field
          label="Name"
          value={name}
          autoComplete="off"
          error={error ?? flawOf(name.trim())}
          onInput={(event: FormEvent<HTMLInputElement>) => {
            setName(event.currentTarget.value);
            setError(undefined);
          }}
        />
      </div>
    </Dialog>
  );
}
