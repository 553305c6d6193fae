import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createElement } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import { uploadDropped } from "@/files/dragging";
import { dropped } from "@/uploads/dropped";
import { rememberedJobs } from "@/uploads/jobs";
import UploadPanel from "@/uploads/UploadPanel";
import { uploads } from "@/uploads/queue";
import { Toasts } from "@/ui/toasts";
import { add, begun, file, FOLDER, jobOf, type Json, remembered, serve, states, taken } from "./uploading";

beforeEach(async () => {
  localStorage.clear();
  await uploads.takeUp("me");
});
afterEach(() => uploads.forget());

describe("uploads", () => {
  test("a file that can't be read fails alone, those beside it arrive", async () => {
    serve(begun);
    const gone = file("gone.txt");
    gone.arrayBuffer = () => Promise.reject(new DOMException("it has changed", "NotReadableError"));
    add(file("a.txt"), gone, file("b.txt"));
    await waitFor(() => expect(states()).toEqual({ "a.txt": "done", "gone.txt": "failed", "b.txt": "done" }));
  });

  test("skipping all skips those too whose names turn out to be taken later", async () => {
    let tell = (_: Json): void => undefined;
    const later = new Promise<Json>((resolve) => (tell = resolve));
    const large = file("large.bin");
    Object.defineProperty(large, "size", { value: 9 << 20 });
    serve((name) => (name === "large.bin" ? later : taken));
    add(file("a.txt"), large);
    await waitFor(() => expect(states()["a.txt"]).toBe("taken"));
    uploads.answer(jobOf("a.txt"), "skip", true);
    expect(rememberedJobs("me").map(({ path }) => path)).toEqual(["large.bin"]);
    tell(taken);
    await waitFor(() => expect(states()).toEqual({ "a.txt": "skipped", "large.bin": "skipped" }));
  });

  test("one of a batch that is paused and continued at once is sent again when the batch is over, and only then", async () => {
    const sent: string[] = [];
    let arrive = (): void => undefined;
    const slow = new Promise<void>((resolve) => (arrive = resolve));
    serve(begun, (name) => (sent.push(name), slow));
    add(file("a.txt"), file("b.txt"));
    await waitFor(() => expect(sent).toEqual(["a.txt", "b.txt"]));
    const job = jobOf("a.txt");
    uploads.pause(job);
    uploads.resume(job);
    expect(sent).toHaveLength(2);
    arrive();
    await waitFor(() => expect(states()).toEqual({ "a.txt": "done", "b.txt": "done" }));
    expect(sent).toEqual(["a.txt", "b.txt", "a.txt"]);
  });

  test("one that is cancelled while it is begun leaves nothing reserved", async () => {
    let begin = (): void => undefined;
    const asked = new Promise<void>((resolve) => (begin = resolve));
    const calls = serve((name) => asked.then(() => begun(name)));
    add(file("a.txt"));
    await waitFor(() => expect(states()["a.txt"]).toBe("sending"));
    uploads.cancel(jobOf("a.txt"));
    begin();
    await waitFor(() => expect(calls).toContain("DELETE /v1/uploads/u-a.txt"));
  });

  test("what a log-out cuts off is remembered for whoever began it", async () => {
    const sent: string[] = [];
    serve(begun, (name) => (sent.push(name), new Promise(() => undefined)));
    add(file("a.txt"));
    await waitFor(() => expect(sent).toEqual(["a.txt"]));
    uploads.forget();
    await waitFor(() => expect(states()).toEqual({}));
    expect(remembered()).toEqual(["u-a.txt"]);
  });
});

test("a file whose name is a folder's can be kept beside it, not replace it", async () => {
  const folder = { problem: { status: 409, code: "name_taken", detail: "/report is a folder." } };
  serve((name) => (name === "report" ? folder : name === "a.txt" ? taken : begun(name)));
  add(file("report"), file("a.txt"));
  await waitFor(() => expect(states()).toEqual({ report: "taken", "a.txt": "taken" }));
  render(createElement(QueryClientProvider, { client: queryClient }, createElement(UploadPanel)));
  await screen.findByText(/has a folder of this name/);
  expect(screen.queryByRole("button", { name: "Replace" })).toBeNull();
  uploads.answer(jobOf("a.txt"), "replace", true);
  await waitFor(() => expect(jobOf("a.txt").onTaken).toBe("replace"));
  expect(jobOf("report").state).toBe("taken");
  await userEvent.click(screen.getByRole("button", { name: "Keep both" }));
  await waitFor(() => expect(states()["report (2)"]).toBe("done"));
});

