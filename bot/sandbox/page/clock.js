// Times are shown in the reader's zone; "today" is the sandbox's day, which may run ahead of the machine's clock.

let ahead = 0;

/** Called with the sandbox's own time, an ISO string. */
export function setNow(iso) {
  const at = Date.parse(iso);
  if (!Number.isNaN(at)) ahead = at - Date.now();
}

export const now = () => new Date(Date.now() + ahead);

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

export const dateOfTs = (ts) => new Date(Number.parseFloat(ts) * 1000);
export const timeLabel = (date) => TIME.format(date);
export const fullLabel = (date) => FULL.format(date);

/** Sorts and groups by local day: "2026-11-21". */
export function dayKey(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function daysAgo(date) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  return Math.round((midnight(now()) - midnight(date)) / 86_400_000);
}

/** "Today", "Yesterday" or the date. */
export function dayLabel(date) {
  const ago = daysAgo(date);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return (date.getFullYear() === now().getFullYear() ? DAY : DAY_OF_YEAR).format(date);
}

const parts = (options) => (date) => new Intl.DateTimeFormat(undefined, options).format(date);
const pretty = (format) => (date) => (daysAgo(date) <= 1 && daysAgo(date) >= 0 ? dayLabel(date).toLowerCase() : format(date));
const LONG = parts({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
const MEDIUM = parts({ year: "numeric", month: "long", day: "numeric" });
const SHORT = parts({ year: "numeric", month: "short", day: "numeric" });

function ago(date) {
  const seconds = Math.round((date.getTime() - now().getTime()) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(seconds, "second");
}

const TOKENS = {
  date_num: dayKey, date_slash: (date) => dayKey(date).replaceAll("-", "/"),
  date: MEDIUM, date_short: SHORT, date_long: LONG,
  date_pretty: pretty(MEDIUM), date_short_pretty: pretty(SHORT), date_long_pretty: pretty(LONG),
  time: timeLabel, time_secs: parts({ hour: "2-digit", minute: "2-digit", second: "2-digit" }), ago,
};

/** Slack's date tokens: formatDate(date, "{date_short} at {time}"). Unknown tokens stay as they are. */
export function formatDate(date, template) {
  return template.replace(/\{(\w+)\}/g, (whole, token) => (Object.hasOwn(TOKENS, token) ? TOKENS[token](date) : whole));
}
