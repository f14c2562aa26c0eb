// The loudness of a voice message: bytes from 0 to 255, on the wire as hex.

import { svg } from "core/dom.js";

export const BARS = 48;
const HEIGHT = 28;
const STEP = 4;

/** The bytes of a waveform; a flat line if there is none. */
export function decode(hex) {
  if (!hex) return new Array(BARS).fill(0);
  return resample(hex.match(/../g).map((pair) => parseInt(pair, 16)), BARS);
}

/** @param {number[]} levels - 0 to 1, any number of them @returns {string} hex, BARS bytes, the loudest 255 */
export function encode(levels) {
  if (!levels.length) return "";
  const loudest = Math.max(...levels, 0.02); // silence stays flat
  const byte = (level) => Math.round(255 * Math.min(1, level / loudest));
  return resample(levels, BARS).map((level) => byte(level).toString(16).padStart(2, "0")).join("");
}

/** So many values, each the largest of its part. */
function resample(values, count) {
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / count));
    return Math.max(...values.slice(from, to));
  });
}

/** The bars as a drawing; `played(i)` says whether bar i has been played. Reactive. */
export function bars(bytes, played) {
  const viewBox = `0 0 ${BARS * STEP} ${HEIGHT}`;
  return svg("svg", { class: "waveform", viewBox, preserveAspectRatio: "none", "aria-hidden": "true" },
    bytes.map((byte, i) => {
      const height = Math.max(2, (byte / 255) * HEIGHT);
      return svg("rect", {
        x: i * STEP + 0.5, y: (HEIGHT - height) / 2, width: STEP - 1.5, height, rx: 1.2, class: () => (played(i) ? "played" : null),
      });
    }));
}
