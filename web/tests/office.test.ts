import { zipSync } from "fflate";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FORMATS, frameMessage, isTextOnly, linkedDocument, officeFormat, type Reason } from "@/lib/office";
import { repacked, unpack } from "@/office-frame/archive";
import { boundedBytes, LIMIT_MS, renderIn } from "@/viewer/office-frame";

const BOUNDS = { entries: 3, bytes: 10_000, xmlBytes: 5_000 };
const utf8 = (text: string) => new TextEncoder().encode(text);
const zipped = (parts: Record<string, string | Uint8Array>): ArrayBuffer =>
  zipSync(Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, typeof part === "string" ? utf8(part) : part])))
    .slice().buffer as ArrayBuffer;

/** Write a number of four bytes at a place of the first entry of the directory. */
function forged(bytes: ArrayBuffer, place: number, value: number): ArrayBuffer {
  const view = new DataView(bytes);
  const directory = view.getUint32(bytes.byteLength - 22 + 16, true);
  view.setUint32(directory + place, value, true);
  return bytes;
}

test("a document is unpacked, and packed again without compression", async () => {
  const parts = await unpack(zipped({ "a.xml": "<a/>".repeat(100), "b.bin": new Uint8Array(50) }), BOUNDS);
  expect([...parts.keys()]).toEqual(["a.xml", "b.bin"]);
  expect(repacked(parts).length).toBeGreaterThan(450);
  expect((await unpack(repacked(parts).buffer, BOUNDS)).get("a.xml")).toEqual(parts.get("a.xml"));
});

const SECRET = utf8("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a/>");

test.each<[string, () => ArrayBuffer, Reason]>([
  ["garbage", () => utf8("no document").buffer as ArrayBuffer, "damaged"],
  ["nothing", () => new ArrayBuffer(0), "damaged"],
  ["an offset beyond the end", () => forged(zipped({ "a.xml": "<a/>" }), 42, 1e9), "damaged"],
  ["a container of an older format", () => new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0]).buffer, "protected"],
  ["many entries", () => zipped({ a: "1", b: "2", c: "3", d: "4" }), "too_large"],
  ["a declared size", () => zipped({ a: new Uint8Array(10_001) }), "too_large"],
  ["declared sizes together", () => zipped({ a: new Uint8Array(6_000), b: new Uint8Array(6_000) }), "too_large"],
  ["an entry larger than declared", () => forged(zipped({ a: new Uint8Array(9_000_000) }), 24, 100), "too_large"],
  ["much XML", () => zipped({ "image.png": `<a>${"x".repeat(5_000)}</a>` }), "too_large"],
  ["entities", () => zipped({ "a.xml": SECRET }), "damaged"],
  ["entities in UTF-16", () => zipped({ a: new Uint8Array([...SECRET].flatMap((byte) => [byte, 0])) }), "damaged"],
])("%s is refused", async (_, make, reason) => {
  await expect(unpack(make(), BOUNDS)).rejects.toMatchObject({ reason });
});

test("only known messages of the frame count", () => {
  expect(frameMessage({ state: "ready", more: 1 })).toEqual({ state: "ready" });
  expect(frameMessage({ state: "failed", reason: "too_large" })).toEqual({ state: "failed", reason: "too_large" });
  expect(frameMessage({ state: "failed", reason: "<b>Log in at example.org</b>" })).toEqual({ state: "failed", reason: "damaged" });
  for (const other of [null, "ready", 1, {}, { state: "token" }, [{ state: "ready" }]]) expect(frameMessage(other)).toBeUndefined();
});

test("the frame of a public link fetches contents of links alone", () => {
  const address = "/l/a-B_9/download?file=01A&grant=12.x%3D";
  expect(linkedDocument(`#docx:${address}`)).toEqual({ format: "docx", address });
  const others = ["/v1/me", "//host/l/a/download", "/l/../download", "/l/a/download/../../v1/me", "https://host/l/a/download", "/l/a/download?x#y"];
  for (const other of others) expect(linkedDocument(`#docx:${other}`)).toBeUndefined();
  expect(linkedDocument(`#html:${address}`)).toBeUndefined();
});

test("formats are told by the ending of the name", () => {
  expect(["a.DOCX", "b.xlsx", "c.pptx", "d.doc", "e.docm", "f.Ppt", "docx"].map(officeFormat)).toEqual(["docx", "xlsx", "pptx", "doc", undefined, "ppt", undefined]);
});

test("of formats without layout it is said that there is only the text", () => {
  expect(FORMATS.filter(isTextOnly)).toEqual(["odt", "odp", "doc", "ppt", "rtf"]);
});

test("a body that is larger than allowed is not read to its end", async () => {
  let sent = 0;
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array((sent += 1) && 1_000)) });
  await expect(boundedBytes(new Response(endless), 5_000)).rejects.toMatchObject({ reason: "too_large" });
  expect(sent).toBeLessThan(10);
});

const inner = { postMessage: vi.fn() };
const frame = { contentWindow: inner } as unknown as HTMLIFrameElement;
const bytes = () => Promise.resolve(new ArrayBuffer(4));

async function say(data: unknown, from: { origin?: string; source?: unknown } = {}): Promise<void> {
  const event = new MessageEvent("message", { data });
  Object.defineProperties(event, { origin: { value: from.origin ?? "null" }, source: { value: from.source ?? inner } });
  dispatchEvent(event);
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  inner.postMessage.mockReset();
});

test("the bytes are sent once, to the frame that is ready", async () => {
  const shown = renderIn(frame, bytes(), new AbortController().signal);
  await say({ state: "ready" }, { source: window });
  await say({ state: "ready" }, { origin: location.origin });
  await say({ state: "rendered" });
  expect(inner.postMessage).not.toHaveBeenCalled();
  await say({ state: "ready" });
  await say({ state: "ready" });
  expect(inner.postMessage).toHaveBeenCalledTimes(1);
  await say({ state: "rendered" });
  await shown;
});

test.each<[string, unknown[], Reason]>([
  ["never loads", [], "not_loaded"],
  ["never ends", [{ state: "ready" }], "timed_out"],
  ["fails", [{ state: "ready" }, { state: "failed", reason: "protected" }], "protected"],
])("a frame that %s ends with a reason", async (_, messages, reason) => {
  const shown = expect(renderIn(frame, bytes(), new AbortController().signal)).rejects.toMatchObject({ reason });
  for (const message of messages) await say(message);
  await vi.advanceTimersByTimeAsync(LIMIT_MS);
  await shown;
});
