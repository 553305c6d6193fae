import { describe, expect, test } from "vitest";
import { rowsOf, squares, startsOf, step } from "@/photos/layout";

const MONTHS = [{ month: "2026-05", count: 5 }, { month: "2026-04", count: 1 }, { month: "2025-12", count: 4 }];

test("months have a heading and rows, the last of which may be short", () => {
  expect(rowsOf(MONTHS, 3).map((row) => (row.kind === "head" ? row.month : `${row.from}-${row.to}`))).toEqual([
    "2026-05", "0-3", "3-5", "2026-04", "0-1", "2025-12", "0-3", "3-4",
  ]);
});

test("squares fill a row: at least two on the smallest phone, without scrolling sideways", () => {
  for (const width of [320, 360, 390, 768, 1280, 2560]) {
    const { perRow, side } = squares(width);
    expect(perRow).toBeGreaterThanOrEqual(2);
    expect(perRow * (side + 4) - 4).toBeLessThanOrEqual(width);
    expect(side).toBeGreaterThan(80);
  }
});

test("photos are counted on through the months that are loaded", () => {
  const loaded = new Map([["2026-05", [1, 2, 3]], ["2025-12", [4]]]);
  expect(Object.fromEntries(startsOf(MONTHS, loaded))).toEqual({ "2026-05": 0, "2026-04": 3, "2025-12": 3 });
});

describe("arrows up and down", () => {
  /*  0 1 2
      3 4
      5
      6 7 8
      9      */
  const sizes = [5, 1, 4];
  const down = (at: number) => at + step(sizes, at, 3, true);
  const up = (at: number) => at - step(sizes, at, 3, false);
  test("go to the photo below, or the last one of a shorter row, also into the next month", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 8, 9].map(down)).toEqual([3, 4, 4, 5, 5, 6, 9, 9, 9]);
  });
  test("go to the photo above, also into the month before", () => {
    expect([9, 8, 6, 5, 4, 3, 1, 0].map(up)).toEqual([6, 5, 5, 3, 1, 0, 1, 0]);
  });
  test("a month that is not loaded is passed over", () => {
    expect(2 + step([3, 0, 2], 2, 3, true)).toBe(4);
    expect(3 - step([3, 0, 2], 3, 3, false)).toBe(0);
  });
});
