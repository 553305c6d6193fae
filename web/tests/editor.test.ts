import { beforeEach, describe, expect, test, vi } from "vitest";
import type { FileItem } from "@/api/types";
import { Draft, type DraftState, leftBehind, SAVED_AFTER_MS } from "@/editor/draft";
import { textOf } from "@/editor/saving";

const FILE = { id: "f1", name: "plan.md", version: 3, content_type: "text/markdown", parent_id: "p" } as FileItem;
const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer;

/** A server that makes versions of one file; others may make some, too. */
function serve() {
  const server = { version: 3, text: "", down: false, wishes: [] as Record<string, unknown>[] };
  const json = (body: object, status = 200) => new Response(JSON.stringify(body), { status });
  let body = "";
  vi.stubGlobal("fetch", async (path: string, { body: sent }: RequestInit = {}) => {
    if (server.down) return json({ code: "forbidden", detail: "You may no longer change this file." }, 403);
    if (path === "/v1/uploads") {
      const wish = JSON.parse(String(sent)) as Record<string, unknown>;
      server.wishes.push(wish);
      return json({ id: "u1", put: { url: "https://store/1", headers: {} } }, 201);
    }
    const { base_version, on_conflict } = server.wishes.at(-1) ?? {};
    if (base_version !== server.version && on_conflict === "fail") return json({ code: "version_conflict", detail: "" }, 409);
    if (base_version !== server.version) return json({ ...FILE, id: "copy", version: 1 });
    server.text = body;
    server.version += 1;
    return json({ ...FILE, version: server.version });
  });
  vi.stubGlobal("XMLHttpRequest", class {
    upload = {};
    status = 200;
    onload?: () => void;
    onloadend?: () => void;
    open() {}
    setRequestHeader() {}
    send(blob: Blob) {
      void blob.text().then((text) => {
        body = text;
        this.onload?.();
        this.onloadend?.();
      });
    }
  });
  return server;
}

function edit(text = "old\n") {
  const states: DraftState[] = [];
  const content = textOf(bytes(text)) ?? { text: "", lineEnd: "\n" as const, byteOrderMark: false };
  return { states, draft: new Draft(FILE, content, FILE.version, (state) => states.push(state), () => undefined) };
}

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  return () => vi.useRealTimers();
});

describe("a text that is edited", () => {
  test("is saved soon after the last key, as the version after the one that was read", async () => {
    const server = serve();
    const { draft, states } = edit();
    draft.edit("n");
    vi.advanceTimersByTime(SAVED_AFTER_MS - 1);
    draft.edit("new\n");
    expect(leftBehind(FILE)).toEqual({ text: "new\n", base: 3 });
    vi.advanceTimersByTime(SAVED_AFTER_MS);
    await vi.waitFor(() => expect(draft.state).toBe("saved"));
    expect(server).toMatchObject({ version: 4, text: "new\n", wishes: [{ file_id: "f1", base_version: 3, on_conflict: "fail" }] });
    expect(states).toEqual(["unsaved", "unsaved", "saving", "saved"]);
    expect(leftBehind(FILE)).toBeUndefined();
    draft.edit("newer\n");
    await draft.save();
    expect(server).toMatchObject({ version: 5, text: "newer\n" });
  });

  test("keeps its line ends and its byte order mark", async () => {
    const server = serve();
    const { draft } = edit("\ufeffone\r\ntwo\r\n");
    expect(draft.text).toBe("one\ntwo\n");
    draft.edit("one\nthree\n");
    await draft.save();
    expect(server.text).toBe("\ufeffone\r\nthree\r\n");
    expect(textOf(new Uint8Array([0xfc, 0x62]).buffer)).toBeUndefined();
  });

  test("is not saved over what someone else has made meanwhile, unless that is chosen", async () => {
    const server = serve();
    const { draft } = edit();
    server.version = 4;
    draft.edit("mine");
    await draft.save();
    expect([draft.state, server.version]).toEqual(["conflict", 4]);
    draft.edit("mine, and more");
    vi.advanceTimersByTime(SAVED_AFTER_MS);
    expect([draft.state, leftBehind(FILE)?.text]).toEqual(["conflict", "mine, and more"]);
    await draft.resolve("overwrite", 4);
    expect([draft.state, server.version, server.text]).toEqual(["saved", 5, "mine, and more"]);
  });

  test("is kept beside the other's version, or given up", async () => {
    const server = serve();
    const { draft } = edit();
    server.version = 4;
    draft.edit("mine");
    await draft.save();
    await draft.resolve("copy", 0);
    expect([draft.state, server.version, server.wishes.at(-1)?.on_conflict]).toEqual(["saved", 4, "copy"]);
    const { draft: other } = edit();
    other.edit("never mind");
    other.discard();
    expect([other.state, leftBehind(FILE)]).toEqual(["saved", undefined]);
  });

  test("is saved where the page came by http, too, where browsers make no UUIDs", async () => {
    const server = serve();
    const whole = crypto;
    vi.stubGlobal("crypto", { getRandomValues: whole.getRandomValues.bind(whole) });
    const { draft } = edit();
    draft.edit("new");
    await draft.save();
    vi.stubGlobal("crypto", whole);
    expect([draft.state, server.text]).toEqual(["saved", "new"]);
  });

  test("stays in the browser where it can't be saved, with the reason", async () => {
    const server = serve();
    server.down = true;
    const { draft } = edit();
    draft.edit("kept");
    await draft.save();
    expect([draft.state, draft.why]).toEqual(["failed", "You may no longer change this file."]);
    expect(leftBehind(FILE)).toEqual({ text: "kept", base: 3 });
    server.down = false;
    await draft.save();
    expect([draft.state, server.text]).toEqual(["saved", "kept"]);
  });
});
