import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createRef, type ReactElement } from "react";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Accounts } from "@/admin/Accounts";
import { Audit } from "@/admin/Audit";
import { App } from "@/app";
import { apply } from "@/api/live";
import { keys, queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { Activity } from "@/details/Activity";
import DetailsPanel from "@/details/DetailsPanel";
import { ForgotPage, ResetPage } from "@/auth/ForgottenPage";
import { DialogHost, openDialog } from "@/files/dialogs";
import FilesPage from "@/files/FilesPage";
import FolderPicker from "@/files/FolderPicker";
import { choicesFor } from "@/files/actions";
import { move, trash } from "@/files/operations";
import SharedPage from "@/files/SharedPage";
import NoticeCentre from "@/notices/NoticeCentre";
import SearchPage from "@/search/SearchPage";
import { RetentionSection } from "@/settings/RetentionSection";
import TrashPage from "@/trash/TrashPage";
import { Toasts } from "@/ui/toasts";

const AT = "2026-01-01T00:00:00Z";
const entry = (id: string, kind = "file", parent = "d1") => ({
  id, kind, name: id, path: `/${id}`, parent_id: parent, tags: [], metadata: {}, size: 1, version: 1, created_at: AT, modified_at: AT,
  trashed_at: AT, owner_id: "me", permission: "owner", can_delete: true, preview: null, share: { id: "s", role: "viewer", shared_at: AT },
});
const FOLDER = entry("d1", "folder", "me");
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const refused = (status: number, code: string) => json({ status, code, detail: `It is ${code}.` }, status);

/** A server: `answer` says what becomes of a call, folders are there unless it says otherwise. The calls that were made. */
function serve(answer: (call: string) => Response | undefined): string[] {
  const calls: string[] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET" }: RequestInit = {}) => {
    calls.push(`${method} ${path}`);
    return answer(`${method} ${path}`) ?? (path.startsWith("/v1/files/by-path") || path === "/v1/files/d1" ? json(FOLDER) : json({ items: [] }));
  });
  return calls;
}

const show = (page: ReactElement) => render(<QueryClientProvider client={queryClient}>{page}</QueryClientProvider>);
const files = <FilesPage folderId="d1" />;

beforeEach(() => {
  localStorage.clear();
  openDialog(null);
  queryClient.clear();
  queryClient.setQueryData(keys.me, { id: "me", usage: {} });
});

describe("a next page that is refused", () => {
  test.each([
    ["search", <SearchPage />, "/v1/search?"],
    ["the folder picker", <FolderPicker action="copy" files={[FOLDER as unknown as FileItem]} onClose={() => undefined} />, "/v1/files?"],
    ["activity", <Activity file={FOLDER as unknown as FileItem} />, "/v1/activity?"],
    ["accounts", <Accounts />, "/v1/admin/accounts"],
    ["audit", <Audit />, "/v1/admin/audit"],
  ])("shows the error where a button loads more, and is requested again: %s", async (_, page, path) => {
    let refusing = true;
    const next = () => (refusing ? refused(429, "rate_limited") : json({ items: [], next_cursor: null }));
    serve((call) => {
      if (call === "GET /v1/files/me" || call.startsWith("GET /v1/files/by-path")) return json(entry("me", "folder"));
      if (!call.startsWith(`GET ${path}`)) return undefined;
      return call.includes("cursor=") ? next() : json({ items: [], total: 0, next_cursor: "c" });
    });
    show(page);
    await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
    expect((await screen.findByRole("alert")).textContent).toContain("It is rate_limited.");
    refusing = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    const left = () => [screen.queryByRole("alert"), screen.queryByRole("button", { name: "Show more" })];
    await waitFor(() => expect(left()).toEqual([null, null]));
  });

  test.each([
    ["a folder", files, "/v1/files?"],
    ["what is shared", <SharedPage />, "/v1/shared-with-me?"],
    ["the trash", <TrashPage />, "/v1/trash?"],
  ])("is asked for once, then by hand: %s", async (_, page, path) => {
    let refusing = true;
    const calls = serve((call) => {
      if (!call.startsWith(`GET ${path}`)) return undefined;
      if (!call.includes("cursor=")) return json({ items: [entry("a")], next_cursor: "c" });
      return refusing ? refused(429, "rate_limited") : json({ items: [entry("b"), entry("c")], next_cursor: null });
    });
    const asked = () => calls.filter((call) => call.includes("cursor=")).length;
    show(page);
    expect((await screen.findByRole("alert")).textContent).toContain("It is rate_limited.");
    expect(asked()).toBe(1);
    refusing = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("4"));
    expect([asked(), screen.queryByRole("alert")]).toEqual([2, null]);
  });
});

