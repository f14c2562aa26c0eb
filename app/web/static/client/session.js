// Who is logged in here: the tokens, kept for all tabs of this origin.

import { signal } from "core/signals.js";
import { ApiError, call } from "client/http.js";
import { exclusive } from "client/locks.js";

const KEY = "hichat.session";

/**
 * `user`: the own profile, null when nobody is logged in. `ended`: why the last session ended
 * without its user's wish ("revoked"), else null. One tab refreshes the tokens, the others follow:
 * a refresh token is good once, and used twice it ends the session. `vault` {get, set} keeps the last
 * exchange where every tab sees it at once (IndexedDB).
 */
export function createSession({ origin, storage }, vault) {
  const user = signal(null);
  const ended = signal(null);
  let held = null; // {user, access_token, refresh_token}

  const read = () => {
    try {
      return JSON.parse(storage.get(KEY) ?? "null");
    } catch {
      return null;
    }
  };

  const take = (found) => {
    const same = held?.user.id === found?.user.id && JSON.stringify(held?.user) === JSON.stringify(found?.user);
    held = found;
    if (!same) user.value = found?.user ?? null;
  };

  const keep = (found) => {
    if (found) storage.set(KEY, JSON.stringify(found));
    else storage.remove(KEY);
    take(found);
  };

  const enter = async (route, name, password) => {
    const found = await call(origin, "POST", `/v2/auth/${route}`, { json: { name, password } });
    ended.value = null;
    keep(found);
    return found.user;
  };

  const spend = async (stale) => {
    const stored = read();
    if (stored && stored.access_token !== stale) { // another tab was here first
      take(stored);
      return;
    }
    if (!held) return;
    const token = held.refresh_token;
    const last = await vault.get(); // localStorage may show a tab later what another one has written
    if (last?.spent === token) {
      keep({ ...held, ...last.tokens });
      return;
    }
    try {
      const { access_token, refresh_token } = await call(origin, "POST", "/v2/auth/refresh", { token });
      const tokens = { access_token, refresh_token };
      await vault.set({ spent: token, tokens });
      keep({ ...held, ...tokens });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) end("revoked");
      throw error;
    }
  };

  const end = (reason) => {
    if (!held) return;
    ended.value = reason;
    keep(null);
  };

  storage.watch((key) => { if (key === KEY || key === null) take(read()); });
  take(read());

  return {
    user, ended, end,
    signIn: (name, password) => enter("login", name, password),
    register: (name, password) => enter("register", name, password),
    /** The access token; null when nobody is logged in. */
    token: () => held?.access_token ?? null,
    /** Get a new access token in place of `stale`. Throws ApiError. */
    refresh: (stale) => exclusive("hichat.refresh", () => spend(stale), storage),
    /** Keep what the server says of oneself now. */
    know: (me) => { if (held) keep({ ...held, user: { ...held.user, ...me } }); },
    /** `settled`: what to wait for before the server is told. */
    async signOut(settled = async () => {}) {
      const tokens = held;
      keep(null);
      await settled();
      if (tokens) await leave(origin, tokens).catch(() => {}); // offline: the session ends by itself
    },
  };
}

/** End a session on the server; its access token may have expired. */
async function leave(origin, { access_token: access, refresh_token: refresh }) {
  const logout = (token) => call(origin, "POST", "/v2/auth/logout", { token });
  try {
    await logout(access);
  } catch (error) {
    if (error.code !== "token_expired") throw error;
    const found = await call(origin, "POST", "/v2/auth/refresh", { token: refresh });
    await logout(found.access_token);
  }
}
