import { describe, expect, test } from "vitest";
import { diffLines } from "@/lib/diff";
import { duration, ending, size, when, who } from "@/lib/format";
import { isText, kindOf } from "@/lib/media";
import { containingHref, fileHref, fileIdOf, folderHref, folderIdOf, parentOf, pathAddressOf, pathHref } from "@/lib/places";
import { piecesOf } from "@/search/snippet";
import { nextName } from "@/uploads/jobs";
import { Rate } from "@/uploads/rate";
import { shown } from "@/admin/Health";
import { copyName } from "@/files/operations";
import { flawOf } from "@/files/NameDialog";
import { decode } from "@/viewer/text";
import { viewedIn, withViewed } from "@/viewer/viewer-address";
import type { FileItem } from "@/api/types";

describe("addresses", () => {
  test("of folders and files are by id; one's own root has a name", () => {
    expect(folderHref("me", "me")).toBe("/files");
    expect(folderIdOf(folderHref("f1", "me"))).toBe("f1");
    expect(fileIdOf(fileHref("x1"))).toBe("x1");
    expect([folderIdOf("/files"), folderIdOf("/folder/a/b"), fileIdOf("/settings/profile")]).toEqual([null, null, null]);
  });

  test("a file's folder is its parent, one's root, or what is shared", () => {
    const inside = { parent_id: "f1", owner_id: "me" } as FileItem;
    expect(containingHref(inside, "me")).toBe("/folder/f1");
    expect(containingHref({ ...inside, parent_id: "me" }, "me")).toBe("/files");
    expect(containingHref({ ...inside, parent_id: null, owner_id: "you" }, "me")).toBe("/shared");
  });

  test("by path, as earlier versions had them, are read with every name", () => {
    const path = "/plain/100% & más/a#b?c/日本/%2F/  ";
    expect(pathAddressOf(pathHref(path))).toEqual({ base: null, path });
    expect(pathAddressOf("/shared/0192/a%20b")).toEqual({ base: "0192", path: "/a b" });
    expect(pathAddressOf("/shared/0192")).toEqual({ base: "0192", path: "/" });
    expect(["/files", "/shared", "/settings/profile", "/files/%zz"].map(pathAddressOf)).toEqual([null, null, null, null]);
    expect([parentOf("/a/b"), parentOf("/a"), parentOf("/")]).toEqual(["/a", "/", "/"]);
  });

  test("hold the file that is open over the page", () => {
    const href = withViewed("/search?q=a%26b", { fileId: "x1", version: 3 });
    expect(viewedIn(new URLSearchParams(href.split("?")[1]))).toEqual({ fileId: "x1", version: 3 });
    expect(withViewed(href, null)).toBe("/search?q=a%26b");
    expect(viewedIn(new URLSearchParams("view=x&version=no"))).toEqual({ fileId: "x", version: undefined });
    expect(viewedIn(new URLSearchParams(""))).toBeNull();
  });
});

describe("what people read", () => {
  test("sizes in three digits, in steps of 1024", () => {
    expect(size(0)).toBe("0 bytes");
    expect(size(999)).toBe("999 bytes");
    expect(size(1536)).toBe("1.5 KB");
    expect(size(5 * 2 ** 30)).toBe("5 GB");
  });

  test("times: relative within a week", () => {
    const now = Date.parse("2026-03-10T12:00:00Z");
    expect(when("2026-03-10T11:59:40Z", now)).toBe("just now");
    expect(when("2026-03-10T11:55:00Z", now)).toBe("5 minutes ago");
    expect(when("2026-03-09T11:00:00Z", now)).toBe("yesterday");
    expect(when("2025-03-09T11:00:00Z", now)).toContain("2025");
    expect([duration(5), duration(65), duration(3660)]).toEqual(["5 s", "1 min 5 s", "1 h 1 min"]);
  });

  test("ends: of what goes by itself, or never", () => {
    const now = Date.parse("2026-03-10T12:00:00Z");
    expect([ending(null, now), ending("2026-03-10T11:00:00Z", now), ending("2026-03-13T12:00:00Z", now)]).toEqual([
      "Never", "Soon", "in 3 days",
    ]);
  });

  test("people: oneself, by name, and who is not known", () => {
    expect([who("1", "Ada", "1"), who("2", "Ada", "1"), who("2", null, "1")]).toEqual(["You", "Ada", "Someone else"]);
    expect([who("1", "Ada", "1", "object"), who("2", undefined, "1", "object")]).toEqual(["you", "someone else"]);
  });

  test("kinds by ending first, then by type", () => {
    expect(kindOf({ kind: "folder", name: "x.pdf", content_type: null })).toBe("folder");
    expect(kindOf({ kind: "file", name: "X.PDF", content_type: null })).toBe("pdf");
    expect(kindOf({ kind: "file", name: "photo", content_type: "image/png" })).toBe("image");
    expect(isText({ kind: "file", name: "a.csv", content_type: null })).toBe(true);
    expect(isText({ kind: "file", name: "a.bin", content_type: null })).toBe(false);
  });
});

