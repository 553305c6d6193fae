import { beforeEach, expect, test } from "vitest";
import { apply } from "@/api/live";
import { itemsOf, keys, queryClient } from "@/api/queries";
import type { Change, FileItem, Page } from "@/api/types";

const OPTIONS = { sort: "name", order: "asc" } as const;
const file = (id: string, parent = "root", name = id) =>
  ({ id, name, parent_id: parent, kind: "file", tags: [] }) as unknown as FileItem;
const change = (type: Change["type"], item: FileItem): Change => ({ seq: 1, type, file: item });

function shown(): string {
  const data = queryClient.getQueryData<{ pages: { items: FileItem[] }[] }>(keys.list("root", OPTIONS));
  return (data?.pages ?? []).flatMap((page) => page.items.map((item) => item.name)).join(" ");
}

beforeEach(() => {
  queryClient.clear();
  const pages = ["a", "b", "c"].map((id) => ({ items: [file(id)], next_cursor: id }));
  queryClient.setQueryData(keys.list("root", OPTIONS), { pages, pageParams: ["", "", ""] });
});

test("a long list is patched in place: renamed, gone, moved away, new", () => {
  apply([change("moved", file("b", "root", "B"))]);
  expect(shown()).toBe("a B c");
  apply([change("deleted", file("a"))]);
  expect(shown()).toBe("B c");
  apply([change("moved", file("c", "elsewhere"))]);
  expect(shown()).toBe("B");
  apply([change("created", file("d"))]);
  expect(shown()).toBe("d B");
});

test("what is shared with the account is listed again when its owner changes it", () => {
  queryClient.setQueryData(keys.shared, {});
  apply([change("moved", file("x", "elsewhere"))]);
  expect(queryClient.getQueryState(keys.shared)?.isInvalidated).toBe(false);
  apply([change("moved", { ...file("theirs"), parent_id: null })]);
  expect(queryClient.getQueryState(keys.shared)?.isInvalidated).toBe(true);
});

test("changes elsewhere leave it alone", () => {
  apply([change("created", file("x", "elsewhere"))]);
  expect(shown()).toBe("a b c");
});

test("what is new and not of the type that is listed stays out, and what is no more of it goes", () => {
  const ofType = (id: string, type: string) => ({ ...file(id), content_type: type });
  const options = { ...OPTIONS, type: "image/*" };
  const pages = ["a", "b", "c"].map((id) => ({ items: [ofType(id, "image/png")], next_cursor: id }));
  queryClient.setQueryData(keys.list("root", options), { pages, pageParams: ["", "", ""] });
  apply([
    change("created", ofType("pdf", "application/pdf")),
    change("created", ofType("jpg", "image/jpeg")),
    change("modified", ofType("b", "text/plain")),
  ]);
  const data = queryClient.getQueryData<{ pages: { items: FileItem[] }[] }>(keys.list("root", options));
  expect(itemsOf(data?.pages as Page<FileItem>[]).map(({ id }) => id)).toEqual(["jpg", "a", "c"]);
});

test("what came by an event is shown once when its own page comes, too, and as that has it", () => {
  apply([change("created", file("z"))]);
  const data = queryClient.getQueryData<{ pages: Page<FileItem>[] }>(keys.list("root", OPTIONS));
  const pages = [...(data?.pages ?? []), { items: [file("z", "root", "Z")], next_cursor: null }];
  expect(itemsOf(pages).map(({ name }) => name)).toEqual(["Z", "a", "b", "c"]);
});
