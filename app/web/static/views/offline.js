// The service worker (worker.js), where the browser lets a page have one.

const WORKER = "/worker.js";

/** Let the app open from the cache from now on; where it does already, as it will be at the next visit. */
export function keepForOffline() {
  if (!navigator.serviceWorker) return; // an insecure context, or a private window
  const policy = globalThis.trustedTypes?.createPolicy("hichat-worker", {
    createScriptURL(url) {
      if (url !== WORKER) throw new TypeError("no other script than the worker");
      return url;
    },
  });
  navigator.serviceWorker.controller?.postMessage("renew");
  navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER).catch(() => {
    // The browser's HTTP cache does nearly as well.
  });
}
