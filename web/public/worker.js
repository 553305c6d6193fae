// Service worker: shows the page and what was listed last where there is no network, takes files that other apps share,
// and shows notifications that the server pushes. What it keeps is read and removed by src/lib/offline.ts and src/uploads/kept.ts.
const PAGE = "docstore-page";
const ASSETS = "docstore-assets";
const LISTINGS = "docstore-listings";
const KEPT_FILES = "docstore-kept-files";
const MOST_LISTINGS = 200;

const PAGES = /^\/(files|folder|file|photos|shared|search|trash|settings)?(\/|$)/;
const BESIDE_PAGE = /^\/(theme\.js|icon\.svg)$/;
const LISTED = /^\/(web\/session|v1\/me|v1\/shared-with-me|v1\/files(\/[^/]+(\/ancestors)?)?)$/;
const SHARE_TARGET = "/share";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const isOurs = origin === self.location.origin;
  if (isOurs && request.method === "POST" && pathname === SHARE_TARGET) event.respondWith(takeShared(request));
  if (request.method !== "GET") return;
  if (pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (isOurs && request.mode === "navigate" && PAGES.test(pathname)) event.respondWith(page(request));
  else if (isOurs && BESIDE_PAGE.test(pathname)) event.respondWith(fresh(request, PAGE, pathname));
  else if (isOurs && LISTED.test(pathname)) event.respondWith(fresh(request, LISTINGS, request.url));
});

/** From the network, else as it was when it last came. */
async function fresh(request, name, key, stored = () => undefined) {
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    const last = await (await caches.open(name)).match(key, { ignoreVary: true });
    if (last) return last;
    throw error;
  }
  if (response.ok && response.type === "basic") {
    await stored(response.clone());
    await keep(name, key, response.clone());
  }
  return response;
}

/** The one page that has all addresses. A new build has other assets: those of the one before are dropped. */
function page(request) {
  return fresh(request, PAGE, "/", async (response) => {
    const before = await (await caches.open(PAGE)).match("/");
    if (before && (await before.text()) !== (await response.text())) await caches.delete(ASSETS);
  });
}

/** Its name has a hash of its content, so it never changes. */
async function asset(request) {
  const cache = await caches.open(ASSETS);
  const known = await cache.match(request.url, { ignoreVary: true });
  if (known) return known;
  const response = await fetch(request);
  if (response.ok && response.type !== "opaque") await keep(ASSETS, request.url, response.clone());
  return response;
}

/** A browser that gives no room still shows the page, with a network. */
async function keep(name, key, response) {
  try {
    const cache = await caches.open(name);
    await cache.put(key, response);
    if (name !== LISTINGS) return;
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_LISTINGS)).map((old) => cache.delete(old)));
  } catch {
    // Nothing is lost but the copy.
  }
}

/** Keep the files until the page has uploaded them, with or without a network. */
async function takeShared(request) {
  const form = await request.formData();
  const cache = await caches.open(KEPT_FILES);
  for (const file of form.getAll("files")) {
    if (typeof file === "string") continue;
    const about = new URLSearchParams({ path: file.name || "Shared file", modified: String(file.lastModified || Date.now()) });
    await cache.put(`/kept/${crypto.randomUUID()}?${about}`, new Response(file));
  }
  return Response.redirect("/files", 303);
}

self.addEventListener("push", (event) => {
  const { id, title, body, url } = event.data.json();
  const options = { body, tag: id, icon: "/icon.svg", data: { url } };
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.url, self.location.origin).href));
});

async function open(address) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ visibilityState }) => visibilityState === "visible") ?? pages[0];
  if (!page) return self.clients.openWindow(address);
  await page.focus();
  page.postMessage({ open: address });
}
