// The bar that stands in the composer's place while a voice message is recorded.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { scope } from "core/signals.js";
import { formatDuration } from "core/time.js";
import { sendFile } from "views/chat/outgoing.js";
import { Recorder } from "views/chat/recorder.js";
import { attempt } from "views/parts/errors.js";
import { iconButton } from "views/parts/button.js";

const SHOWN = 60; // bars
const SHORTEST_MS = 400; // a slip of the finger is not a message

/**
 * Start to record: {bar, cancel}. `done` is called when it is over. Throws if there is no microphone,
 * or it was refused.
 */
export async function startVoice(chat, done) {
  let recorder = null;
  const end = () => { dispose(); done(); };
  const cancel = () => { recorder.cancel(); end(); };
  const send = async () => {
    if (recorder.elapsed.peek() < SHORTEST_MS) { cancel(); return; }
    const { file, measures } = await recorder.finish();
    end();
    const reply = chat.replyTo.peek()?.seq;
    chat.replyTo.value = null;
    const sent = sendFile({ conversation: chat.id }, file, reply ? { reply_to: reply } : {}, { measures });
    chat.view?.toLatest();
    await attempt(() => sent);
  };
  try {
    recorder = await Recorder.start(send);
  } catch (error) {
    throw new Error(t("composer.no_microphone"), { cause: error });
  }
  const { value: bar, dispose } = scope(() => h("div", { class: "voice-bar" }, contents(recorder, cancel, send)));
  queueMicrotask(() => bar.querySelector(".primary").focus());
  return { bar, cancel: () => { recorder.cancel(); dispose(); } };
}

function contents(recorder, cancel, send) {
  return [
    iconButton(() => t("composer.discard_recording"), "trash", cancel),
    h("span", { class: "voice-dot", "aria-hidden": "true" }),
    h("span", { class: "voice-time", role: "timer", "aria-label": () => t("composer.recording") },
      () => formatDuration(recorder.elapsed.value)),
    level(recorder),
    iconButton(() => t("composer.send"), "send", send, { class: "icon-button primary" }),
  ];
}

/** The loudness of the last seconds. */
function level(recorder) {
  const bars = Array.from({ length: SHOWN }, (_, i) => h("i", {
    class: () => `level-${Math.min(9, Math.round(12 * (recorder.levels.value.at(i - SHOWN) ?? 0)))}`,
  }));
  return h("div", { class: "voice-level", "aria-hidden": "true" }, bars);
}
