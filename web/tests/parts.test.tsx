import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Suspense } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { App } from "@/app";
import { openDialog } from "@/files/dialogs";
import { navigate } from "@/lib/router";
import { ErrorBoundary } from "@/ui/boundary";
import { part } from "@/ui/part";
import { uploads } from "@/uploads/queue";

const absent = vi.hoisted(() => () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});
vi.mock("@/sharing/ShareDialog", absent);
vi.mock("@/search/SearchPage", absent);
vi.mock("@/notices/NoticeCentre", absent);
vi.mock("@/uploads/UploadPanel", absent);

const AT = "2026-01-01T00:00:00Z";
const ROOT = {
  id: "me", kind: "folder", name: "", path: "/", parent_id: null, tags: [], metadata: {}, size: 0, version: 1, created_at: AT,
  modified_at: AT, owner_id: "me", permission: "owner",
};
const ME = { id: "me", email: "ada@example.com", display_name: "Ada", plan: "free", role: "user", usage: { used: 1, limit: 9 } };
const ANSWERS: Record<string, unknown> = {
  "/web/session": { csrf_token: "t", renewable: true },
  "/v1/me": ME,
  "/v1/files/by-path": ROOT,
  "/v1/notifications": { items: [], unread: 0 },
};

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React tells of every error
  queryClient.clear();
  openDialog(null);
  navigate("/files");
  vi.stubGlobal("EventSource", class extends EventTarget { close = () => undefined; });
  vi.stubGlobal("fetch", async (path: string) =>
    new Response(JSON.stringify(ANSWERS[path.split("?")[0] ?? ""] ?? { items: [], next_cursor: null })));
});

afterEach(() => {
  act(() => screen.queryAllByRole("button", { name: "Dismiss" }).forEach((button) => button.click()));
  uploads.forget();
});

async function open(): Promise<void> {
  render(<QueryClientProvider client={queryClient}><App /></QueryClientProvider>);
  await screen.findByText("This folder is empty");
}

test.each([
  ["a dialog", () => openDialog({ kind: "share", file: ROOT as unknown as FileItem })],
  ["the notifications", () => screen.getByRole("button", { name: "Notifications" }).click()],
  ["the upload panel", () => uploads.add([{ file: new File(["a"], "a"), path: "a" }], { id: "me", name: "" })],
])("%s that can't be loaded leaves the rest of the page, and offers to reload it", async (_, show) => {
  await open();
  act(show);
  await screen.findByRole("button", { name: "Reload the page" });
  expect(screen.queryByText("This folder is empty")).not.toBeNull();
});

test("a page that can't be loaded keeps no one from the next one", async () => {
  await open();
  act(() => navigate("/search?q=a"));
  await screen.findByRole("button", { name: "Reload the page" });
  act(() => navigate("/files"));
  await screen.findByText("This folder is empty");
});

test("what could not be loaded once is loaded when it is tried again", async () => {
  const load = vi.fn(async () => ({ default: () => <p>There it is</p> }));
  load.mockRejectedValueOnce(new TypeError("no network"));
  const Part = part(load);
  render(<ErrorBoundary><Suspense><Part /></Suspense></ErrorBoundary>);
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await screen.findByText("There it is");
  expect(load).toHaveBeenCalledTimes(2);
});
