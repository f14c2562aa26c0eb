// Times, sizes and lengths in the words of the current language. Times are milliseconds.

import { locale } from "core/i18n.js";

const DAY = 86_400_000;
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const formats = new Map(); // made once: they are dear

function format(options) {
  const key = locale.value + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale.value, options));
  return formats.get(key);
}

function midnight(ms) {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/** Whole days from one moment's day to another's, in local time. */
export function daysBetween(from, to) {
  return Math.round((midnight(to) - midnight(from)) / DAY);
}

export function sameDay(one, other) {
  return midnight(one) === midnight(other);
}

/** The time of day: 14:05. */
export function formatTime(ms) {
  return format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

/** The day: today, yesterday, Monday, 3 May, 3 May 2021. */
export function formatDay(ms, now = Date.now()) {
  const days = daysBetween(ms, now);
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
    const text = words.format(-days, "day");
    return text.charAt(0).toLocaleUpperCase(locale.value) + text.slice(1);
  }
  if (days > 1 && days < 7) return format({ weekday: "long" }).format(ms);
  const year = new Date(ms).getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return format({ day: "numeric", month: "long", year }).format(ms);
}

/** As short as a list takes: the time today, else the day. */
export function formatShort(ms, now = Date.now()) {
  const days = daysBetween(ms, now);
  if (days <= 0) return formatTime(ms);
  if (days < 7) return formatDay(ms, now);
  const year = new Date(ms).getFullYear() === new Date(now).getFullYear() ? undefined : "2-digit";
  return format({ day: "numeric", month: "numeric", year }).format(ms);
}

/** How long ago, in the largest unit that fits: 5 minutes ago, yesterday, 3 May. */
export function formatAgo(ms, now = Date.now()) {
  const words = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
  const minutes = Math.max(1, Math.floor((now - ms) / 60_000));
  if (minutes < 60) return words.format(-minutes, "minute");
  if (minutes < 24 * 60) return words.format(-Math.floor(minutes / 60), "hour");
  const days = daysBetween(ms, now);
  return days < 7 ? words.format(-days, "day") : formatDay(ms, now);
}

/** A moment to come, to the minute: 1 December, 14:05. */
export function formatUntil(ms) {
  const year = new Date(ms).getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return format({
    day: "numeric", month: "long", year, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(ms);
}

/** Day and time in full, for titles. */
export function formatFull(ms) {
  return format({ dateStyle: "long", timeStyle: "medium" }).format(ms);
}

export function formatSize(bytes) {
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(locale.value, {
    style: "unit", unit: UNITS[unit], unitDisplay: unit ? "short" : "long",
    maximumFractionDigits: unit && size < 10 ? 1 : 0,
  }).format(size);
}

/** A length of sound or film: 0:07, 12:30, 1:02:03. */
export function formatDuration(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}
