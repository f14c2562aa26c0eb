// What the client needs of the browser that it runs in.

const memory = new Map(); // in place of localStorage, where the browser refuses it

function attempt(work, otherwise) {
  try {
    return work();
  } catch {
    return otherwise();
  }
}

const storage = {
  get: (key) => attempt(() => localStorage.getItem(key), () => memory.get(key) ?? null),
  set: (key, value) => attempt(() => localStorage.setItem(key, value), () => memory.set(key, value)),
  remove: (key) => attempt(() => localStorage.removeItem(key), () => memory.delete(key)),
  /** Hear of what other tabs change: `listen(key)`, null for all. */
  watch: (listen) => addEventListener("storage", ({ key }) => listen(key)),
};

/** A way to talk to the other tabs. */
function channel(name, listen) {
  const made = new BroadcastChannel(name);
  made.onmessage = ({ data }) => listen(data);
  return { post: (told) => made.postMessage(told), close: () => made.close() };
}

export const environment = {
  origin: location.origin,
  storage,
  channel,
  isOnline: () => navigator.onLine,
  watchOnline(listen) {
    addEventListener("online", () => listen(true));
    addEventListener("offline", () => listen(false));
  },
  watchVisible(listen) {
    document.addEventListener("visibilitychange", () => listen(document.visibilityState === "visible"));
  },
};
