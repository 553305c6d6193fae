/** Selection and keyboard focus of a list; pure functions. */

export interface Selection {
  selected: ReadonlySet<string>;
  /** The row that keys act on; -1 before there is one. */
  focus: number;
  /** Where a range with Shift starts. */
  anchor: number;
}

export const NOTHING: Selection = { selected: new Set(), focus: -1, anchor: -1 };

export interface Modifiers {
  toggle?: boolean;
  range?: boolean;
}

const clamp = (index: number, length: number) => Math.max(0, Math.min(length - 1, index));

function range(ids: readonly string[], from: number, to: number): Set<string> {
  return new Set(ids.slice(Math.min(from, to), Math.max(from, to) + 1));
}

/** A click on a row, or on its checkbox (`toggle`). */
export function select(state: Selection, ids: readonly string[], index: number, how: Modifiers = {}): Selection {
  const id = ids[index];
  if (id === undefined) return state;
  if (how.range && state.anchor >= 0) {
    const extended = range(ids, clamp(state.anchor, ids.length), index);
    const selected = how.toggle ? new Set([...state.selected, ...extended]) : extended;
    return { selected, focus: index, anchor: state.anchor };
  }
  if (how.toggle) {
    const selected = new Set(state.selected);
    if (!selected.delete(id)) selected.add(id);
    return { selected, focus: index, anchor: index };
  }
  return { selected: new Set([id]), focus: index, anchor: index };
}

/** The keyboard moves to a row: it alone is selected, or with `range` all from the anchor on. */
export function moveTo(state: Selection, ids: readonly string[], index: number, how: Modifiers = {}): Selection {
  if (ids.length === 0) return NOTHING;
  const target = clamp(index, ids.length);
  if (how.toggle) return { ...state, focus: target };
  return select(state, ids, target, { range: how.range });
}

export function selectAll(state: Selection, ids: readonly string[]): Selection {
  return { ...state, selected: new Set(ids) };
}

/** Updates the selection after the list has changed: removed ids are deselected, the focus stays on its row. */
export function adjust(state: Selection, before: readonly string[], after: readonly string[]): Selection {
  const known = new Set(after);
  const selected = new Set([...state.selected].filter((id) => known.has(id)));
  const focused = before[state.focus];
  const found = focused === undefined ? -1 : after.indexOf(focused);
  const focus = found >= 0 ? found : Math.min(state.focus, after.length - 1);
  return { selected, focus, anchor: selected.size === 0 ? focus : Math.min(state.anchor, after.length - 1) };
}

/** The next row after the focus whose name begins with what was typed. */
export function typeAhead(names: readonly string[], focus: number, typed: string): number {
  const wanted = typed.toLocaleLowerCase();
  const start = typed.length > 1 ? focus : focus + 1;
  for (let step = 0; step < names.length; step += 1) {
    const index = (Math.max(0, start) + step) % names.length;
    if (names[index]?.toLocaleLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}
