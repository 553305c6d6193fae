import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { keys, queryClient } from "@/api/queries";
import type { FileItem, FileVersion } from "@/api/types";
import CompareDialog from "@/details/CompareDialog";
import { mediaFacts } from "@/details/media-facts";
import { choicesFor } from "@/files/actions";
import { CardPicture } from "@/files/FileGrid";
import { LargePreview, Thumbnail } from "@/ui/preview";
import Viewer from "@/viewer/Viewer";

vi.mock("pdfjs-dist", () => {
  const document = { numPages: 1, getPage: () => Promise.reject(new Error("no such object")) };
  return { GlobalWorkerOptions: {}, getDocument: () => ({ promise: Promise.resolve(document), destroy: vi.fn() }), version: "5" };
});

const show = (page: ReactElement) => render(<QueryClientProvider client={queryClient}>{page}</QueryClientProvider>);
const file = (name: string, version = 1) => ({ id: "x", kind: "file", name, version, size: 3 }) as unknown as FileItem;

/** The viewer over a page that knows the file. */
function open(shown: FileItem) {
  queryClient.setQueryData(keys.file(shown.id), shown);
  return show(<Viewer fileId={shown.id} />);
}

const readable = () => new Response(JSON.stringify({ state: "available" }));

/** The bytes of each version, none in cold storage; the last is the current one. */
function serve(...versions: string[]): void {
  vi.stubGlobal("fetch", async (path: string) => {
    if (path.includes("/retrieval")) return readable();
    const number = new URLSearchParams(path.split("?")[1]).get("version");
    return new Response(versions.at(number ? Number(number) - 1 : -1));
  });
}

beforeEach(() => queryClient.clear());

test("a list that does not know of a new version yet has the one shown that it knows", async () => {
  serve("FIRST", "SECOND");
  open(file("a.txt"));
  const shown = () => document.querySelector(".code-view")?.shadowRoot?.textContent;
  await waitFor(() => expect(shown()).toContain("FIRST"));
});

describe("a new version of a picture has an address of its own", () => {
  test("in the viewer", () => {
    const sourceOf = (version: number) => {
      const { unmount } = open(file("a.png", version));
      const source = screen.getByRole("img", { name: "a.png" }).getAttribute("src");
      unmount();
      return source;
    };
    expect(sourceOf(1)).not.toBe(sourceOf(2));
  });

  test.each([null, {}])("on its card, with preview %o", (preview) => {
    const sourceOf = (version: number) => {
      const { container, unmount } = show(<CardPicture file={{ ...file("a.png", version), preview } as FileItem} />);
      const source = container.querySelector("img")?.getAttribute("src");
      unmount();
      return source;
    };
    expect([sourceOf(1), sourceOf(1) === sourceOf(2)]).toEqual([expect.stringContaining("/v1/files/x/"), false]);
  });
});

describe("a file with a preview", () => {
  const pictured = (version: number) => ({ ...file("a.pdf", version), preview: true }) as FileItem;

  test("shows it in lists, when it comes into sight and in a box of its own size", () => {
    const { container } = show(<Thumbnail file={pictured(3)} size={24} />);
    const picture = container.querySelector("img");
    expect(picture?.getAttribute("src")).toBe("/v1/files/x/preview?size=small&v=3");
    expect(["loading", "width", "height"].map((name) => picture?.getAttribute(name))).toEqual(["lazy", "24", "24"]);
  });

  test("has its icon where the picture does not come, and the next version's picture again", () => {
    const { container, rerender } = render(<Thumbnail file={pictured(1)} />);
    fireEvent.error(container.querySelector("img") as HTMLImageElement);
    expect(container.querySelector("img")).toBeNull();
    expect(container.querySelector("svg")).not.toBeNull();
    rerender(<Thumbnail file={pictured(2)} />);
    expect(container.querySelector("img")).not.toBeNull();
  });

  test("shows all of it in the details; one without shows nothing there", () => {
    const { container, rerender } = render(<LargePreview file={pictured(1)} />);
    expect(screen.getByRole("img", { name: "Preview of a.pdf" }).getAttribute("src")).toContain("size=large");
    rerender(<LargePreview file={file("a.pdf")} />);
    expect(container.innerHTML).toBe("");
  });
});

describe("two versions compared", () => {
  const beginning = "the same line\n".repeat(150_000); // 2.1 MB
  const version = (number: number) => ({ version: number, created_at: "2026-01-01T00:00:00Z" }) as unknown as FileVersion;
  const compare = () =>
    show(<CompareDialog file={file("a.log", 2)} older={version(1)} newer={version(2)} onClose={() => undefined} />);

  test("are not called the same where only their beginning was compared", async () => {
    serve(`${beginning}OLD`, `${beginning}NEW`);
    compare();
    await screen.findByText(/^Only the beginning was compared/);
    expect(screen.queryByText("Both versions are the same.")).toBeNull();
  });

  test("are called the same where they are", async () => {
    serve("the same", "the same");
    compare();
    await screen.findByText("Both versions are the same.");
    expect(screen.queryByText(/^Only the beginning/)).toBeNull();
  });
});

