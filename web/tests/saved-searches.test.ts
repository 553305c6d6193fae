/** A saved search and the address of the search page say the same. */
import { expect, test } from "vitest";
import type { SavedSearch } from "@/api/types";
import { addressOf, filtersOf } from "@/search/saved";

const filters: SavedSearch["filters"] = {
  in: "content",
  tag: ["tax", "2026"],
  type: "pdf",
  kind: "file",
  owner: "ann",
  metadata: { author: "Ada" },
  modified_within_days: 7,
  created_before: "2026-05-01T00:00:00.000Z",
};

test("every filter survives the way to the address and back", () => {
  const address = addressOf({ id: "1", name: "n", q: "report & more", filters, created_at: "", modified_at: "" });
  const query = new URLSearchParams(address.split("?")[1]);
  expect(query.get("q")).toBe("report & more");
  expect(filtersOf(query, true)).toEqual(filters);
});
