// HTTP requests of who is logged in.

import { ApiError, call, unreachable } from "client/http.js";

export { ApiError };

export function createApi({ origin }, session) {
  const underWay = new Set();

  /** As http.js's `call`; an access token that has expired is refreshed on the way. */
  function request(method, path, options = {}) {
    const asked = authorized((token) => call(origin, method, path, { ...options, token }));
    const settled = asked.catch(() => {}).then(() => underWay.delete(settled));
    underWay.add(settled);
    return asked;
  }

  /** What `work` comes to with an access token; with a new one, where that has expired. */
  async function authorized(work) {
    const [user, token] = [session.user.peek()?.id, session.token()];
    // What was asked for one user is nobody else's: an answer that comes behind a log-out is none.
    const check = () => { if (!token || session.user.peek()?.id !== user) throw unreachable(); };
    const attempt = async () => {
      check();
      try {
        return await work(session.token());
      } finally {
        check();
      }
    };
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      if (error.code === "session_revoked") session.end("revoked");
      if (error.code !== "token_expired" && error.code !== "token_invalid") throw error;
      await session.refresh(token);
      return attempt();
    }
  }

  return {
    authorized,
    request,
    /** Resolves when all that was asked until now is answered. */
    settled: () => Promise.all(underWay),
    get: (path, query) => request("GET", path, { query }),
    post: (path, json = {}) => request("POST", path, { json }),
    patch: (path, json) => request("PATCH", path, { json }),
    put: (path, json = {}) => request("PUT", path, { json }),
    delete: (path) => request("DELETE", path),
    /** All items of a paged list: `next` of each answer is the `after` of the next. */
    async all(path, field, query = {}, most = 5000) {
      const found = [];
      for (let after; found.length < most;) {
        const page = await request("GET", path, { query: { ...query, after } });
        found.push(...page[field]);
        after = page.next;
        if (after === null || after === undefined) break;
      }
      return found;
    },
  };
}
