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
    vi.stubGlobal("navigator", { ...navigator, locks: undefined });
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
