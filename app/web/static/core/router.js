// The address behind the `#` as a signal: which screen, with which parameters.

import { signal } from "core/signals.js";

const ROUTES = [
  ["login", "/login"], ["register", "/register"], ["home", "/"],
  ["chat", "/c/:conversation"], ["chat", "/c/:conversation/:seq"], ["user", "/u/:user"],
  ["contacts", "/contacts"], ["new-group", "/groups/new"], ["group", "/g/:group"],
  ["search", "/search"], ["settings", "/settings"], ["settings", "/settings/:section"],
  ["invite", "/i/:code"],
].map(([name, path]) => ({ name, path, parts: path.split("/") }));
const NUMBERS = ["conversation", "seq", "user", "group"];

/** {name, params}: `name` of ROUTES or "unknown"; ids and seqs are numbers. */
export const route = signal(parse(location.hash));

let followed = location.hash;

addEventListener("hashchange", follow);

/** An address is followed once, though the browser tells of it later again. */
function follow() {
  if (location.hash === followed) return;
  followed = location.hash;
  route.value = parse(followed);
}

/** The route of a hash: "#/c/12/345?q=x" is {name: "chat", params: {conversation: 12, ...}}. */
export function parse(hash) {
  const [path, query] = hash.replace(/^#?\/?/, "/").split("?");
  const parts = path.split("/");
  for (const { name, parts: wanted } of ROUTES) {
    const params = match(wanted, parts);
    if (params) return { name, params: { ...Object.fromEntries(new URLSearchParams(query)), ...params } };
  }
  return { name: "unknown", params: {} };
}

function match(wanted, parts) {
  if (wanted.length !== parts.length) return null;
  const params = {};
  for (const [i, part] of wanted.entries()) {
    if (!part.startsWith(":")) {
      if (part !== parts[i]) return null;
      continue;
    }
    const name = part.slice(1);
    const value = decode(parts[i]);
    if (NUMBERS.includes(name) && !/^[1-9]\d{0,15}$/.test(value)) return null;
    params[name] = NUMBERS.includes(name) ? Number(value) : value;
  }
  return params;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % in an address that somebody has typed
  }
}

/** The conversation that is open, by the route: in a chat, or with a group's details; else null. */
export function openConversation() {
  const { name, params } = route.value;
  if (name === "chat") return params.conversation;
  return name === "group" ? params.group : null;
}

/** Go to a path: "/c/12". `replace`: without a step in the history. */
export function go(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", `#${path}`);
  else location.hash = path;
  follow(); // now, not when the browser tells
}
