/** The installable page: its service worker (`public/worker.js`), which shows it and what was listed last without a network. */

/** One for all that works beside the page: a browser has one for an address. */
export const WORKER = "/worker.js";
const PAGE = "docstore-page";
const ASSETS = "docstore-assets";
const LISTINGS = "docstore-listings";

/** Scripts that are loaded when they are needed, and are needed without a network: the worker keeps what was loaded. */
const loadParts = () =>
  Promise.all([import("@/uploads/UploadPanel"), import("@/files/FilesPage"), import("@/files/SharedPage"), import("@/files/Redirect")]);

/** Register the worker. For the first time it is given what was loaded before it was there; `reread` has listings come again. */
export async function beginOffline(reread: () => void): Promise<void> {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return; // as on http beyond this machine
  try {
    const { serviceWorker } = navigator;
    const controlled = serviceWorker.controller
      ? undefined
      : new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    await serviceWorker.register(WORKER);
    await controlled;
    await loadParts();
    if (!controlled) return;
    const cache = await caches.open(ASSETS);
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    await Promise.all(
      loaded.filter((name) => new URL(name).pathname.startsWith("/assets/")).map((url) => cache.add(url).catch(() => undefined)),
    );
    const page = await fetch("/", { headers: { accept: "text/html" } });
    if (page.ok) await (await caches.open(PAGE)).put("/", page);
    await Promise.all(["/theme.js", "/icon.svg", "/web/session"].map((path) => fetch(path)));
    reread();
  } catch {
    // A browser without room, or a private window: the page works with a network.
  }
}

/** Remove what an account has seen: another person may use this browser next. */
export async function forgetListings(): Promise<void> {
  if ("caches" in window) await caches.delete(LISTINGS).catch(() => false);
}
