import { describe, expect, test } from "vitest";
import { adjust, moveTo, NOTHING, select, selectAll, typeAhead } from "@/files/selection";

const IDS = ["a", "b", "c", "d", "e"];
const names = (ids: ReadonlySet<string>) => [...ids].sort().join("");

describe("selection", () => {
  test("a click selects one row alone, and with Ctrl adds and takes away", () => {
    const one = select(NOTHING, IDS, 1);
    expect(names(one.selected)).toBe("b");
    const two = select(one, IDS, 3, { toggle: true });
    expect(names(two.selected)).toBe("bd");
    expect(names(select(two, IDS, 1, { toggle: true }).selected)).toBe("d");
    expect(names(select(two, IDS, 0).selected)).toBe("a");
  });

  test("a range goes from where it began, up and down", () => {
    const start = select(NOTHING, IDS, 2);
    expect(names(select(start, IDS, 4, { range: true }).selected)).toBe("cde");
    const up = select(select(start, IDS, 4, { range: true }), IDS, 0, { range: true });
    expect(names(up.selected)).toBe("abc");
    expect(up.anchor).toBe(2);
  });

  test("keys stay within the list, extend with Shift, and move without selecting with Ctrl", () => {
    const first = moveTo(NOTHING, IDS, -5);
    expect(first.focus).toBe(0);
    const last = moveTo(first, IDS, 99);
    expect([last.focus, names(last.selected)]).toEqual([4, "e"]);
    expect(names(moveTo(first, IDS, 2, { range: true }).selected)).toBe("abc");
    const moved = moveTo(first, IDS, 3, { toggle: true });
    expect([moved.focus, names(moved.selected)]).toEqual([3, "a"]);
    expect(moveTo(first, [], 0)).toBe(NOTHING);
  });

  test("what is gone from the list is not selected, and the focus stays on its row", () => {
    const all = { ...selectAll(NOTHING, IDS), focus: 3, anchor: 3 };
    const after = adjust(all, IDS, ["x", "a", "d"]);
    expect(names(after.selected)).toBe("ad");
    expect(after.focus).toBe(2);
    expect(adjust(all, IDS, []).focus).toBe(-1);
  });

  test("typing finds the next name that begins so, round the end", () => {
    const found = ["Apple", "banana", "beta", "cherry"];
    expect(typeAhead(found, 0, "b")).toBe(1);
    expect(typeAhead(found, 1, "b")).toBe(2);
    expect(typeAhead(found, 1, "be")).toBe(2);
    expect(typeAhead(found, 3, "a")).toBe(0);
    expect(typeAhead(found, 0, "z")).toBe(-1);
  });
});
