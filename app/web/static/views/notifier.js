// Tells of new messages: read out to who cannot see, a notification and a sound for who has asked.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, openConversation } from "core/router.js";
import { effect } from "core/signals.js";
import { client } from "views/client.js";
import { environment } from "views/environment.js";
import { ding } from "views/parts/sound.js";
import { summary, titleOf } from "views/parts/summary.js";

const FRESH_MS = 60_000; // what is older was said while we were away: the list tells of it
const BETWEEN_SOUNDS_MS = 1500;
const TEXT_CHARS = 140;
const LOOKED_AT = "hichat.looked-at"; // in the storage of all tabs: the conversation that some tab shows now

const { storage } = environment;

let region = null;
let isTeller = false; // one tab tells for all
let sounded = 0;
const told = new Map(); // conversation -> the seq up to which was told: a sync repeats what was pushed

export function start() {
  region = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  document.body.append(region);
  const stay = () => {
    isTeller = true;
    return new Promise(() => {}); // for as long as this tab lives
  };
  if (navigator.locks) navigator.locks.request("hichat.notifier", stay);
  else stay(); // an insecure context: every tab tells
  for (const name of ["focus", "blur", "visibilitychange"]) addEventListener(name, tellPlace, true);
  addEventListener("pagehide", () => storage.remove(LOOKED_AT));
  effect(tellPlace);
  client.connection.on("event", onEvent);
}

function isWatched() {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Leave word for the other tabs of what is looked at here. */
function tellPlace() {
  const conversation = openConversation();
  if (isWatched() && conversation) storage.set(LOOKED_AT, String(conversation));
  else if (isWatched() || storage.get(LOOKED_AT) === String(conversation)) storage.remove(LOOKED_AT);
}

/** Runs when the store knows the event, so that names and settings are there. */
function onEvent(event) {
  if (event.type !== "message" || event.sender === client.session.user.peek()?.id) return;
  if (!event.message || Date.now() - event.at > FRESH_MS) return;
  setTimeout(() => tell(event));
}

function tell({ conversation, seq, sender, message }) {
  const row = client.conversations.get(conversation).peek();
  if (!row || told.get(conversation) >= seq) return;
  told.set(conversation, seq);
  const author = client.users.nameOf(sender) || t("common.unknown_user");
  const text = clipped(summary(message));
  if (isWatched()) {
    const here = openConversation() === conversation;
    region.textContent = t(here ? "notify.here" : "notify.elsewhere", { author, text, title: titleOf(row) });
  }
  if (row.read_seq >= seq) return; // seen, here or on another device
  const me = client.session.user.peek().id;
  const named = message.mention_all || message.mentions?.includes(me);
  if (!isTeller || (row.silent && !named)) return;
  if (storage.get(LOOKED_AT) === String(conversation)) return;
  if (client.prefs.sound.peek()) sound();
  if (client.prefs.notify.peek() && !isWatched()) show(row, author, text);
}

function sound() {
  if (Date.now() - sounded < BETWEEN_SOUNDS_MS) return;
  sounded = Date.now();
  ding();
}

function show(row, author, text) {
  if (globalThis.Notification?.permission !== "granted") return;
  const note = new Notification(titleOf(row), {
    body: row.kind === "private" ? text : t("notify.here", { author, text }), tag: `c${row.id}`,
  });
  note.onclick = () => {
    focus();
    go(`/c/${row.id}`);
    note.close();
  };
}

function clipped(text) {
  return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text;
}
