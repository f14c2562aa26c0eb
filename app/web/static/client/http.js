// One HTTP request of `/v2`: JSON in, JSON out, problems as errors.

const PATIENCE = 30_000; // ms until a request that is not answered has failed

/** An answer that was not the one hoped for. `status` 0: there was none, try again later. */
export class ApiError extends Error {
  constructor(status, code, detail, retry) {
    super(detail);
    Object.assign(this, { name: "ApiError", status, code, detail, retry });
  }
}

export function unreachable() {
  return new ApiError(0, "unreachable", "The server cannot be reached.", true);
}

/**
 * Ask `origin`. `options`: json (a body), form (a FormData), query (an object), headers, token,
 * signal (an AbortSignal). Returns the JSON, null where there is none. Throws ApiError, or the abort.
 */
export async function call(origin, method, path, options = {}) {
  const { json, form, query, token, signal } = options;
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? form : JSON.stringify(json);
  let answer;
  let text;
  try {
    answer = await fetch(address(origin, path, query), {
      method, headers, body, signal: signal ?? (form ? null : AbortSignal.timeout(PATIENCE)),
      credentials: "omit", cache: "no-store",
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  if (answer.ok) return text ? JSON.parse(text) : null;
  throw problem(answer.status, text);
}

function address(origin, path, query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return origin + path + (given.length ? `?${new URLSearchParams(given)}` : "");
}

/** What an answer says of what went wrong; something else than HiChat may have written it. */
export function problem(status, text) {
  let found = {};
  try {
    found = JSON.parse(text) ?? {};
  } catch {
    // a proxy's page
  }
  const code = found.code ?? (status >= 500 ? "unavailable" : "internal");
  return new ApiError(status, code, found.detail ?? `The server answered ${status}.`, found.retry ?? status >= 500);
}
