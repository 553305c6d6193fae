/** The tags of one file. */
import { i18n } from "@lingui/core";
import { X } from "lucide-react";
import { useState } from "react";
import { reason } from "@/api/problem";
import type { FileItem } from "@/api/types";
import { setTags } from "@/files/operations";
import { Dialog, FormButtons } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useAction } from "@/ui/form";

export default function TagsDialog({ file, onClose }: { file: FileItem; onClose: () => void }) {
  const [tags, setOwn] = useState(file.tags);
  const [text, setText] = useState("");
  const { busy, error, run } = useAction();

  const withText = () => [...new Set([...tags, ...text.split(",").map((tag) => tag.trim()).filter(Boolean)])];

  async function save(): Promise<void> {
    if (await run(() => setTags(file, withText()))) onClose();
  }
  return (
    <Dialog
      title={i18n.t("Tags of “{name}”", { name: file.name })}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={<FormButtons submit={i18n.t("Save")} disabled={busy} onClose={onClose} />}
    >
      {tags.length > 0 && (
        <ul className="tag-list" aria-label={i18n.t("Tags")}>
          {tags.map((tag) => (
            <li key={tag} className="tag">
              {tag}
              <button
                type="button"
                aria-label={i18n.t("Remove {name}", { name: tag })}
                onClick={() => setOwn(tags.filter((other) => other !== tag))}
              >
                <X size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Field
        label={i18n.t("Add tags")}
        hint={i18n.t("Separate tags with commas.")}
        error={error ? reason(error) : undefined}
        value={text}
        autoFocus
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "," || !text.trim()) return;
          event.preventDefault();
          setOwn(withText());
          setText("");
        }}
      />
    </Dialog>
  );
}
