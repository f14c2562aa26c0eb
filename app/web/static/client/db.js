// IndexedDB with promises. Where there is none (a private window, a full disk), `open` gives null.

const PATIENCE = 3000; // ms; a database that another version blocks must not keep the app waiting

/**
 * Open a database. `copies` and `own` name its stores, and by what (a key path) their items are found;
 * a new version keeps what is in those of `own` only. null: there is none to be had.
 */
export function open(name, version, copies, own) {
  return new Promise((resolve) => {
    let request;
    try {
      request = indexedDB.open(name, version);
    } catch {
      resolve(null);
      return;
    }
    const timer = setTimeout(() => resolve(null), PATIENCE);
    const done = (db) => { clearTimeout(timer); resolve(db); };
    request.onupgradeneeded = () => upgrade(request.result, copies, own);
    request.onerror = (event) => { event.preventDefault(); done(null); };
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => db.close(); // a newer version, or the log-out, in another tab
      done(db);
    };
  });
}

function upgrade(db, copies, own) {
  for (const store of [...db.objectStoreNames]) if (!(store in own)) db.deleteObjectStore(store);
  for (const [store, keyPath] of Object.entries({ ...copies, ...own })) {
    if (!db.objectStoreNames.contains(store)) db.createObjectStore(store, { keyPath });
  }
}

export function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Run `work(store, ...)`, which may wait for requests of this transaction only, in one transaction
 * over `stores`; its result, once it is committed.
 */
export function transaction(db, mode, stores, work) {
  return new Promise((resolve, reject) => {
    const made = db.transaction(stores, mode);
    let found;
    made.oncomplete = () => resolve(found);
    made.onabort = () => reject(made.error ?? new Error("the transaction was given up"));
    Promise.resolve(work(...stores.map((name) => made.objectStore(name)))).then(
      (value) => {
        found = value;
        try {
          made.commit(); // now: a page that is closed before it hears of its requests would undo them
        } catch {
          // it has ended by itself
        }
      },
      (error) => {
        reject(error);
        try {
          made.abort();
        } catch {
          // it has ended by itself
        }
      },
    );
  });
}

export function remove(name) {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = request.onerror = request.onblocked = () => resolve();
    } catch {
      resolve();
    }
  });
}
