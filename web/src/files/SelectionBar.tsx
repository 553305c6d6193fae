/** Toolbar of the selection: common actions as buttons, others in a menu. */
import { i18n } from "@lingui/core";
import { Share2, X } from "lucide-react";
import type { FileItem } from "@/api/types";
import { choicesFor } from "@/files/actions";
import type { ListState } from "@/files/useListState";
import { count } from "@/lib/format";
import { Menu } from "@/ui/menu";

interface Props {
  state: ListState;
  items: FileItem[];
  onDetails: () => void;
}

export function SelectionBar({ state, items, onDetails }: Props) {
  const choices = choicesFor(state.chosen, items, onDetails).filter((choice) => choice.id !== "view");
  const inline = choices.filter((choice) => ["download", "share", "move", "trash"].includes(choice.id));
  const rest = choices.filter((choice) => !inline.includes(choice));
  return (
    <div className="selection-bar">
      <button className="icon-button" aria-label={i18n.t("Clear selection")} onClick={state.clear}>
        <X size={18} />
      </button>
      <span className="count" role="status">
        {i18n.t("{count} selected", { count: count(state.chosen.length) })}
      </span>
      {inline.map((choice) => (
        <button
          key={choice.id}
          className={choice.danger ? "tool danger" : "tool"}
          aria-label={choice.label.replace("…", "")}
          onClick={choice.run}
        >
          {choice.id === "share" ? <Share2 size={16} /> : choice.icon}
          <span>{choice.label.replace("…", "")}</span>
        </button>
      ))}
      <Menu
        label={i18n.t("More actions")}
        className="tool"
        button={<span>{i18n.t("More")}</span>}
        choices={rest}
        placement="bottom start"
      />
    </div>
  );
}
