// Times as this person reads them: fragments carry moments, everybody's browser words them in their own zone.
import { language, say, zone } from "./words.js";

const format = (options) => new Intl.DateTimeFormat(language, { timeZone: zone, ...options });
const hourFormat = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayFormat = format({ day: "numeric", month: "short" });
const yearFormat = format({ day: "numeric", month: "short", year: "numeric" });
const longFormat = format({ weekday: "long", day: "numeric", month: "long" });
const keyFormat = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
const DAY = 86400000;

// The server's clock decides when an undo ends; a wrong clock here must not.
const skew = (() => {
  const server = Date.parse(document.body.dataset.now || "");
  const off = server ? server - Date.now() : 0;
  return Math.abs(off) > 2000 ? off : 0;
})();

export const now = () => Date.now() + skew;
export const hour = (at) => hourFormat.format(at);
export const dayKey = (at) => keyFormat.format(at);

export function dayLabel(at) {
  const key = dayKey(at);
  if (key === dayKey(now())) return say("today");
  if (key === dayKey(now() - DAY)) return say("yesterday");
  return longFormat.format(at);
}

function length(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60000);
  if (minutes < 60) return say("min", minutes);
  if (minutes < 48 * 60) return say("hour", Math.floor(minutes / 60));
  return say("day", Math.floor(minutes / 1440));
}

function moment(at) {
  if (dayKey(at) === dayKey(now())) return hour(at);
  if (Math.abs(at - now()) < 7 * DAY) return `${dayFormat.format(at)} ${hour(at)}`;
  return Math.abs(at - now()) < 300 * DAY ? dayFormat.format(at) : yearFormat.format(at);
}

const worded = {
  lasting: (at) => (now() - at < 60000 ? say("less_than_a_minute") : length(now() - at)),
  since: (at) => length(now() - at),
  until: (at) => length(Math.abs(at - now())),
  moment,
  hour: (at) => (dayKey(at) === dayKey(now()) ? hour(at) : `${dayFormat.format(at)} ${hour(at)}`),
};
// In the thread the day stands above, so an hour is enough.
const inThread = (time) => time.closest(".messages") !== null;

function write(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(+at)) return;
  const kind = time.dataset.kind === "hour" && inThread(time) ? hour : worded[time.dataset.kind];
  const text = kind ? kind(+at) : "";
  if (text && time.textContent !== text) time.textContent = text;
  const title = `${yearFormat.format(at)} ${hour(at)}`;
  if (time.title !== title) time.title = title;
}

// A running clock is calm, amber or red by itself as time goes on.
function colour(chip) {
  const tone = now() >= Date.parse(chip.dataset.due) ? "red" : chip.dataset.amber && now() >= Date.parse(chip.dataset.amber) ? "amber" : "calm";
  for (const each of ["red", "amber", "calm"]) chip.classList.toggle(each, each === tone);
}

function toneOf(row) {
  if (row.querySelector(".chip.clock.red, .chip.promise.past")) return "red";
  return row.querySelector(".chip.clock.amber") ? "amber" : "";
}

export function freshen(root = document) {
  root.querySelectorAll("time[data-kind]").forEach(write);
  root.querySelectorAll(".chip.clock[data-due]").forEach(colour);
  root.querySelectorAll(".chip:is(.promise, .task)[data-due]").forEach((chip) => chip.classList.toggle("past", now() >= Date.parse(chip.dataset.due)));
  const rows = root.matches?.(".case") ? [root] : root.querySelectorAll(".case");
  rows.forEach((row) => (row.dataset.tone = toneOf(row)));
}

export function startTimes() {
  freshen();
  setInterval(() => document.hidden || freshen(), 15000);
  document.addEventListener("visibilitychange", () => document.hidden || freshen());
}
