// The page and its files from the cache: the app opens at once, and without a network. Only these;
// what is said and who says it never goes through here.
//
// The page is answered as it was at the last visit. Once it is there it sends a message, and is asked
// for anew, so a new version shows at the next visit. Its files have addresses by their content: what
// is cached is right.

const CACHE = "hichat";
const PAGE = "/";
const FILES = "/assets/";

// Where browsers can, they take these out of the cache themselves: this script need not even start.
const ROUTES = [
  { condition: { urlPattern: PAGE, requestMethod: "get", requestMode: "navigate" }, source: { cacheName: CACHE } },
  { condition: { urlPattern: `${FILES}*`, requestMethod: "get" }, source: { cacheName: CACHE } },
];

addEventListener("install", (event) => event.waitUntil(install(event)));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil(renew().catch(() => {}))); // offline: it stays as it is

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if ((mode === "navigate" && pathname === PAGE) || pathname.startsWith(FILES)) event.respondWith(found(event.request));
});

async function install(event) {
  await event.addRoutes?.(ROUTES);
  await renew();
  skipWaiting();
}

async function found(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? fetch(request);
}

/** Have the page of now with all its files, beside those of the page before, which may be open. */
async function renew() {
  const answer = await fetch(PAGE, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the page is not there: ${answer.status}`);
  const wanted = await named(answer.clone());
  const cache = await caches.open(CACHE);
  const before = await named(await cache.match(PAGE));
  const held = new Map((await cache.keys()).map((request) => [new URL(request.url).pathname, request]));
  await cache.addAll([...wanted].filter((path) => !held.has(path)));
  await cache.put(PAGE, answer);
  for (const [path, request] of held) {
    if (path !== PAGE && !wanted.has(path) && !before.has(path)) await cache.delete(request);
  }
}

/** The files that a page names. */
async function named(page) {
  const text = await page?.text() ?? "";
  return new Set([...text.matchAll(/\/assets\/[^"]+/g)].map(([path]) => path));
}
