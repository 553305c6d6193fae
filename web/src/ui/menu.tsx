/** Menus behind a button. */
import { i18n } from "@lingui/core";
import type { ReactNode } from "react";
import { Button, Menu as AriaMenu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";

export interface Choice {
  id: string;
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  /** A line above it. */
  apart?: boolean;
  checked?: boolean;
  run: () => void;
}

interface Props {
  label: string;
  className?: string;
  button: ReactNode;
  choices: Choice[];
  heading?: ReactNode;
  placement?: "bottom end" | "bottom start";
}

export function Menu({ label, className = "icon-button", button, choices, heading, placement = "bottom end" }: Props) {
  return (
    <MenuTrigger>
      <Button className={className} aria-label={label}>
        {button}
      </Button>
      <Popover className="popover" placement={placement}>
        {heading}
        <AriaMenu
          className="menu"
          aria-label={label}
          onAction={(id) => choices.find((choice) => choice.id === id)?.run()}
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
    </MenuTrigger>
  );
}
