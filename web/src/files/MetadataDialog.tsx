/** The custom metadata of one file or folder: names and values. */
import { i18n } from "@lingui/core";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import type { FileItem } from "@/api/types";
import { setMetadata } from "@/files/operations";
import { Dialog, FormButtons } from "@/ui/dialog";
import { FormError, useAction } from "@/ui/form";

const MAX_PAIRS = 20;
const NAME = /^[a-z0-9-]{1,64}$/;

type Pair = [name: string, value: string];

export default function MetadataDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  const [pairs, setPairs] = useState<Pair[]>(() => withEmpty(Object.entries(file.metadata)));
  const { busy, error, setError, run } = useAction();

  const change = (index: number, pair: Pair) => setPairs(pairs.with(index, pair));
  async function save(): Promise<void> {
    const named = pairs.filter(([name, value]) => name || value);
    const wrong = named.find(([name]) => !NAME.test(name));
    if (wrong) return setError(i18n.t("“{wrong}” is not a valid name. Use a–z, 0–9 and hyphens.", { wrong: wrong[0] }));
    if (new Set(named.map(([name]) => name)).size < named.length) return setError(i18n.t("Each name can be used once."));
    if (await run(() => setMetadata(file, Object.fromEntries(named)))) onClose();
  }
  return (
    <Dialog
      title={i18n.t("Metadata of “{name}”", { name: file.name })}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={<FormButtons submit={i18n.t("Save")} disabled={busy} onClose={onClose} />}
    >
      <ul className="pairs">
        {pairs.map(([name, value], index) => (
          <li key={index}>
            <input
              aria-label={i18n.t("Name {number}", { number: index + 1 })}
              placeholder={i18n.t("Name")}
              value={name}
              maxLength={64}
              autoComplete="off"
              autoCapitalize="none"
              autoFocus={index === pairs.length - 1}
              onChange={(event) => change(index, [event.target.value.toLowerCase().replaceAll(" ", "-"), value])}
            />
            <input
              aria-label={i18n.t("Value {number}", { number: index + 1 })}
              placeholder={i18n.t("Value")}
              value={value}
              maxLength={256}
              autoComplete="off"
              onChange={(event) => change(index, [name, event.target.value])}
            />
            <button
              type="button"
              className="icon-button small"
              aria-label={i18n.t("Remove {name}", { name: name || i18n.t("pair {number}", { number: index + 1 }) })}
              onClick={() => setPairs(withEmpty(pairs.toSpliced(index, 1)))}
            >
              <X size={16} />
            </button>
          </li>
        ))}
      </ul>
      {pairs.length < MAX_PAIRS && (
        <button type="button" className="button" onClick={() => setPairs([...pairs, ["", ""]])}>
          <Plus size={16} aria-hidden="true" /> {i18n.t("Add another")}
        </button>
      )}
      <FormError error={error} />
    </Dialog>
  );
}

function withEmpty(pairs: Pair[]): Pair[] {
  return pairs.length > 0 ? pairs : [["", ""]];
}
