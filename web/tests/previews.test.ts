import { QueryClientProvider } from "@tanstack/react-query";
import { renderHook } from "@testing-library/react";
import { createElement } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { queryClient, useList } from "@/api/queries";
import { isPreviewed } from "@/lib/media";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("a folder is read again while previews of its files are to come", () => {
  let preview = false;
  let reads = 0;

  /** How often a folder with two such files is read until `MINUTE`, and after it. */
  async function readsOf(file: object): Promise<[first: number, after: number]> {
    reads = 0;
    const item = { id: Math.random(), kind: "file", version: 1, size: 1, name: "a.png", content_type: "image/png", ...file };
    vi.stubGlobal("fetch", async () => {
      reads += 1;
      return new Response(JSON.stringify({ items: [item, { ...item, id: -item.id }].map((each) => ({ ...each, preview })), next_cursor: null }));
    });
    const wrapper = ({ children }: { children?: unknown }) =>
      createElement(QueryClientProvider, { client: queryClient }, children as never);
    const { unmount } = renderHook(() => useList("d1", { sort: "name", order: "asc" }), { wrapper });
    await vi.advanceTimersByTimeAsync(MINUTE + 5_000);
    const first = reads;
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    unmount();
    return [first, reads - first];
  }

  const at = (fromNow: number) => ({ modified_at: new Date(Date.now() + fromNow).toISOString() });

  beforeEach(() => {
    preview = false;
    queryClient.clear();
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  test.each([["right", 0], ["slow", HOUR], ["fast", -HOUR]])("for a minute, by a clock that is %s", async (_, wrong) => {
    const [first, after] = await readsOf(at(wrong));
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThanOrEqual(32);
    expect(after).toBe(0);
  });

  test("not for what has come long ago, has its preview, or never gets one", async () => {
    expect(await readsOf(at(-48 * HOUR))).toEqual([1, 0]);
    queryClient.clear();
    expect(await readsOf({ ...at(0), name: "a.txt", content_type: "text/plain" })).toEqual([1, 0]);
    queryClient.clear();
    preview = true;
    expect(await readsOf(at(0))).toEqual([1, 0]);
  });
});

test("previews are made of the types that media has: by what is declared, and by the name where that says nothing", () => {
  const is = (name: string, content_type: string | null, size = 1) => isPreviewed({ kind: "file", name, content_type, size });
  for (const [name, type] of [["a", "image/JPEG; q=1"], ["a.PDF", null], ["b.tif", "application/octet-stream"], ["c", "application/pdf"], ["a.heic", "image/heic"], ["a.svg", null]] as const)
    expect(is(name, type), name).toBe(true);
  for (const [name, type] of [["a.svg", "text/html"], ["a.svgz", null], ["a.png", "text/plain"], ["a.psd", "image/vnd.adobe.photoshop"]] as const)
    expect(is(name, type), name).toBe(false);
  expect(is("a.png", "image/png", 0)).toBe(false);
  expect(isPreviewed({ kind: "folder", name: "a.png", content_type: null, size: 1 })).toBe(false);
});
