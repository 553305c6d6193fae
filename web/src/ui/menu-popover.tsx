/** An open menu. A part of its own: the library that shows it is a quarter of what the first page would load. */
import { i18n } from "@lingui/core";
import type { ReactNode, RefObject } from "react";
import { Menu as AriaMenu, MenuItem, Popover, Separator } from "react-aria-components";
import type { Choice } from "@/ui/menu";

interface Props {
  label: string;
  /** What it stands at. */
  anchor: RefObject<HTMLElement | null>;
  choices: Choice[];
  heading?: ReactNode;
  placement?: "bottom end" | "bottom start";
  onClose: () => void;
}

export default function MenuPopover({ label, anchor, choices, heading, placement = "bottom start", onClose }: Props) {
  return (
    <Popover
      className="popover"
      triggerRef={anchor}
      isOpen
      placement={placement}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      {heading}
      <AriaMenu
        className="menu"
        aria-label={label}
        autoFocus="first"
        onAction={(id) => {
          onClose();
          choices.find((choice) => choice.id === id)?.run();
        }}
        onClose={onClose}
      >
        {choices.flatMap((choice) => [
          ...(choice.apart ? [<Separator key={`${choice.id}-line`} className="menu-line" />] : []),
          <MenuItem
            key={choice.id}
            id={choice.id}
            textValue={choice.label}
            className={choice.danger ? "menu-item danger" : "menu-item"}
          >
            {choice.icon}
            <span>{choice.label}</span>
            {choice.checked && (
              <span className="menu-check" aria-label={i18n.t("chosen")}>
                ✓
              </span>
            )}
          </MenuItem>,
        ])}
      </AriaMenu>
    </Popover>
  );
}