test("clearing keeps what a reload cut off, and leaves nothing reserved for what failed", async () => {
  const calls = serve(begun, undefined, (call) =>
    call === "POST /v1/uploads/u-bad.txt/complete" ? new Response(JSON.stringify({ code: "too_bad" }), { status: 422 }) : undefined);
  const cut = { uploadId: "u-film.mp4", path: "film.mp4", source: "film.mp4", folder: FOLDER, size: 4, modified: 1 };
  localStorage.setItem("docstore.uploads.me", JSON.stringify([cut]));
  await uploads.takeUp("me");
  add(file("bad.txt"));
  await waitFor(() => expect(states()).toEqual({ "film.mp4": "needs-file", "bad.txt": "failed" }));
  add(file("good.txt"));
  await waitFor(() => expect(states()["good.txt"]).toBe("done"));
  uploads.clear();
  await waitFor(() => expect(states()).toEqual({ "film.mp4": "needs-file" }));
  expect(calls.filter((call) => call.startsWith("DELETE "))).toEqual(["DELETE /v1/uploads/u-bad.txt"]);
  expect(remembered()).toEqual(["u-film.mp4"]);
});

describe("uploads that a reload cut off", () => {
  const never = () => new Promise<void>(() => undefined);
  const chosen = () => new File(["film"], "film.mp4", { lastModified: 1_000 });

  /** Begins to upload the file, for `account`, and has the page forget all but what it remembers over a reload. */
  async function interrupt(account = "me"): Promise<void> {
    serve(begun, never);
    await uploads.takeUp(account);
    add(chosen());
    await waitFor(() => expect(remembered(account)).toEqual(["u-film.mp4"]));
    uploads.forget();
    await waitFor(() => expect(states()).toEqual({}));
  }

  test("one goes on when its file is added to its folder again", async () => {
    await interrupt();
    const calls = serve(begun);
    await uploads.takeUp("me");
    add(chosen());
    await waitFor(() => expect(states()).toEqual({ "film.mp4": "done" }));
    expect(calls).not.toContain("POST /v1/uploads");
  });

  test.each([
    ["another folder", "film.mp4", { id: "f2", name: "other" }],
    ["a folder below", "below/film.mp4", FOLDER],
  ])("the same file for %s is another upload", async (_, path, folder) => {
    await interrupt();
    serve(begun);
    await uploads.takeUp("me");
    uploads.add([{ file: chosen(), path }], folder);
    await waitFor(() => expect(uploads.snapshot().jobs.map((job) => job.state)).toEqual(["needs-file", "done"]));
  });

  test("one that was kept beside a file of its name takes the file that it was begun with", async () => {
    serve((name) => (name === "film.mp4" ? taken : begun(name)), never);
    add(chosen());
    await waitFor(() => expect(states()).toEqual({ "film.mp4": "taken" }));
    uploads.answer(jobOf("film.mp4"), "keep", false);
    await waitFor(() => expect(remembered()).toEqual(["u-film (2).mp4"]));
    uploads.forget();
    serve(begun);
    await uploads.takeUp("me");
    await waitFor(() => expect(states()).toEqual({ "film (2).mp4": "needs-file" }));
    expect(uploads.give(jobOf("film (2).mp4"), chosen())).toBe(true);
    await waitFor(() => expect(states()).toEqual({ "film (2).mp4": "done" }));
  });

  test("whoever logs in meanwhile neither sees them nor has them forgotten", async () => {
    await interrupt("ada");
    serve(begun, never);
    const looking = uploads.takeUp("ada");
    uploads.forget();
    await uploads.takeUp("bob");
    add(file("b.txt"));
    await looking;
    await waitFor(() => expect(states()).toEqual({ "b.txt": "sending" }));
    await waitFor(() => expect(remembered("bob")).toEqual(["u-b.txt"]));
    expect(remembered("ada")).toEqual(["u-film.mp4"]);
  });

  test("those that an outage keeps from being looked at are still remembered once others begin", async () => {
    await interrupt();
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    await uploads.takeUp("me");
    serve(begun, never);
    add(file("a.txt"));
    await waitFor(() => expect(remembered()).toEqual(["u-film.mp4", "u-a.txt"]));
  });

  test.each([
    ["not found", { code: "not_found" }, 404],
    ["completed", { ...begun("film.mp4"), state: "completed" }, 200],
  ])("those that are over are forgotten: %s", async (_, answer, status) => {
    await interrupt();
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify(answer), { status }));
    await uploads.takeUp("me");
    expect(rememberedJobs("me")).toEqual([]);
  });

  test.each(["expired", "aborted"])("one that is %s stays listed, and begins anew when its file is chosen again", async (state) => {
    await interrupt();
    const calls = serve(begun, undefined, (call) =>
      call === "GET /v1/uploads/u-film.mp4" ? new Response(JSON.stringify({ ...begun("film.mp4"), state })) : undefined);
    await uploads.takeUp("me");
    await waitFor(() => expect(states()).toEqual({ "film.mp4": "needs-file" }));
    expect(rememberedJobs("me").map(({ uploadId }) => uploadId)).toEqual([null]);
    add(chosen());
    await waitFor(() => expect(states()).toEqual({ "film.mp4": "done" }));
    expect(calls.filter((call) => !call.endsWith("/complete"))).toEqual(["GET /v1/uploads/u-film.mp4", "POST /v1/uploads"]);
  });
});

