/** The button in a row or on a card that selects it. */
import { i18n } from "@lingui/core";
import { Check } from "lucide-react";

interface Props {
  name: string;
  selected: boolean;
  /** `range`: with all between it and the last one. */
  onToggle: (range: boolean) => void;
}

export function SelectButton({ name, selected, onToggle }: Props) {
  return (
    <button
      className={selected ? "check checked" : "check"}
      tabIndex={-1}
      aria-label={i18n.t("Select {name}", { name })}
      aria-pressed={selected}
      onClick={(event) => {
        event.stopPropagation();
        onToggle(event.shiftKey);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {selected && <Check size={14} strokeWidth={3} />}
    </button>
  );
}
