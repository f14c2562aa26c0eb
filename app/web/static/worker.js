// The page and its files from the cache: the app opens at once, and without a network. Only these;
// what is said and who says it never goes through here.
//
// The page is answered as it was at the last visit and asked for anew behind that, so a new version
// shows at the next visit. Its files have addresses by their content: what is cached is right.

const CACHE = "hichat";
const PAGE = "/";

addEventListener("install", (event) => event.waitUntil(renew().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && pathname === PAGE) {
    const renewed = renew();
    event.waitUntil(renewed.catch(() => {})); // offline: the cached page is there
    event.respondWith(caches.match(PAGE).then((cached) => cached ?? renewed.then(() => caches.match(PAGE))));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(event.request).then((cached) => cached ?? fetch(event.request)));
  }
});

/** Have the page of now with all its files, and no others. */
async function renew() {
  const answer = await fetch(PAGE, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the page is not there: ${answer.status}`);
  const text = await answer.clone().text();
  const wanted = new Set([...text.matchAll(/\/assets\/[^"]+/g)].map(([path]) => path));
  const cache = await caches.open(CACHE);
  const held = new Map((await cache.keys()).map((request) => [new URL(request.url).pathname, request]));
  await cache.addAll([...wanted].filter((path) => !held.has(path)));
  await cache.put(PAGE, answer);
  for (const [path, request] of held) if (path !== PAGE && !wanted.has(path)) await cache.delete(request);
}
