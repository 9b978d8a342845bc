// What one is told: the bell in the rail, its panel, a line at the foot of the window as it happens, and (chime.js) a sound.
import { chime, startChime } from "./chime.js";
import { openDialog } from "./dialogs.js";
import { askCounts, openNumber } from "./list.js";
import { csrf, me, memory, post } from "./me.js";
import { toast, whisper } from "./toast.js";
import { say } from "./words.js";

const bell = () => document.getElementById("bell");
const dialog = () => document.getElementById("news-dialog");
const tabs = globalThis.BroadcastChannel ? new BroadcastChannel(`forefront.news.${me}`) : null;
const AWAY = 30 * 60 * 1000; // after so long without a page of ours, what is new is one sentence
const TOGETHER = 500; // what comes within this is told together

// --- the bell

function showBell(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const fresh = holder.content.querySelector("#bell");
  if (!fresh || !bell()) return;
  const held = document.activeElement === bell();
  bell().replaceWith(fresh);
  htmx.process(fresh);
  if (held) fresh.focus({ preventScroll: true });
  memory.set("waiting", fresh.dataset.waiting);
}

let asking = 0;
export function askBell() {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const answer = await fetch("/notifications/bell/", { credentials: "same-origin", headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.ok && !answer.redirected) showBell(await answer.text());
  }, 150);
}

// Something was read here: other windows show it too.
function changed() {
  askBell();
  askCounts();
  tabs?.postMessage("changed");
}

// --- as it happens

const inFront = (number) => !document.hidden && number === openNumber();
let held = [];

export function told(event) {
  const number = String(event.case);
  if (inFront(number)) return readHere(number);
  const holder = document.createElement("template");
  holder.innerHTML = event.html || "";
  held.push({ number, text: holder.content.textContent.trim(), sound: event.sound, needs: event.needs, name: `${number}.${event.version}` });
  if (held.length === 1) setTimeout(tellAll, TOGETHER);
  return undefined;
}

// It stands before one's eyes: nothing to tell.
let reading = 0;
function readHere(number) {
  clearTimeout(reading);
  reading = setTimeout(() => post("/notifications/read/", { case: number }, { headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } }).then(changed, () => {}), 400);
}

function tellAll() {
  const all = held;
  held = [];
  const last = all.at(-1);
  const loud = all.filter((one) => one.sound);
  if (loud.length) chime(loud.at(-1).name);
  const one = all.length === 1;
  const text = one ? last.text : say("news_many", all.length, last.text);
  toast(text, { action: say(one ? "open_it" : "news_show"), act: one ? () => location.assign(`/cases/${last.number}/`) : show, stay: 8000 });
  whisper(text, { urgent: all.some((each) => each.needs) });
  if (dialog()?.open) show();
}

// --- the panel

const show = () => bell()?.click();

function swapped(event) {
  const { target } = event.detail;
  if (target?.id === "news-body") {
    if (!dialog().open) openDialog("news-dialog");
    (dialog().querySelector(".news-open") || dialog().querySelector("[data-close]"))?.focus();
  }
  const panel = document.getElementById("news");
  if (panel && (target?.id === "news-body" || target?.id === "news")) {
    if (Number(bell()?.dataset.waiting) !== Number(panel.dataset.waiting)) changed();
    if (document.activeElement === document.body) panel.querySelector(".news-open, a")?.focus();
  }
}

// Keys of the panel; Enter opens, the arrows move (dialogs.js).
function keys(event) {
  const group = event.target.closest?.(".news-group");
  if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = group.querySelector(`[data-news-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  button.click();
}

// --- coming back

function comeBack() {
  const last = memory.get("here") || 0;
  const waiting = Number(bell()?.dataset.waiting || 0);
  if (last && waiting && Date.now() - last > AWAY) toast(waiting === 1 ? say("while_away_one") : say("while_away", waiting), { action: say("news_show"), act: show, stay: 15000 });
  const here = () => { if (!document.hidden) memory.set("here", Date.now()); };
  here();
  setInterval(here, 60000);
}

export function startNews() {
  if (!bell()) return;
  startChime();
  document.addEventListener("htmx:afterSwap", swapped);
  document.addEventListener("keydown", keys);
  document.addEventListener("console:opened", () => { if (Number(bell()?.dataset.waiting)) changed(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askBell(); });
  tabs?.addEventListener("message", askBell);
  // A page that came with another count than the windows show: what it opened is read there too.
  if (memory.get("waiting") !== bell().dataset.waiting) tabs?.postMessage("changed");
  memory.set("waiting", bell().dataset.waiting);
  setInterval(() => !document.hidden && askBell(), 300000); // what slept is awake
  comeBack();
}
