import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { isOffline } from "@/lib/online";
import { keptFiles } from "@/uploads/kept";
import { persist } from "@/uploads/persist";
import { uploads } from "@/uploads/queue";
import { begun, file, FOLDER, serve, states } from "./uploading";

const ORIGIN = "https://docs.example";

/** Cache storage, as far as the page and its worker use it. */
function fakeCaches() {
  const stores = new Map<string, Map<string, Response>>();
  const full = (key: string | Request) => new URL(typeof key === "string" ? key : key.url, ORIGIN).href;
  const open = async (name: string) => {
    const store = stores.get(name) ?? new Map<string, Response>();
    stores.set(name, store);
    return {
      put: async (key: string, response: Response) => void store.set(full(key), response),
      match: async (key: string) => store.get(full(key))?.clone(),
      keys: async () => [...store.keys()].map((url) => ({ url })),
      delete: async (key: string | Request) => store.delete(full(key)),
    };
  };
  return { stores, caches: { open, delete: async (name: string) => stores.delete(name) } };
}

const keysIn = (stores: Map<string, Map<string, Response>>, name: string) =>
  [...(stores.get(name)?.keys() ?? [])].map((url) => new URL(url).pathname);

describe("the service worker", () => {
  function worker(answer: (path: string) => Promise<Response>) {
    const handlers: Record<string, (event: object) => void> = {};
    const { stores, caches } = fakeCaches();
    const self = { addEventListener: (name: string, handler: (event: object) => void) => (handlers[name] = handler), location: { origin: ORIGIN } };
    const fetch = (request: { url: string }) => answer(request.url.replace(ORIGIN, ""));
    new Function("self", "caches", "fetch", readFileSync("public/worker.js", "utf8"))(self, caches, fetch);
    /** What the page gets; undefined: the browser asks the network itself. */
    async function ask(path: string, mode = "cors", method = "GET", more: object = {}): Promise<Response | undefined> {
      let response: Promise<Response> | undefined;
      const url = path.startsWith("https:") ? path : ORIGIN + path;
      handlers.fetch?.({ request: { url, mode, method, ...more }, respondWith: (it: Promise<Response>) => (response = it) });
      return response;
    }
    return { stores, ask };
  }
  /** As the browser has answers of the page's own origin. */
  const own = (body: string, status = 200) => Object.defineProperty(new Response(body, { status }), "type", { value: "basic" });

  test("shows the page and what was listed last without a network", async () => {
    let online = true;
    const { ask } = worker(async (path) => {
      if (!online) throw new TypeError("Failed to fetch");
      return own(`of ${path}`);
    });
    for (const path of ["/v1/files?parent_id=a", "/v1/files/a/ancestors", "/v1/me", "/web/session"]) await ask(path);
    await ask("/folder/a", "navigate");
    online = false;
    expect(await (await ask("/v1/files?parent_id=a"))?.text()).toBe("of /v1/files?parent_id=a");
    expect(await (await ask("/v1/files/a/ancestors"))?.text()).toBe("of /v1/files/a/ancestors");
    expect(await (await ask("/search?q=x", "navigate"))?.text()).toBe("of /folder/a");
    await expect(ask("/v1/files?parent_id=b")).rejects.toThrow("Failed to fetch");
  });

  test("leaves everything else to the browser", async () => {
    const { ask } = worker(async () => own("never"));
    for (const path of ["/v1/events", "/v1/files/a/content", "/v1/files/a/versions", "/v1/search?q=x", "https://store.example/v1/me"])
      expect(await ask(path)).toBeUndefined();
    for (const path of ["/l/token", "/docs", "/web/form", "/dav/a"]) expect(await ask(path, "navigate")).toBeUndefined();
    expect(await ask("/v1/files", "cors", "POST")).toBeUndefined();
  });

  test("keeps no answer that is an error", async () => {
    const { ask, stores } = worker(async () => own("{}", 401));
    expect((await ask("/v1/me"))?.status).toBe(401);
    expect(keysIn(stores, "docstore-listings")).toEqual([]);
  });

  test("drops the assets of a build that was replaced", async () => {
    let build = "1";
    const { ask, stores } = worker(async () => own(build));
    await ask("/files", "navigate");
    await ask("/assets/a-1.js");
    await ask("/files", "navigate");
    expect(keysIn(stores, "docstore-assets")).toEqual(["/assets/a-1.js"]);
    build = "2";
    await ask("/files", "navigate");
    expect(keysIn(stores, "docstore-assets")).toEqual([]);
  });

  test("keeps a bounded number of listings, the latest ones", async () => {
    const { ask, stores } = worker(async () => own("{}"));
    for (let number = 0; number < 205; number += 1) await ask(`/v1/files/${number}`);
    expect(keysIn(stores, "docstore-listings")).toHaveLength(200);
    expect(keysIn(stores, "docstore-listings")[0]).toBe("/v1/files/5");
  });
});

describe("uploads without a network", () => {
  beforeEach(() => localStorage.clear());

  function goOffline() {
    const { stores, caches } = fakeCaches();
    vi.stubGlobal("caches", caches);
    const network = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    return {
      stores,
      back: () => {
        network.mockReturnValue(true);
        dispatchEvent(new Event("online"));
      },
    };
  }

  test("are not tried before there is one, and never given up meanwhile", async () => {
    const { back } = goOffline();
    let tries = 0;
    const done = persist(new AbortController().signal, async () => (tries += 1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([isOffline(), tries]).toEqual([true, 0]);
    back();
    expect(await done).toBe(1);
  });

  test("are kept over the end of the page, for their account alone", async () => {
    const { stores, back } = goOffline();
    const calls = serve(begun);
    await uploads.takeUp("me");
    uploads.add([{ file: file("a.txt"), path: "a.txt" }], FOLDER);
    await vi.waitFor(() => expect(keysIn(stores, "docstore-kept-files")).toHaveLength(1));
    uploads.forget(); // the page is gone
    expect(await keptFiles("other")).toEqual([]);
    await uploads.takeUp("me");
    await vi.waitFor(() => expect(states()).toEqual({ "a.txt": "sending" }));
    expect(calls).toEqual([]);
    back();
    await vi.waitFor(() => expect(states()).toEqual({ "a.txt": "done" }), { timeout: 10_000 });
    expect(keysIn(stores, "docstore-kept-files")).toEqual([]);
    uploads.forget();
  });
});
