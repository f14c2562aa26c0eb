// Plays a voice message: a button, the waveform to seek in, the time. One plays at a time.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { atEnd, computed, effect, signal } from "core/signals.js";
import { formatDuration } from "core/time.js";
import { BARS, bars, decode } from "views/chat/waveform.js";
import { icon } from "views/parts/icons.js";

const SPEEDS = [1, 1.5, 2];
const STEP_MS = 1000; // of the arrow keys

let playing = null; // the <audio> that plays, of all

/**
 * @param {{name, duration, waveform}} about - duration in milliseconds
 * @param {Source} url - a signal of the address; "" until it is known
 */
export function player(about, url) {
  const sound = h("audio", { preload: "none" });
  const on = signal(false);
  const at = signal(0); // ms
  const length = signal(about.duration ?? 0);
  const speed = signal(1);
  const broken = signal(false);
  const share = computed(() => (length.value ? at.value / length.value : 0));
  wire(sound, { on, at, length, broken, known: Boolean(about.duration) });
  effect(() => { if (url.value) sound.src = url.value; });
  effect(() => { sound.playbackRate = speed.value; });
  atEnd(() => sound.pause());
  const toggle = () => { if (sound.paused) play(sound, broken); else sound.pause(); };
  const seek = h("input", {
    type: "range", class: "seek", min: 0, max: () => Math.max(1, length.value), step: STEP_MS, ".value": () => String(at.value),
    "aria-label": () => t("media.position"), "aria-valuetext": () => formatDuration(at.value),
    "on:input": (event) => { at.value = Number(event.target.value); sound.currentTime = at.value / 1000; },
  });
  return h("div", { class: "player" },
    h("button", {
      type: "button", class: "icon-button primary round", disabled: () => !url.value, "on:click": toggle,
      "aria-label": () => t(on.value ? "media.pause" : "media.play"),
    }, () => icon(on.value ? "pause" : "play")),
    h("div", { class: "player-wave" }, bars(decode(about.waveform), (i) => i < share.value * BARS), seek),
    h("span", { class: "player-time" },
      () => (broken.value ? t("media.broken") : formatDuration(on.value || at.value ? at.value : length.value))),
    when(() => on.value, () => h("button", {
      type: "button", class: "speed", "aria-label": () => t("media.speed"),
      "on:click": () => { speed.value = SPEEDS[(SPEEDS.indexOf(speed.value) + 1) % SPEEDS.length]; },
    }, () => `${speed.value}×`)), sound);
}

function wire(sound, { on, at, length, broken, known }) {
  let frame = 0;
  const follow = () => {
    at.value = sound.currentTime * 1000;
    frame = requestAnimationFrame(follow);
  };
  const events = {
    play: () => { on.value = true; follow(); },
    pause: () => { on.value = false; cancelAnimationFrame(frame); },
    ended: () => { at.value = 0; },
    loadedmetadata: () => { if (!known && Number.isFinite(sound.duration)) length.value = sound.duration * 1000; },
    error: () => { if (sound.src) broken.value = true; },
  };
  for (const [name, listener] of Object.entries(events)) sound.addEventListener(name, listener);
}

async function play(sound, broken) {
  if (playing !== sound) playing?.pause();
  playing = sound;
  try {
    await sound.play();
  } catch (error) {
    if (error.name !== "AbortError") broken.value = true; // aborted: paused before it had begun
  }
}
