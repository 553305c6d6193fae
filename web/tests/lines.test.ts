import { expect, test } from "vitest";
import { kindOf } from "@/lib/media";
import { extended, linesOf, textOfLines } from "@/viewer/lines";
import { viewedIn, withViewed } from "@/viewer/viewer-address";

test("lines are one or a range, in either order, and nothing else", () => {
  expect(linesOf("12")).toEqual({ first: 12, last: 12 });
  expect(linesOf("20-12")).toEqual({ first: 12, last: 20 });
  for (const wrong of ["", "0", "-3", "1-", "1e3", "12;alert(1)", "99999999999", null]) expect(linesOf(wrong), String(wrong)).toBeNull();
  expect(textOfLines({ first: 3, last: 3 })).toBe("3");
  expect(textOfLines(extended({ first: 8, last: 8 }, 3))).toBe("3-8");
});

test("an address with lines opens the file with them, and loses them with the file", () => {
  const href = withViewed("/files?sort=name", { fileId: "f1", lines: "4-6" });
  expect(viewedIn(new URLSearchParams(href.split("?")[1]))).toEqual({ fileId: "f1", version: undefined, lines: "4-6" });
  expect(withViewed(href, { fileId: "f2" })).toBe("/files?sort=name&view=f2");
});

test("a file whose ending is the name of a property of objects has no kind by it", () => {
  for (const name of ["a.constructor", "a.__proto__", "a.toString", "a.valueof"])
    expect(kindOf({ kind: "file", name, content_type: "text/plain" })).toBe("text");
  expect(kindOf({ kind: "file", name: "Dockerfile", content_type: null })).toBe("code");
});
