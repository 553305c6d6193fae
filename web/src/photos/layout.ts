/** Where photos stand: months one below the other, each a heading and rows of squares. Pure functions. */

export interface Month {
  /** As `2026-05`. */
  month: string;
  count: number;
}

export type Row = { month: string; kind: "head" } | { month: string; kind: "photos"; from: number; to: number };

export const HEAD_PX = 48;
export const GAP_PX = 4;

/** Squares of a row, and the side of one, in pixels. */
export function squares(width: number): { perRow: number; side: number } {
  const wanted = width < 600 ? 110 : 168;
  const perRow = Math.max(2, Math.floor((width + GAP_PX) / (wanted + GAP_PX)));
  return { perRow, side: Math.floor((width + GAP_PX) / perRow) - GAP_PX };
}

export const rowsOf = (months: readonly Month[], perRow: number): Row[] =>
  months.flatMap(({ month, count }) => [
    { month, kind: "head" as const },
    ...Array.from({ length: Math.ceil(count / perRow) }, (_, row) => ({
      month,
      kind: "photos" as const,
      from: row * perRow,
      to: Math.min(count, (row + 1) * perRow),
    })),
  ]);

/** Where the photos that are loaded of each month begin among all that are. */
export function startsOf<T>(months: readonly Month[], loaded: ReadonlyMap<string, readonly T[]>): Map<string, number> {
  const starts = new Map<string, number>();
  let start = 0;
  for (const { month } of months) {
    starts.set(month, start);
    start += loaded.get(month)?.length ?? 0;
  }
  return starts;
}

/** From a photo to the one below or above it, in photos; a short row at a month's end is met at its last one. */
export function step(sizes: readonly number[], at: number, perRow: number, down: boolean): number {
  let start = 0;
  const index = sizes.findIndex((size) => at < start + size || ((start += size), false));
  const size = sizes[index] ?? 0;
  const place = at - start;
  const column = place % perRow;
  const row = Math.floor(place / perRow);
  if (down) {
    if (row < Math.floor((size - 1) / perRow)) return Math.min(perRow, size - 1 - place);
    const next = sizes.slice(index + 1).find((other) => other > 0);
    return next ? size - place + Math.min(column, next - 1) : 0;
  }
  if (row > 0) return perRow;
  const above = sizes.slice(0, Math.max(0, index)).findLast((other) => other > 0);
  if (!above) return 0;
  const first = Math.floor((above - 1) / perRow) * perRow;
  return place + above - Math.min(first + column, above - 1);
}
