// Service worker: shows notifications that the server pushes, and opens what they are about.
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
