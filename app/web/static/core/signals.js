// State that tells who reads it: signals, values computed from them, effects that follow them.
//
// Reading `.value` inside of a computed or an effect subscribes it. A computed is evaluated when it
// is read and one of its sources has changed; it holds on to its sources only while something holds
// on to it, so a computed that nobody reads any more is garbage. Effects run at once, and again
// when a source has changed: at the end of the outermost `batch`, or of the change itself.

const MOST_RUNS = 100; // of an effect in one go: those that set off each other for ever are a bug that must show

let collecting = null; // Map of source -> version: what runs now reads these
let owner = null; // Set of disposers: effects that are made now belong to it
let depth = 0; // of batches
let epoch = 0; // counts all changes of all signals
let made = 0; // counts effects
const waiting = new Set(); // effects that must look whether to run again

class Source {
  version = 0;
  observers = new Set();

  subscribe(observer) {
    this.observers.add(observer);
  }

  unsubscribe(observer) {
    this.observers.delete(observer);
  }

  refresh() {}

  /** The value, without subscribing. */
  peek() {
    return this.current;
  }

  get value() {
    const found = this.peek();
    collecting?.set(this, this.version);
    return found;
  }
}

class Signal extends Source {
  constructor(value) {
    super();
    this.current = value;
  }

  get value() {
    return super.value;
  }

  set value(next) {
    if (Object.is(next, this.current)) return;
    this.current = next;
    this.version += 1;
    epoch += 1;
    batch(() => { for (const observer of [...this.observers]) observer.stale(); });
  }

  /** Set the value to what `change` makes of it. */
  update(change) {
    this.value = change(this.current);
  }
}

class Computed extends Source {
  #evaluate;
  #sources = new Map();
  #checked = -1; // the epoch in which it was known to be right
  #running = false;

  constructor(evaluate) {
    super();
    this.#evaluate = evaluate;
  }

  peek() {
    this.refresh();
    return this.current;
  }

  subscribe(observer) {
    if (!this.observers.size) for (const source of this.#sources.keys()) source.subscribe(this);
    super.subscribe(observer);
  }

  unsubscribe(observer) {
    super.unsubscribe(observer);
    if (!this.observers.size) for (const source of this.#sources.keys()) source.unsubscribe(this);
  }

  stale() {
    for (const observer of [...this.observers]) observer.stale();
  }

  refresh() {
    if (this.#running) throw new Error("a computed value reads itself");
    if (this.#checked === epoch) return;
    const seen = epoch;
    if (!this.version || changed(this.#sources)) this.#run();
    this.#checked = seen;
  }

  #run() {
    const before = this.#sources;
    this.#running = true;
    try {
      const [value, sources] = collect(this.#evaluate);
      this.#sources = sources;
      if (this.observers.size) resubscribe(this, before, sources);
      if (!this.version || !Object.is(value, this.current)) {
        this.current = value;
        this.version += 1;
      }
    } finally {
      this.#running = false;
    }
  }
}

class Effect {
  #run;
  #sources = new Map();
  #cleanup = null;
  #inner = null; // effects made while it ran; they end when it runs again
  #disposed = false;
  age = made += 1; // the eldest has the lowest

  constructor(run) {
    this.#run = run;
    try {
      this.run();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  stale() {
    waiting.add(this);
  }

  check() {
    if (!this.#disposed && changed(this.#sources)) this.run();
  }

  run() {
    this.#clean();
    const before = this.#sources;
    const outer = owner;
    owner = this.#inner = new Set();
    try {
      const [cleanup, sources] = collect(this.#run, (read) => { this.#sources = read; });
      this.#sources = sources;
      this.#cleanup = typeof cleanup === "function" ? cleanup : null;
    } finally {
      owner = outer;
      if (this.#disposed) { this.#clean(); this.#sources = new Map(); }
      resubscribe(this, before, this.#sources);
    }
  }

  dispose() {
    this.#disposed = true;
    waiting.delete(this);
    for (const source of this.#sources.keys()) source.unsubscribe(this);
    this.#sources = new Map();
    this.#clean();
  }

  #clean() {
    const [cleanup, inner] = [this.#cleanup, this.#inner];
    this.#cleanup = this.#inner = null;
    for (const dispose of inner ?? []) dispose();
    if (cleanup) untracked(cleanup);
  }
}

function changed(sources) {
  for (const [source, version] of sources) {
    source.refresh();
    if (source.version !== version) return true;
  }
  return false;
}

/** What a function returns, and the sources that it has read; `failed` gets these if it throws. */
function collect(run, failed = () => {}) {
  const [outer, sources] = [collecting, new Map()];
  collecting = sources;
  try {
    return [run(), sources];
  } catch (error) {
    failed(sources);
    throw error;
  } finally {
    collecting = outer;
  }
}

function resubscribe(observer, before, after) {
  for (const source of after.keys()) source.subscribe(observer);
  for (const source of before.keys()) if (!after.has(source)) source.unsubscribe(observer);
}

/** Run what waits; the elder first: an effect ends those that were made in it before they run. */
function flush() {
  const runs = new Map(); // effect -> how often it has run in this go
  while (waiting.size) {
    const effects = [...waiting].sort((one, other) => one.age - other.age);
    waiting.clear();
    for (const effect of effects) {
      runs.set(effect, (runs.get(effect) ?? 0) + 1);
      if (runs.get(effect) > MOST_RUNS) throw new Error("effects set off each other for ever");
      try {
        effect.check();
      } catch (error) {
        reportError(error); // one broken effect must not stop the others
      }
    }
  }
}

export function signal(value) {
  return new Signal(value);
}

export function computed(evaluate) {
  return new Computed(evaluate);
}

/** Call `run` when the effect or scope ends that is running now. */
export function atEnd(run) {
  owner?.add(() => untracked(run));
}

/** Whether something is a signal or computed. */
export function isSource(value) {
  return value instanceof Source;
}

/** Run now and after each change of what it reads; a function that it returns is its cleanup. */
export function effect(run) {
  const made = new Effect(run);
  const dispose = () => { made.dispose(); home?.delete(dispose); };
  const home = owner;
  home?.add(dispose);
  return dispose;
}

/** Let effects wait until the end of `run`; its result. */
export function batch(run) {
  depth += 1;
  try {
    return run();
  } finally {
    depth -= 1;
    if (!depth) { depth += 1; try { flush(); } finally { depth -= 1; } }
  }
}

/** Run without subscribing to anything; its result. */
export function untracked(run) {
  const outer = collecting;
  collecting = null;
  try {
    return run();
  } finally {
    collecting = outer;
  }
}

/** Run; `dispose` ends all effects that were made meanwhile. */
export function scope(run) {
  const [outer, mine] = [owner, new Set()];
  owner = mine;
  try {
    const value = untracked(run);
    return { value, dispose: () => { for (const dispose of [...mine]) dispose(); } };
  } finally {
    owner = outer;
  }
}
