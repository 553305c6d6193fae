import { QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import { createElement } from "react";
import { beforeEach, describe, expect, test, vi } from "vitest";

/** A page of its own: nothing is shared with other tabs but cookies and the browser's storage. */
async function openTab() {
  vi.resetModules();
  return { ...(await import("@/api/session")), ...(await import("@/api/client")), ...(await import("@/api/queries")) };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

beforeEach(() => localStorage.clear());

describe("tabs that renew the session at the same moment, over plain http", () => {
  /** Each refresh token works once; a second use ends the session. */
  function serve(): { renewed: number; ended: boolean } {
    const session = { renewed: 0, ended: false };
    vi.stubGlobal("navigator", { ...navigator, languages: ["en"], locks: undefined });
    vi.stubGlobal("fetch", async (path: string) => {
      const token = session.renewed;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (path === "/web/session") return json({ csrf_token: `t${session.renewed}`, renewable: true });
      if (token !== session.renewed) session.ended = true;
      if (session.ended) return json({}, 401);
      session.renewed += 1;
      return json({ csrf_token: `t${session.renewed}` });
    });
    return session;
  }

  test("renew it once", async () => {
    const session = serve();
    const tabs = [await openTab(), await openTab(), await openTab()];
    expect(await Promise.all(tabs.map((tab) => tab.refresh()))).toEqual([true, true, true]);
    expect([session, tabs.map((tab) => tab.csrfToken())]).toEqual([{ renewed: 1, ended: false }, ["t1", "t1", "t1"]]);
  });

  test("do so where there is no storage, too", async () => {
    serve();
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("no", "QuotaExceededError");
    });
    expect(await (await openTab()).refresh()).toBe(true);
  });

  test("do not wait for one that was closed in between", async () => {
    serve();
    localStorage.setItem("docstore.refresh", JSON.stringify({ holder: "gone", since: Date.now() - 11_000 }));
    expect(await (await openTab()).refresh()).toBe(true);
  });
});

describe("a tab whose log-in another tab has replaced", () => {
  /** The session that the browser's cookies hold now. */
  function serve(): { csrf: string; account: string; changes: string[] } {
    const held = { csrf: "t1", account: "ada", changes: [] as string[] };
    vi.stubGlobal("fetch", async (path: string, { method, headers }: RequestInit = {}) => {
      if (path === "/web/session") return json({ csrf_token: held.csrf, renewable: true });
      if (path === "/v1/me") return json({ id: held.account, usage: {} });
      if ((headers as Record<string, string>)["X-CSRF-Token"] !== held.csrf) return json({ code: "csrf" }, 403);
      held.changes.push(`${method} ${path}`);
      return json({});
    });
    return held;
  }

  async function openLoggedIn() {
    const tab = await openTab();
    await tab.resume();
    tab.belongsTo("ada");
    return tab;
  }
  const create = { body: { path: "/x" } };

  test("takes its token, and goes on", async () => {
    const held = serve();
    const tab = await openLoggedIn();
    held.csrf = "t2";
    await tab.call("post /v1/folders", create);
    expect(held.changes).toEqual(["POST /v1/folders"]);
  });

  test("changes nothing of someone else, and begins again", async () => {
    const held = serve();
    const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
    const tab = await openLoggedIn();
    Object.assign(held, { csrf: "t2", account: "bob" });
    await expect(tab.call("post /v1/folders", create)).rejects.toThrow("Another account has logged in.");
    expect([held.changes, reload.mock.calls.length]).toEqual([[], 1]);
  });

  test("begins again when it hears that the account is another one", async () => {
    const held = serve();
    const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
    const tab = await openLoggedIn();
    held.account = "bob";
    renderHook(tab.useMe, { wrapper: ({ children }) => createElement(QueryClientProvider, { client: tab.queryClient }, children) });
    await waitFor(() => expect(reload).toHaveBeenCalledOnce());
  });
});
