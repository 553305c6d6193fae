/** Menus behind a button, and at a point: for the right mouse button, the menu key and a row's button. */
import { i18n } from "@lingui/core";
import { type ComponentProps, type ReactNode, Suspense, useRef, useState } from "react";
import { ErrorBoundary } from "@/ui/boundary";
import { part } from "@/ui/part";

const load = () => import("@/ui/menu-popover");
const MenuPopover = part(load);

/** Loads what shows menus before the first is opened, behind what the page shows at once. */
export const loadMenus = (): void => void load().catch(() => undefined);

/** Keys that open a menu when they are pressed: a click, which follows, would reach its first entry. */
const OPENING = ["ArrowDown", "Enter", " "];

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
  const anchor = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        ref={anchor}
        type="button"
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => {
          // Safari gives no focus to a button that is clicked: the menu would return it to nothing.
          anchor.current?.focus();
          setOpen(true);
        }}
        onKeyDown={(event) => {
          if (!OPENING.includes(event.key)) return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {button}
      </button>
      {open && <OpenMenu {...{ label, anchor, choices, heading, placement }} onClose={() => setOpen(false)} />}
    </>
  );
}

export interface Point {
  x: number;
  y: number;
}

export function ContextMenu({ at, choices, onClose }: { at: Point | null; choices: Choice[]; onClose: () => void }) {
  const anchor = useRef<HTMLSpanElement>(null);
  return (
    <>
      <span ref={anchor} className="menu-anchor" style={{ left: at?.x ?? 0, top: at?.y ?? 0 }} aria-hidden="true" />
      {at && <OpenMenu label={i18n.t("Actions")} anchor={anchor} choices={choices} onClose={onClose} />}
    </>
  );
}

function OpenMenu(props: ComponentProps<typeof MenuPopover>) {
  return (
    <ErrorBoundary onFailed={props.onClose}>
      <Suspense fallback={null}>
        <MenuPopover {...props} />
      </Suspense>
    </ErrorBoundary>
  );
}