test("how long things are kept is chosen within the limits and sent whole, and can be given back", async () => {
  const kept = { trash_days: 30, versions: 50, version_days: null, is_default: true, applies_at: null };
  const most = { trash_days: 90, versions: 50, version_days: null };
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", async (_: string, { method = "GET", body }: RequestInit = {}) => {
    if (body) bodies.push(JSON.parse(String(body)));
    if (method === "PUT") return json({ ...kept, ...(bodies[0] as object), is_default: false, applies_at: "2030-01-02T00:00:00Z", most });
    return json({ ...kept, most });
  });
  show(<RetentionSection />);
  const trashDays = await screen.findByLabelText("Days in the trash");
  expect([trashDays.getAttribute("max"), (trashDays as HTMLInputElement).value]).toEqual(["90", "30"]);
  await userEvent.clear(trashDays);
  await userEvent.type(trashDays, "7");
  await userEvent.type(screen.getByLabelText("Days to keep old versions"), "60");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect((await screen.findByRole("status")).textContent).toContain("takes effect on");
  expect(bodies).toEqual([{ trash_days: 7, versions: 50, version_days: 60 }]);
  await userEvent.click(screen.getByRole("button", { name: "Reset to defaults" }));
  await waitFor(() => expect(screen.queryByRole("status")).toBeNull());
  expect((screen.getByLabelText("Days in the trash") as HTMLInputElement).value).toBe("30");
});

test("a folder that can't be listed is told in the folder picker, and asked for again", async () => {
  let refusing = true;
  serve((call) => {
    if (call === "GET /v1/files/me" || call.startsWith("GET /v1/files/by-path")) return json(entry("me", "folder"));
    if (!call.startsWith("GET /v1/files?")) return undefined;
    return refusing ? refused(429, "rate_limited") : json({ items: [entry("d2", "folder")], next_cursor: null });
  });
  const onClose = vi.fn();
  show(<FolderPicker action="copy" files={[FOLDER as unknown as FileItem]} onClose={onClose} />);
  expect((await screen.findByRole("alert")).textContent).toContain("It is rate_limited.");
  refusing = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByRole("button", { name: "d2" });
  expect(onClose).not.toHaveBeenCalled();
});

test("a folder that was deleted elsewhere is gone from the screen, too", async () => {
  let gone = false;
  serve((call) => {
    if (gone) return refused(404, "not_found");
    return call.startsWith("GET /v1/files?") ? json({ items: [entry("a")], next_cursor: null }) : undefined;
  });
  show(files);
  await screen.findByRole("grid");
  gone = true;
  apply([{ seq: 1, type: "deleted", file: FOLDER as unknown as FileItem }]);
  await screen.findByText("Folder not found");
});

