// One at a time, in all tabs of this browser.

const CLAIM = 35_000; // ms after which a claim has no owner any more: longer than any request
const SETTLE = 100; // ms until every tab sees what another one has stored

const chains = new Map(); // name -> the last promise of this tab, where the browser has no locks

/**
 * Run `work` while no other tab runs under the same name. Browsers have locks in secure contexts
 * only (https, localhost). Elsewhere it is one at a time in this tab, and among the tabs too where
 * `storage` is given, in which a tab can claim the name.
 */
export function exclusive(name, work, storage = null) {
  if (globalThis.navigator?.locks) return navigator.locks.request(name, work);
  const before = chains.get(name) ?? Promise.resolve();
  const turn = storage ? () => claimed(name, work, storage) : work;
  const mine = before.then(turn, turn);
  chains.set(name, mine.catch(() => {}));
  return mine;
}

async function claimed(name, work, storage) {
  const [key, mine] = [`${name}.claim`, random()];
  const holder = () => {
    const [owner, until] = (storage.get(key) ?? "").split(" ");
    return Number(until) > Date.now() ? owner : null;
  };
  while (holder() !== mine) {
    if (!holder()) storage.set(key, `${mine} ${Date.now() + CLAIM}`);
    await pause(SETTLE); // who has claimed it at the same moment: the last one has it
  }
  try {
    return await work();
  } finally {
    storage.remove(key);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Random text, for refs. */
export function random(bytes = 12) {
  const found = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