test("a photo that this browser does not know is shown as the server renders it", async () => {
  serve();
  open({ ...file("a.heic"), preview: true } as FileItem);
  const sources: (string | null)[] = [];
  await waitFor(() => {
    const picture = screen.getByRole("img", { name: "a.heic" });
    const source = picture.getAttribute("src");
    if (source !== sources.at(-1)) sources.push(source);
    fireEvent.error(picture);
    expect(source).toContain("size=large");
  });
  expect(sources.slice(-2)).toEqual(["/v1/files/x/preview?width=4096&height=4096&v=1", "/v1/files/x/preview?size=large&v=1"]);
});

test("a video that this browser does not know is converted, with progress", async () => {
  const answers = [
    new Response(JSON.stringify({ progress: 0.42 }), { status: 503 }),
    { type: "opaqueredirect", status: 0 } as Response,
  ];
  vi.stubGlobal("fetch", async (path: string) => (path.includes("kind=rendition") ? answers.shift() : readable()));
  open({ ...file("a.avi"), preview: true } as FileItem);
  await waitFor(() => {
    const video = document.querySelector("video");
    if (video) fireEvent.error(video);
    expect(screen.getByText(/42%/)).toBeTruthy();
  });
  await waitFor(() => expect(document.querySelector("video")?.getAttribute("src")).toContain("kind=rendition"), { timeout: 30_000 });
});

test("details of a photo name what is known, and why there is no preview", () => {
  const nothing = {
    version: 1, state: "ready", reason: "", kind: "image", width: null, height: null, seconds: null, pages: null, taken_at: null, camera: null,
    orientation: null, latitude: null, longitude: null,
  } as const;
  const photo = { ...nothing, width: 48, height: 96, camera: "Canary One", latitude: 48.1, longitude: -11.5 };
  expect(mediaFacts(photo)).toEqual([["Dimensions", "48 × 96"], ["Camera", "Canary One"], ["Location", "48.1, -11.5"]]);
  expect(mediaFacts({ ...nothing, seconds: 3725.4, kind: "video" })).toEqual([["Length", "1:02:05"]]);
  expect(mediaFacts({ ...nothing, seconds: 59.6, kind: "video" })).toEqual([["Length", "1:00"]]);
  expect(mediaFacts({ ...nothing, pages: 3, kind: "pdf" })).toEqual([["Pages", "3"]]);
  expect(mediaFacts({ ...nothing, state: "failed", reason: "encrypted" })).toEqual([["Preview", "The file needs a password"]]);
  expect(mediaFacts({ ...nothing, state: "failed", reason: "new" })).toEqual([["Preview", "This file can’t be shown"]]);
});

test("a page of a PDF that can't be drawn says so", async () => {
  serve("%PDF");
  open(file("a.pdf"));
  await screen.findByText("Page 1 could not be drawn: no such object");
});

describe("a file shared with a watermark", () => {
  const marked = (name: string) => ({ ...file(name), preview: true, watermark: "for Grace", permission: "viewer" }) as FileItem;
  const serveMedia = (pages: number | null) => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (path: string) => {
      asked.push(path);
      return new Response(JSON.stringify({ pages }), { headers: { "content-type": "application/json" } });
    });
    return asked;
  };

  test("is shown as a picture of ours, without a download, and why", async () => {
    const asked = serveMedia(null);
    open(marked("a.png"));
    const source = (await screen.findByRole("img", { name: "a.png" })).getAttribute("src");
    expect(source).toContain("/v1/files/x/preview?");
    expect(source).toContain("watermark=for%20Grace");
    expect(screen.queryByRole("button", { name: "Download" })).toBeNull();
    expect(screen.getByText("Shared with a watermark: no download")).toBeTruthy();
    expect(asked.some((path) => path.includes("/content"))).toBe(false);
  });

  test("is shown page by page", async () => {
    serveMedia(3);
    open(marked("a.pdf"));
    expect((await screen.findByRole("img", { name: "Page 3" })).getAttribute("src")).toContain("page=3");
  });

  test("and without a preview is not shown at all", () => {
    open({ ...marked("a.txt"), preview: false } as FileItem);
    expect(screen.getByText(/Ask its owner for access/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Download" })).toBeNull();
  });

  test("and an Office document without one is, too, but can be downloaded", async () => {
    serveMedia(2);
    open({ ...marked("a.docx"), watermark: null } as FileItem);
    expect((await screen.findByRole("img", { name: "Page 2" })).getAttribute("src")).toContain("page=2");
    expect(screen.getByRole("button", { name: "Download" })).toBeTruthy();
  });

  test("can be neither downloaded nor copied", () => {
    const offered = choicesFor([marked("a.png"), { ...file("b.png"), permission: "owner" } as FileItem], []).map(({ id }) => id);
    expect(offered).not.toContain("download");
    expect(offered).not.toContain("copy");
  });
});
