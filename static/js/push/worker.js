// Shows what comes by push, and opens the case it is about. It holds nothing and answers no request of a page.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const windows = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

async function show(told) {
  // Whoever looks at a page of ours is told there.
  if (told.tag !== "test" && (await windows()).some((client) => client.focused)) return;
  await self.registration.showNotification(told.title, { body: told.body, tag: told.tag, renotify: true, icon: "/static/icon.svg", data: { url: told.url } });
}

self.addEventListener("push", (event) => {
  let told = null;
  try { told = event.data?.json(); } catch { /* not of ours */ }
  if (told?.title) event.waitUntil(show(told));
});

async function open(path) {
  const url = new URL(path, self.location.origin);
  if (url.origin !== self.location.origin) return;
  const all = await windows();
  const there = all.find((client) => new URL(client.url).pathname === url.pathname);
  if (there) { await there.focus(); return; }
  await self.clients.openWindow(url.href);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url || "/"));
});
