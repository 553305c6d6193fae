/** Selection state and key handling of a list. */
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { FileItem } from "@/api/types";
import { adjust, type Modifiers, moveTo, NOTHING, select, selectAll, type Selection, typeAhead } from "@/files/selection";

const TYPING_MS = 700;

export interface ListState {
  items: FileItem[];
  selection: Selection;
  chosen: FileItem[];
  choose: (index: number, how?: Modifiers) => void;
  clear: () => void;
  all: () => void;
  onKeyDown: (event: KeyboardEvent, perRow: number, perPage: number) => void;
}

export interface ListActions {
  open: (file: FileItem) => void;
  up?: () => void;
  menu?: (index: number) => void;
  /** F2, with one chosen. */
  rename?: (file: FileItem) => void;
  /** The Delete key, with some chosen. */
  remove?: (files: FileItem[]) => void;
}

export function useListState(items: FileItem[], actions: ListActions): ListState {
  const ids = useMemo(() => items.map((item) => item.id), [items]);
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const before = useRef(ids);
  const typed = useRef({ text: "", at: 0 });

  useEffect(() => {
    if (before.current === ids) return;
    const previous = before.current;
    before.current = ids;
    setSelection((state) => adjust(state, previous, ids));
  }, [ids]);

  const chosen = useMemo(
    () => (selection.selected.size === 0 ? [] : items.filter((item) => selection.selected.has(item.id))),
    [items, selection.selected],
  );
  const choose = useCallback(
    (index: number, how?: Modifiers) => setSelection((state) => select(state, ids, index, how)),
    [ids],
  );
  const clear = useCallback(() => setSelection((state) => ({ ...state, selected: new Set() })), []);
  const all = useCallback(() => setSelection((state) => selectAll(state, ids)), [ids]);

  function go(index: number, event: KeyboardEvent): void {
    setSelection((state) => moveTo(state, ids, index, { range: event.shiftKey, toggle: event.ctrlKey || event.metaKey }));
  }

  function onType(key: string): void {
    const now = Date.now();
    const text = now - typed.current.at < TYPING_MS ? typed.current.text + key : key;
    typed.current = { text, at: now };
    const found = typeAhead(items.map((item) => item.name), selection.focus, text);
    if (found >= 0) setSelection((state) => moveTo(state, ids, found));
  }

  function onKeyDown(event: KeyboardEvent, perRow: number, perPage: number): void {
    if (event.target !== event.currentTarget) return;
    const { focus } = selection;
    const command = event.ctrlKey || event.metaKey;
    const focused = items[focus];
    const [one] = chosen;
    const handlers: Record<string, (() => void) | undefined> = {
      ArrowDown: () => go(focus < 0 ? 0 : focus + perRow, event),
      ArrowUp: event.altKey ? actions.up : () => go(focus - perRow, event),
      ArrowRight: perRow > 1 ? () => go(focus + 1, event) : undefined,
      ArrowLeft: perRow > 1 ? () => go(focus - 1, event) : undefined,
      Home: () => go(0, event),
      End: () => go(items.length - 1, event),
      PageDown: () => go(focus + perPage, event),
      PageUp: () => go(focus - perPage, event),
      Enter: focused && (() => actions.open(focused)),
      " ": typed.current.text && Date.now() - typed.current.at < TYPING_MS
        ? () => onType(" ")
        : () => choose(focus, { toggle: true }),
      Escape: clear,
      Backspace: actions.up,
      Delete: one && (() => actions.remove?.(chosen)),
      F2: one && chosen.length === 1 ? () => actions.rename?.(one) : undefined,
      ContextMenu: actions.menu && focus >= 0 ? () => actions.menu?.(focus) : undefined,
      F10: event.shiftKey && actions.menu && focus >= 0 ? () => actions.menu?.(focus) : undefined,
    };
    if (command && event.key.toLowerCase() === "a") {
      event.preventDefault();
      all();
      return;
    }
    const handler = handlers[event.key];
    if (handler) {
      event.preventDefault();
      handler();
    } else if (event.key.length === 1 && !command && !event.altKey && event.key !== "/") {
      onType(event.key);
    }
  }

  return { items, selection, chosen, choose, clear, all, onKeyDown };
}
