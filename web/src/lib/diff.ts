/** Lines of two texts side by side: E. W. Myers, "An O(ND) Difference Algorithm", 1986. */

export interface DiffRow {
  left: string | null;
  right: string | null;
  leftNumber: number | null;
  rightNumber: number | null;
  kind: "same" | "changed" | "added" | "removed";
}

/** More differences than this are not searched for: the rest counts as replaced. */
const MOST_EDITS = 4_000;

type Edit = { kind: "same" | "added" | "removed"; text: string };

export function diffLines(before: string, after: string): DiffRow[] {
  return sideBySide(editsOf(before.split("\n"), after.split("\n")));
}

function editsOf(a: string[], b: string[]): Edit[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (lines: string[]): Edit[] => lines.map((text) => ({ kind: "same", text }));
  return [
    ...same(a.slice(0, start)),
    ...shortest(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(end ? a.slice(-end) : []),
  ];
}

function shortest(a: string[], b: string[]): Edit[] {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  const offset = most + 1;
  const reach = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(reach.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (reach[offset + k - 1] ?? 0) < (reach[offset + k + 1] ?? 0));
      let x = down ? (reach[offset + k + 1] ?? 0) : (reach[offset + k - 1] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace, offset);
    }
  }
  return [
    ...a.map((text): Edit => ({ kind: "removed", text })),
    ...b.map((text): Edit => ({ kind: "added", text })),
  ];
}

function walkBack(a: string[], b: string[], trace: Int32Array[], offset: number): Edit[] {
  const edits: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const reach = trace[depth] as Int32Array;
    const k = x - y;
    const down = k === -depth || (k !== depth && (reach[offset + k - 1] ?? 0) < (reach[offset + k + 1] ?? 0));
    const fromK = down ? k + 1 : k - 1;
    const fromX = depth === 0 ? 0 : (reach[offset + fromK] ?? 0);
    const fromY = depth === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      x -= 1;
      y -= 1;
      edits.push({ kind: "same", text: a[x] as string });
    }
    if (depth === 0) break;
    if (down) edits.push({ kind: "added", text: b[(y -= 1)] as string });
    else edits.push({ kind: "removed", text: a[(x -= 1)] as string });
  }
  return edits.reverse();
}

/** Removed lines stand beside the added ones that took their place. */
function sideBySide(edits: Edit[]): DiffRow[] {
  const rows: DiffRow[] = [];
  let left = 0;
  let right = 0;
  for (let at = 0; at < edits.length; ) {
    if (edits[at]?.kind === "same") {
      const text = edits[at]?.text ?? "";
      rows.push({ left: text, right: text, leftNumber: ++left, rightNumber: ++right, kind: "same" });
      at += 1;
      continue;
    }
    const block: Edit[] = [];
    while (at < edits.length && edits[at]?.kind !== "same") block.push(edits[at++] as Edit);
    const removed = block.filter((edit) => edit.kind === "removed");
    const added = block.filter((edit) => edit.kind === "added");
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
      const [gone, came] = [removed[index], added[index]];
      rows.push({
        left: gone?.text ?? null,
        right: came?.text ?? null,
        leftNumber: gone ? ++left : null,
        rightNumber: came ? ++right : null,
        kind: gone && came ? "changed" : gone ? "removed" : "added",
      });
    }
  }
  return rows;
}