/** Entries as a drop has them; one without children can't be read. */
const entryOf = (name: string) => ({ isFile: true, name, file: (give: (one: File) => void) => give(file(name)) });
const failing = (_: unknown, refuse: (error: Error) => void) => refuse(new DOMException("no", "NotReadableError"));
const unreadableFile = (name: string) => ({ isFile: true, name, file: failing });
const folderOf = (name: string, ...pages: unknown[][]) => ({
  isFile: false,
  name,
  createReader: () => {
    const left = [...pages];
    return { readEntries: (give: (page: unknown) => void, refuse: (error: Error) => void) => {
      const page = left.shift();
      if (page) give(page);
      else failing(null, refuse);
    } };
  },
});
const dropOf = (...entries: unknown[]) =>
  ({ items: entries.map((entry) => ({ kind: "file", webkitGetAsEntry: () => entry })), files: [] }) as unknown as DataTransfer;

describe("drops", () => {
  test("what can't be read is named, and all beside it is found with its place", async () => {
    const cut = folderOf("cut", [entryOf("c.txt")]);
    const whole = folderOf("whole", [unreadableFile("bad.txt"), entryOf("b.txt")], []);
    const { found, unreadable } = await dropped(dropOf(entryOf("a.txt"), whole, cut));
    expect(found.map(({ path }) => path)).toEqual(["a.txt", "whole/b.txt", "cut/c.txt"]);
    expect(unreadable.map(({ name }) => name).sort()).toEqual(["bad.txt", "cut"]);
  });

  test("a folder of more files than a call has arguments is found whole", async () => {
    const one = new File([], "a");
    const many = Array.from({ length: 150_000 }, () => ({ isFile: true, name: "a", file: (give: (one: File) => void) => give(one) }));
    const { found, unreadable } = await dropped(dropOf(folderOf("outer", [folderOf("inner", many, [])], [])));
    expect([found.length, unreadable]).toEqual([150_000, []]);
  });

  test("a drop with an unreadable file uploads the others and says so", async () => {
    serve(begun);
    render(createElement(Toasts));
    await uploadDropped(dropOf(unreadableFile("bad.txt"), entryOf("a.txt")), FOLDER);
    await screen.findByText("Could not read “bad.txt”.");
    await waitFor(() => expect(states()).toEqual({ "a.txt": "done" }));
  });
});
