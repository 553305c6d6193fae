/** Context menu: for the right mouse button, the menu key and a row's button. */
import { i18n } from "@lingui/core";
import { useRef } from "react";
import { Menu as AriaMenu, MenuItem, Popover, Separator } from "react-aria-components";
import type { Choice } from "@/ui/menu";

export interface Point {
  x: number;
  y: number;
}

export function ContextMenu({ at, choices, onClose }: { at: Point | null; choices: Choice[]; onClose: () => void }) {
  const anchor = useRef<HTMLSpanElement>(null);
  return (
    <>
      <span ref={anchor} className="menu-anchor" style={{ left: at?.x ?? 0, top: at?.y ?? 0 }} aria-hidden="true" />
      <Popover
        className="popover"
        triggerRef={anchor}
        isOpen={at !== null}
        placement="bottom start"
        onOpenChange={(open) => {
          if (!open) onClose();
        }}
      >
        <AriaMenu
          className="menu"
          aria-label={i18n.t("Actions")}
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
            </MenuItem>,
          ])}
        </AriaMenu>
      </Popover>
    </>
  );
}
