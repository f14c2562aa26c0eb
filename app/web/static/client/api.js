// HTTP requests of who is logged in.

import { ApiError, call } from "client/http.js";

export { ApiError };

export function createApi({ origin }, session) {
  /** As http.js's `call`; an access token that has expired is refreshed on the way. */
  async function request(method, path, options = {}) {
    const token = session.token();
    try {
      return await call(origin, method, path, { ...options, token });
    } catch (error) {
      if (!token || !(error instanceof ApiError) || error.status !== 401) throw error;
      if (error.code === "session_revoked") session.end("revoked");
      if (error.code !== "token_expired" && error.code !== "token_invalid") throw error;
      await session.refresh(token);
      return call(origin, method, path, { ...options, token: session.token() });
    }
  }

  return {
    request,
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
