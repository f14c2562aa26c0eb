// One at a time, in all tabs of this browser.

const chains = new Map(); // name -> the last promise of this tab, where the browser has no locks

/**
 * Run `work` while no other tab runs under the same name. Browsers have locks in secure contexts
 * only (https, localhost); elsewhere it is one at a time in this tab, and the protocol has to bear
 * the rest: refs make a repeated send harmless.
 */
export function exclusive(name, work) {
  if (globalThis.navigator?.locks) return navigator.locks.request(name, work);
  const before = chains.get(name) ?? Promise.resolve();
  const mine = before.then(work, work);
  chains.set(name, mine.catch(() => {}));
  return mine;
}

/** Random text, for refs. */
export function random(bytes = 12) {
  const found = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