describe("names", () => {
  test("the next one to try where a name is taken", () => {
    expect(nextName("a/photo.jpg")).toBe("a/photo (2).jpg");
    expect(nextName("photo (2).jpg")).toBe("photo (3).jpg");
    expect(nextName(".env")).toBe(".env (2)");
    expect(copyName({ name: "a.tar", kind: "file" }, 1)).toBe("a (copy).tar");
    expect(copyName({ name: "v1.2", kind: "folder" }, 2)).toBe("v1.2 (copy 2)");
  });

  test("another name for one that is as long as names may be is no longer", () => {
    const long = `${"日".repeat(83)}ab.txt`; // 255 bytes
    expect(flawOf(long)).toBeUndefined();
    expect(nextName(`a/${long}`)).toBe(`a/${"日".repeat(82)} (2).txt`);
    expect(flawOf(copyName({ name: long, kind: "file" }, 1))).toBeUndefined();
  });

  test("what no name may be is said while typing", () => {
    expect(flawOf("fine name")).toBeUndefined();
    for (const bad of ["..", "a/b", "a\u0007", "é".repeat(128)]) expect(flawOf(bad)).toBeTruthy();
  });
});

describe("diff", () => {
  const kinds = (a: string, b: string) => diffLines(a, b).map((row) => row.kind[0]).join("");

  test("removed lines stand beside those that took their place", () => {
    expect(kinds("a\nb\nc", "a\nB\nc")).toBe("scs");
    expect(kinds("a\nc", "a\nb\nc")).toBe("sas");
    expect(kinds("a\nb\nc", "a\nc")).toBe("srs");
    expect(kinds("same", "same")).toBe("s");
  });

  test("both sides are whole for texts of any kind", () => {
    let seed = 7;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    for (let round = 0; round < 200; round += 1) {
      const text = () => Array.from({ length: random() * 12 }, () => "abc"[Math.floor(random() * 3)]).join("\n");
      const [before, after] = [text(), text()];
      const rows = diffLines(before, after);
      const side = (name: "left" | "right") => rows.flatMap((row) => row[name] ?? []).join("\n");
      expect(side("left")).toBe(before);
      expect(side("right")).toBe(after);
    }
  });
});

describe("texts", () => {
  test("snippets are text with marked pieces, whatever they hold", () => {
    expect(piecesOf("a &lt;b&gt; <mark>hit</mark> &amp; more")).toEqual([
      { text: "a <b> ", marked: false },
      { text: "hit", marked: true },
      { text: " & more", marked: false },
    ]);
  });

  test("UTF-8, UTF-16 and Windows-1252 are read", () => {
    expect(decode(new TextEncoder().encode("Grüße"))).toBe("Grüße");
    expect(decode(new Uint8Array([0xff, 0xfe, 0x41, 0]))).toBe("A");
    expect(decode(new Uint8Array([0x47, 0xfc]))).toBe("Gü");
  });

  test("the rate is that of the last seconds", () => {
    const rate = new Rate(4000);
    rate.add(1000, 0);
    rate.add(1000, 10_000);
    rate.add(1000, 12_000);
    expect(rate.perSecond(12_000)).toBe(1000);
    expect(rate.perSecond(60_000)).toBe(0);
  });
});

test("figures of a service are told in words, not as JSON", () => {
  expect(shown({ waiting: 1200, by_topic: { files: 3 } })).toBe("waiting 1,200, by topic files 3");
  expect([shown(null), shown([]), shown([1, 2]), shown("ok")]).toEqual(["–", "–", "1, 2", "ok"]);
});
