import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { keys, queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { Following } from "@/details/Following";
import FollowDialog from "@/following/FollowDialog";
import { PushSection } from "@/settings/PushSection";
import { renew } from "@/settings/push";
import { Toasts } from "@/ui/toasts";

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const JSON_OF_BROWSER = { endpoint: "https://push.example/1", keys: { p256dh: "point", auth: "secret" } };

/** A server with these browsers; what it was sent. */
function serve(items: object[], refusal?: Response): [string, unknown][] {
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
    if (method !== "GET") sent.push([`${method} ${path}`, body ? JSON.parse(String(body)) : undefined]);
    if (path === "/v1/push-key") return refusal ?? json({ key: "server-key" });
    return json(method === "GET" ? { items, next_cursor: null } : {});
  });
  return sent;
}

/** A browser whose person answers the question for permission. */
function browser(permission: NotificationPermission) {
  const subscribe = vi.fn(async () => ({ toJSON: () => JSON_OF_BROWSER }));
  const registration = { pushManager: { subscribe, getSubscription: async () => null } };
  const register = vi.fn(async () => registration);
  const serviceWorker = { register, ready: Promise.resolve(registration), getRegistration: async () => registration, addEventListener: vi.fn() };
  vi.stubGlobal("navigator", { ...navigator, serviceWorker });
  vi.stubGlobal("PushManager", class {});
  vi.stubGlobal("Notification", { permission, requestPermission: vi.fn(async () => permission) });
  return { subscribe, register };
}

const show = () => render(<QueryClientProvider client={queryClient}><PushSection /><Toasts /></QueryClientProvider>);

beforeEach(() => {
  localStorage.clear();
  queryClient.clear();
  queryClient.setQueryData(keys.me, { id: "me", usage: {} });
});

describe("push notifications", () => {
  test("are turned on by a click, with the server's key, and again after the next log-in", async () => {
    const sent = serve([]);
    const { subscribe, register } = browser("granted");
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Turn on in this browser" }));
    await waitFor(() => expect(sent).toEqual([["POST /v1/push-subscriptions", JSON_OF_BROWSER]]));
    expect(subscribe).toHaveBeenCalledWith({ userVisibleOnly: true, applicationServerKey: "server-key" });
    expect(register).toHaveBeenCalledWith("/worker.js");
    await renew("someone else");
    expect(sent).toHaveLength(1);
    await renew("me");
    expect(sent).toHaveLength(2);
  });

  test("that the person denies are not registered, and the page says what to do", async () => {
    const sent = serve([]);
    browser("denied");
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Turn on in this browser" }));
    await screen.findByText(/browser blocks notifications/);
    expect(sent).toEqual([]);
  });

  test("that do not work on this server are refused with the reason", async () => {
    serve([], json({ status: 409, code: "channel_unavailable", detail: "Push is not set up here." }, 409));
    browser("granted");
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Turn on in this browser" }));
    await screen.findByText("Push is not set up here.");
  });

  test("are turned on here by following a file, unless another browser has them", async () => {
    const file = { id: "f1", kind: "file" } as FileItem;
    browser("granted");
    for (const items of [[], [{ id: "b2" }]]) {
      const sent = serve(items);
      const shown = render(<QueryClientProvider client={queryClient}><Following file={file} /></QueryClientProvider>);
      await userEvent.click(await screen.findByRole("button", { name: "Push" }));
      await waitFor(() => expect(sent.at(-1)).toEqual(["POST /v1/subscriptions", { file_id: "f1", channel: "push" }]));
      expect(sent).toHaveLength(items.length ? 1 : 2);
      shown.unmount();
      queryClient.removeQueries({ queryKey: ["about"] });
    }
  });

  test("are turned off here, and removed from other browsers", async () => {
    const at = "2026-01-01T00:00:00Z";
    const sent = serve([
      { id: "b1", device: "This", service: "push.example", current: true, created_at: at },
      { id: "b2", device: "Phone", service: "push.example", current: false, created_at: at },
    ]);
    browser("granted");
    show();
    await userEvent.click(await screen.findByRole("button", { name: "Remove" }));
    await waitFor(() => expect(sent.map(([call]) => call)).toEqual(["DELETE /v1/push-subscriptions/b2"]));
    await userEvent.click(await screen.findByRole("button", { name: "Turn off in this browser" }));
    await waitFor(() => expect(sent.at(-1)?.[0]).toBe("DELETE /v1/push-subscriptions/b1"));
  });
});

test("a channel that does not work on this server is refused in its dialog, with the reason", async () => {
  const reason = "This channel does not work here.";
  vi.stubGlobal("fetch", async () => json({ status: 409, code: "channel_unavailable", detail: reason }, 409));
  const file = { id: "f1", kind: "file", name: "a", permission: "owner" } as FileItem;
  render(<QueryClientProvider client={queryClient}><FollowDialog file={file} onClose={() => undefined} /></QueryClientProvider>);
  await userEvent.selectOptions(screen.getByLabelText("Method"), "Text message");
  await userEvent.type(screen.getByLabelText("Phone number"), "+6421234567");
  await userEvent.click(screen.getByRole("button", { name: "Follow" }));
  expect((await screen.findByRole("alert")).textContent).toBe(reason);
});

describe("the service worker", () => {
  function worker(pages: object[]) {
    const handlers: Record<string, (event: object) => void> = {};
    const showNotification = vi.fn();
    const openWindow = vi.fn();
    const self = {
      addEventListener: (name: string, handler: (event: object) => void) => (handlers[name] = handler),
      registration: { showNotification },
      clients: { matchAll: async () => pages, openWindow },
      location: { origin: "https://docs.example" },
    };
    new Function("self", readFileSync("public/worker.js", "utf8"))(self);
    return { handlers, showNotification, openWindow };
  }
  const click = (url: string, done: Promise<unknown>[]) => ({
    notification: { close: () => undefined, data: { url } },
    waitUntil: (work: Promise<unknown>) => done.push(work),
  });

  test("shows what was pushed, a repeated message in place of the first", () => {
    const { handlers, showNotification } = worker([]);
    const pushed = { id: "d1", kind: "file_changed", title: "plan.pdf was modified", body: "", url: "/file/f1" };
    handlers.push?.({ data: { json: () => pushed }, waitUntil: () => undefined });
    expect(showNotification).toHaveBeenCalledWith("plan.pdf was modified", expect.objectContaining({ tag: "d1", data: { url: "/file/f1" } }));
  });

  test("opens the file in an open page, else in a new one", async () => {
    const page = { visibilityState: "visible", focus: vi.fn(), postMessage: vi.fn() };
    for (const pages of [[page], []]) {
      const { handlers, openWindow } = worker(pages);
      const done: Promise<unknown>[] = [];
      handlers.notificationclick?.(click("/file/f1", done));
      await Promise.all(done);
      if (pages.length) expect(page.postMessage).toHaveBeenCalledWith({ open: "https://docs.example/file/f1" });
      else expect(openWindow).toHaveBeenCalledWith("https://docs.example/file/f1");
    }
  });
});