describe("keys on what is chosen", () => {
  /** Chooses the first file of a page's list, and presses the keys. */
  async function press(...pressed: string[]): Promise<void> {
    const list = await screen.findByRole("grid");
    await waitFor(() => expect(list.getAttribute("aria-rowcount")).toBe("2"));
    for (const key of ["ArrowDown", ...pressed]) fireEvent.keyDown(list, { key });
  }
  const changes = (calls: string[]) => calls.filter((call) => !call.startsWith("GET "));
  const oneFile = (call: string) => (/^GET .*\?/.test(call) ? json({ items: [entry("a")], next_cursor: null }) : undefined);
  const listsOnly = (call: string) => (call.includes("by-path") ? undefined : oneFile(call));

  test("in the trash Delete asks whether to delete forever, and F2 renames nothing", async () => {
    const calls = serve(oneFile);
    show(<><TrashPage /><DialogHost /></>);
    await press("Delete", "F2");
    await screen.findByRole("heading", { name: "Delete “a” forever?" });
    expect(changes(calls)).toEqual([]);
  });

  test("in a folder Delete moves to the trash", async () => {
    const calls = serve(listsOnly);
    show(files);
    await press("Delete");
    await waitFor(() => expect(changes(calls)).toEqual(["DELETE /v1/files/a"]));
  });

  test("Delete leaves what others added to a shared folder", async () => {
    const theirs = { ...entry("a"), permission: "editor", can_delete: false };
    expect(choicesFor([theirs as unknown as FileItem], []).map(({ id }) => id)).not.toContain("trash");
    const calls = serve((call) => (call.includes("by-path") ? undefined : /^GET .*\?/.test(call) ? json({ items: [theirs], next_cursor: null }) : undefined));
    show(files);
    await press("Delete");
    expect(changes(calls)).toEqual([]);
  });

  test("what an editor added goes to the owner's trash, which only the owner can undo", async () => {
    const added = { ...entry("a"), permission: "editor" } as unknown as FileItem;
    const calls = serve(() => undefined);
    show(<Toasts />);
    choicesFor([added], []).find(({ id }) => id === "trash")?.run?.();
    const told = (await screen.findByText(/trash of the folder’s owner/)).parentElement as HTMLElement;
    expect(within(told).queryByRole("button", { name: "Undo" })).toBeNull();
    expect(changes(calls)).toEqual(["DELETE /v1/files/a"]);
  });

  test("in a folder F2 renames", async () => {
    serve(listsOnly);
    show(<>{files}<DialogHost /></>);
    await press("F2");
    expect(((await screen.findByRole("textbox", { name: "Name" })) as HTMLInputElement).value).toBe("a");
  });
});

describe("people are called by their names", () => {
  const theirs = { ...entry("a"), owner_id: "ada", modified_by: "bob", content_type: "text/plain" };
  const made = { version: 2, size: 1, created_at: AT, created_by: "bob", created_by_name: "Bob", device: "phone", metadata: { state: "draft" } };

  test("in the details of a file and its versions", async () => {
    serve((call) => {
      if (call === "GET /v1/files/a") return json({ ...theirs, owner_name: "Ada", modified_by_name: "Bob" });
      return call.startsWith("GET /v1/files/a/versions") ? json({ items: [made], next_cursor: null }) : undefined;
    });
    show(<DetailsPanel file={theirs as unknown as FileItem} many={1} onClose={() => undefined} />);
    await screen.findByText("Ada");
    screen.getByText(/ by Bob$/);
    await userEvent.click(screen.getByRole("tab", { name: "Versions" }));
    await screen.findByText("Bob, phone");
    screen.getByText("state: draft");
  });

  test("in what they share", async () => {
    const received = { ...entry("a"), share: { ...entry("a").share, owner_name: "Ada" } };
    serve((call) => (call.startsWith("GET /v1/shared-with-me") ? json({ items: [received], next_cursor: null }) : undefined));
    show(<SharedPage />);
    await waitFor(() => expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("2"));
    screen.getByRole("columnheader", { name: "Shared by" });
  });
});

test("many files leave the lists in one pass, however long those are", async () => {
  serve(() => undefined);
  const pages = ["abc", "def"].map((ids) => ({ items: [...ids].map((id) => entry(id)), next_cursor: null }));
  queryClient.setQueryData(keys.list("d1", { sort: "name", order: "asc" }), { pages, pageParams: ["", ""] });
  const passes = vi.spyOn(queryClient, "setQueriesData");
  const trashing = trash([..."acde"].map((id) => entry(id) as unknown as FileItem));
  const data = queryClient.getQueriesData<{ pages: { items: FileItem[] }[] }>({ queryKey: keys.lists() })[0]?.[1];
  expect(data?.pages.map((page) => page.items.map(({ id }) => id).join(""))).toEqual(["b", "f"]);
  expect(passes).toHaveBeenCalledTimes(1);
  await trashing;
});

