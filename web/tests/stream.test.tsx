import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listen, liveState } from "@/api/live";
import { keys, queryClient } from "@/api/queries";
import { onLoggedOut } from "@/api/session";
import AdminPage from "@/admin/AdminPage";
import { Events } from "@/admin/Events";

class Source extends EventTarget {
  onopen?: () => void;
  onerror?: () => void;
  closed = false;
  constructor(readonly url: string) {
    super();
    sources.push(this);
  }
  close = () => (this.closed = true);
  say = (name: string, data = "{}", lastEventId = "") => this.dispatchEvent(new MessageEvent(name, { data, lastEventId }));
}

let sources: Source[] = [];
const latest = () => sources.at(-1) as Source;
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const renewed = async () => new Response(JSON.stringify({ csrf_token: "t" }), { status: 201 });

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sources = [];
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("navigator", { ...navigator, locks: { request: (_: string, work: () => unknown) => work() } });
  vi.stubGlobal("fetch", renewed);
});
afterEach(() => vi.useRealTimers());

test("events that were refused are asked for again, and the page says so meanwhile", async () => {
  render(<Events />);
  act(() => latest().onopen?.());
  expect([screen.getByRole("status").textContent, screen.queryAllByText(/as they happen/).length]).toEqual(["", 1]);
  act(() => latest().onerror?.());
  expect([screen.getByRole("status").textContent, screen.queryAllByText(/as they happen/).length]).toEqual(["Reconnecting…", 0]);
  await pass(1_000);
  expect(sources.map(({ closed }) => closed)).toEqual([true, false]);
  act(() => latest().onopen?.());
  act(() => void latest().say("event", "a file came"));
  expect([screen.getByRole("status").textContent, screen.queryAllByText("a file came").length]).toEqual(["", 1]);
});

test("an outage while the token is renewed does not end them", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  render(<Events />);
  latest().say("token_expired");
  await pass(0);
  expect(sources).toHaveLength(2);
});

test("a session that was ended elsewhere logs the page out", async () => {
  vi.stubGlobal("fetch", async () => new Response("{}", { status: 401 }));
  const loggedOut = vi.fn();
  const forget = onLoggedOut(loggedOut);
  render(<Events />);
  latest().say("token_expired");
  await pass(0);
  expect(sources).toHaveLength(1);
  expect(loggedOut).toHaveBeenCalledOnce();
  forget();
});

test("nothing is opened for a page that was left while the token was renewed", async () => {
  let renew = (): void => undefined;
  vi.stubGlobal("fetch", () => new Promise<Response>((resolve) => (renew = () => void renewed().then(resolve))));
  const { unmount } = render(<Events />);
  latest().say("token_expired");
  await pass(0);
  unmount();
  renew();
  await pass(60_000);
  expect(sources.map(({ closed }) => closed)).toEqual([true]);
});

test("changes go on after the last one heard, or again where that is not known any more", async () => {
  const stop = listen();
  latest().onopen?.();
  latest().say("change", JSON.stringify({ seq: 1, type: "created", file: { id: "a" } }), "7");
  latest().onerror?.();
  expect(liveState()).toBe("offline");
  await pass(1_000);
  latest().onopen?.();
  expect(liveState()).toBe("live");
  latest().say("cursor_expired");
  await pass(0);
  expect(sources.map(({ url }) => url)).toEqual(["/v1/events", "/v1/events?last_event_id=7", "/v1/events"]);
  stop();
  expect([liveState(), latest().closed]).toEqual(["connecting", true]);
});

test.each([
  ["before any change", ""],
  ["after a change", "7"],
])("a new administrator sees the administration once the stream that the new role ends is open again: %s", async (_, last) => {
  const me = { id: "ada", role: "user", usage: {} };
  const answer = (path: string) => (path === "/v1/me" ? me : { items: [], csrf_token: "t" });
  vi.stubGlobal("fetch", async (path: string) => new Response(JSON.stringify(answer(path))));
  queryClient.setQueryData(keys.me, { ...me });
  render(<QueryClientProvider client={queryClient}><AdminPage section="dead-letters" /></QueryClientProvider>);
  const stop = listen();
  latest().onopen?.();
  if (last) latest().say("change", JSON.stringify({ seq: 1, type: "created", file: { id: "a" } }), last);
  await pass(1_000);
  screen.getByText("Administrators only");
  me.role = "admin";
  latest().say("token_expired");
  await pass(0);
  expect(sources).toHaveLength(2);
  latest().onopen?.();
  await vi.waitFor(() => screen.getByRole("navigation", { name: "Administration" }));
  stop();
});

test("a hidden tab holds no connection, and goes on where it was when it is shown", async () => {
  const turn = (hidden: boolean) => {
    vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const stop = listen();
  latest().onopen?.();
  latest().say("change", JSON.stringify({ seq: 1, type: "created", file: { id: "a" } }), "7");
  turn(true);
  await pass(60_000);
  expect(sources.map(({ closed }) => closed)).toEqual([true]);
  const reread = vi.spyOn(queryClient, "invalidateQueries");
  turn(false);
  latest().onopen?.();
  expect(sources.map(({ url, closed }) => [url, closed])).toEqual([
    ["/v1/events", true],
    ["/v1/events?last_event_id=7", false],
  ]);
  expect(reread).toHaveBeenCalledWith({ queryKey: keys.notices });
  stop();
  turn(true);
  turn(false);
  expect(sources).toHaveLength(2);
});

test("a tab that was hidden while it waited for another try waits no more, and tries when it is shown", async () => {
  const stop = listen();
  latest().onerror?.();
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(60_000);
  expect(sources).toHaveLength(1);
  stop();
});
