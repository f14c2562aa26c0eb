// From what stands in the composer to the messages that go out.

import { client } from "views/client.js";
import { EVERYBODY } from "views/chat/body.js";
import { kindOf, measure } from "views/chat/measure.js";

export const LONGEST = 10_000; // characters of a message, as the server counts: code points

export const lengthOf = (text) => (text.length <= LONGEST ? text.length : [...text].length);

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
  for (const [i, file] of files.entries()) {
    const alone = files.length === 1;
    const head = alone || (i === 0 && !text) ? first : {};
    await sendFile(target, file, { content: alone ? text : "", ...head });
  }
}

/** Send one file. `measures` are known of what was recorded here. */
export async function sendFile(target, file, fields = {}, measures = null) {
  const message = { media: kindOf(file), content: "", ...fields };
  return client.outbox.send(target, message, { blob: file, name: file.name, measures: measures ?? await measure(file) });
}

/** Of those who were chosen, who is still in the text; and whether it calls everybody. */
function mentionsOf(text, chosen, chat) {
  const mentions = [...chosen].filter(([name]) => text.includes(`@${name}`)).map(([, id]) => id).slice(0, 50);
  const all = chat.kind.peek() === "group" && chat.isAdmin.peek() && EVERYBODY.some((word) => text.includes(`@${word}`));
  return { ...(mentions.length && { mentions }), ...(all && { mention_all: true }) };
}