describe("what failed is said", () => {
  test("when a move can't be undone", async () => {
    let undoing = false;
    serve((call) => (undoing && call.startsWith("PATCH ") ? refused(409, "name_taken") : undefined));
    show(<Toasts />);
    await move([entry("a") as unknown as FileItem], entry("d2", "folder") as unknown as FileItem);
    undoing = true;
    const told = (await screen.findByText("Moved “a” to “d2”.")).parentElement as HTMLElement;
    await userEvent.click(within(told).getByRole("button", { name: "Undo" }));
    await screen.findByText("Could not move back “a”: It is name_taken.");
  });

  test("when notifications can't be marked as read", async () => {
    const notice = { id: "n", title: "News", read: false, file_id: null, more: 0, created_at: AT };
    serve((call) => {
      if (call === "POST /v1/notifications/read") return refused(429, "rate_limited");
      return call.startsWith("GET /v1/notifications") ? json({ items: [notice], unread: 1 }) : undefined;
    });
    show(<><NoticeCentre trigger={createRef()} onClose={() => undefined} /><Toasts /></>);
    await userEvent.click(await screen.findByRole("button", { name: "Mark all read" }));
    await screen.findByText("It is rate_limited.");
  });
});

describe("a forgotten password", () => {
  test("is answered the same whoever's the address is", async () => {
    const calls = serve((call) => (call === "POST /v1/password-resets" ? json({ accepted: true }, 202) : undefined));
    show(<ForgotPage />);
    await userEvent.type(screen.getByRole("textbox", { name: "Email" }), "ada@example.org");
    await userEvent.click(screen.getByRole("button", { name: "Send reset link" }));
    await screen.findByText(/If ada@example.org has an account, we sent it a reset link/);
    expect(calls).toEqual(["POST /v1/password-resets"]);
  });

  test("is set by the link, which leaves the address bar", async () => {
    history.replaceState(null, "", "/reset-password#the-token");
    let sent: unknown;
    let used = true;
    vi.stubGlobal("fetch", async (_: string, { body }: RequestInit) => {
      sent = JSON.parse(String(body));
      return used ? refused(404, "reset_not_found") : new Response(null, { status: 204 });
    });
    show(<ResetPage />);
    expect(location.hash).toBe("");
    await userEvent.type(screen.getByLabelText("New password"), "another horse");
    await userEvent.click(screen.getByRole("button", { name: "Set password" }));
    expect((await screen.findByRole("alert")).textContent).toContain("It is reset_not_found. Request a new link");
    used = false;
    await userEvent.click(screen.getByRole("button", { name: "Set password" }));
    await screen.findByText("Password changed");
    expect(sent).toEqual({ token: "the-token", password: "another horse" });
  });

  test("is set by a fresh link that is opened where a used one is shown", async () => {
    history.replaceState(null, "", "/reset-password#used");
    const sent: string[] = [];
    vi.stubGlobal("fetch", async (_: string, { body }: RequestInit) => {
      const { token } = JSON.parse(String(body)) as { token: string };
      sent.push(token);
      return token === "used" ? refused(404, "reset_not_found") : new Response(null, { status: 204 });
    });
    show(<ResetPage />);
    await userEvent.type(screen.getByLabelText("New password"), "another horse");
    await userEvent.click(screen.getByRole("button", { name: "Set password" }));
    await screen.findByRole("alert");
    location.hash = "fresh";
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
    expect(location.hash).toBe("");
    await userEvent.type(screen.getByLabelText("New password"), "another horse");
    await userEvent.click(screen.getByRole("button", { name: "Set password" }));
    await screen.findByText("Password changed");
    expect(sent).toEqual(["used", "fresh"]);
  });

  test("is asked for by someone who is logged in, too", async () => {
    history.replaceState(null, "", "/forgot-password");
    const calls = serve((call) => (call === "GET /web/session" ? json({ csrf_token: "t", renewable: true }) : undefined));
    show(<App />);
    await waitFor(() => expect(calls).toContain("GET /web/session"));
    await screen.findByRole("button", { name: "Send reset link" });
    await waitFor(() => expect(location.pathname).toBe("/forgot-password"));
  });

  test("is helped by an administrator with a link to pass on", async () => {
    const account = { id: "a1", email: "ada@example.org", created_at: AT, plan: "free", role: "user", status: "active" };
    serve((call) => {
      if (call === "POST /v1/admin/accounts/a1/password-resets") return json({ url: "https://d.org/reset-password#t" }, 201);
      return call.startsWith("GET /v1/admin/accounts") ? json({ items: [account], next_cursor: null }) : undefined;
    });
    show(<Accounts />);
    await userEvent.click(await screen.findByRole("button", { name: "Reset the password of ada@example.org" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect((dialog.getByRole("textbox") as HTMLInputElement).value).toBe("https://d.org/reset-password#t");
  });
});
