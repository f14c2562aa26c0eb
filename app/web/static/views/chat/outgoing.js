// From what stands in the composer to the messages that go out.

import { random } from "client/locks.js";
import { client } from "views/client.js";
import { EVERYBODY } from "views/chat/body.js";
import { kindOf, measure } from "views/chat/measure.js";

/** How many more characters a message with this text may have; they are counted as the server does. */
export function roomLeft(text) {
  const most = client.limits.known.value.max_content_chars;
  return most - (text.length <= most ? text.length : [...text].length);
}

/**
 * Send a text and files. One file carries the text; before several, it is a message of its own.
 * @param {Map<string, number>} chosen - whom one has chosen to mention, by name
 */
export async function sendAll(chat, text, files, chosen) {
  const target = { conversation: chat.id };
  const reply = chat.replyTo.peek()?.seq;
  const first = { ...(reply && { reply_to: reply }), ...mentionsOf(text, chosen, chat) };
  chat.replyTo.value = null;
  if (text && files.length !== 1) client.outbox.send(target, { media: "text", content: text, ...first });
  const album = random();
  for (const [i, file] of files.entries()) {
    const alone = files.length === 1;
    const head = alone || (i === 0 && !text) ? first : {};
    await sendFile(target, file, { content: alone ? text : "", ...head }, { album });
  }
}

/** Send one file. `measures` are known of what was recorded here; `album` as the outbox says. */
export async function sendFile(target, file, fields = {}, { measures = null, album = null } = {}) {
  const message = { media: kindOf(file), content: "", ...fields };
  const found = { blob: file, name: file.name, measures: measures ?? await measure(file) };
  return client.outbox.send(target, message, found, album);
}

/** Of those who were chosen, who is still in the text; and whether it calls everybody. */
function mentionsOf(text, chosen, chat) {
  const mentions = [...chosen].filter(([name]) => text.includes(`@${name}`)).map(([, id]) => id).slice(0, 50);
  const all = chat.kind.peek() === "group" && chat.isAdmin.peek() && EVERYBODY.some((word) => text.includes(`@${word}`));
  return { ...(mentions.length && { mentions }), ...(all && { mention_all: true }) };
}
