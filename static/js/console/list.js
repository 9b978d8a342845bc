// The queue list. Rows never move under the pointer or the focus: what would move is held and announced.
import { me, seen } from "./me.js";
import { before, belongs, byServer } from "./order.js";
import { dressPick, dressPicks } from "./picking.js";
import { freshen } from "./times.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const held = new Map(); // number → row that is to come in
const unsure = new Map(); // number → row of which only the server knows whether it belongs here
const strays = new Set(); // numbers of rows that stand where they no longer belong
let reorder = false;
let stale = false; // the list is to be asked for anew, once nobody stands in it
let asked = 0;
let timer = 0;
let pressed = null; // the row on which a button is down
let late = null; // what came for it meanwhile

export const list = () => document.querySelector("#list[data-view]");
const rows = () => [...document.querySelectorAll("#cases > .case")];
export const rowOf = (number) => document.getElementById(`row-${number}`);
export const openNumber = () => document.getElementById("case")?.dataset.case || "";

const canHover = matchMedia("(hover: hover)");
function busy() {
  const box = list();
  if (!box) return false;
  if (box.querySelector(".filter-form")?.contains(document.activeElement)) return true; // what is being typed would be lost
  return (canHover.matches && box.matches(":hover")) || document.getElementById("cases").contains(document.activeElement);
}

function dress(row) {
  const number = row.dataset.case;
  const inbound = row.classList.contains("inbound");
  row.classList.toggle("unread", inbound && Number(row.dataset.last || 0) > seen.of(number) && number !== openNumber());
  if (number === openNumber()) row.setAttribute("aria-current", "true");
  else row.removeAttribute("aria-current");
  row.querySelectorAll(".who[data-user]").forEach((who) => who.classList.toggle("mine", who.dataset.user === me));
  dressPick(row);
}

export function dressList() {
  if (!list()) return;
  rows().forEach(dress);
  freshen(list());
  dressPicks();
  showNewer();
}

// A list that was loaded anew has everything; what was held is in it.
export function forgetHeld() {
  held.clear();
  unsure.clear();
  strays.clear();
  reorder = stale = false;
}

export function applyRow(row) {
  if (!list()) return;
  const number = row.dataset.case;
  const old = rowOf(number);
  if (old && Number(old.dataset.version) > Number(row.dataset.version)) return;
  if (old && old === pressed) {
    if (!late || Number(late.dataset.version) <= Number(row.dataset.version)) late = row;
    return;
  }
  const fits = belongs(row, list());
  if (fits === null) unsure.set(number, row);
  if (old) replace(old, row, fits !== false);
  else if (fits) arrive(row);
  else if (fits === false) held.delete(number);
  askCounts();
}

// The row and its link stay the elements they were, for whoever stands on them or waits for what they asked.
function replace(row, fresh, stays) {
  const link = row.querySelector("a");
  const eyes = row.querySelector(".eyes");
  dressAs(row, fresh);
  link.replaceChildren(...fresh.querySelector("a").childNodes);
  if (eyes) link.querySelector(".eyes")?.replaceWith(eyes);
  dress(row);
  freshen(row);
  if (!stays) leave(row);
  else orderLater(row);
}
function dressAs(row, fresh) {
  [...row.attributes].filter(({ name }) => !fresh.hasAttribute(name)).forEach(({ name }) => row.removeAttribute(name));
  [...fresh.attributes].forEach(({ name, value }) => row.setAttribute(name, value));
}

// A click is lost when what was pressed goes before the button is up.
function press({ target }) {
  pressed = target.closest?.("#cases > .case");
}
function letGo() {
  setTimeout(() => {
    const row = late;
    pressed = late = null;
    if (row) applyRow(row);
  });
}

function leave(row) {
  const who = row.querySelector(".who");
  const word = row.dataset.assignee && row.dataset.assignee !== me && who ? say("taken", who.title) : say("left");
  row.classList.add("left");
  const wait = row.querySelector(".wait");
  if (wait) wait.textContent = word;
  if (!busy()) removeRow(row);
}

function removeRow(row) {
  row.remove();
  dressPicks();
  showEmpty();
}

export function dropRow(number) {
  held.delete(String(number));
  const row = rowOf(number);
  if (row) leave(row);
  askCounts();
}

function arrive(row) {
  if (busy()) {
    held.set(row.dataset.case, row);
    showNewer(true);
  } else insert(row, true);
}

function insert(row, fresh = false) {
  const next = placeOf(row);
  const end = document.querySelector("#cases > .more");
  // Beyond the last row of a list that goes on: it comes with the next page.
  if (!next && end) return;
  document.getElementById("cases").insertBefore(row, next || null);
  htmx.process(row);
  dress(row);
  freshen(row);
  row.classList.toggle("just", fresh);
  showEmpty();
}

function outOfPlace(row) {
  const previous = row.previousElementSibling;
  const next = row.nextElementSibling;
  return (previous?.matches(".case") && before(row, previous)) || (next?.matches(".case") && before(next, row));
}

// The row that comes after this one. Rows stand in order, so it is found by halving; while some wait to be put in order,
// one by one.
function placeOf(row) {
  const all = rows().filter((other) => other !== row && !other.classList.contains("left"));
  if (reorder) return all.find((other) => before(row, other)) || null;
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(row, all[middle])) high = middle;
    else low = middle + 1;
  }
  return all[low] || null;
}

function orderLater(row) {
  if (!reorder && !outOfPlace(row)) return;
  if (!reorder && !busy()) { moveToItsPlace(row); return; }
  strays.add(row.dataset.case);
  reorder = true;
  if (busy()) showNewer();
  else order();
}

// Of a long list only this row is touched: under load the others would be laid out many times a second.
function moveToItsPlace(row) {
  const place = document.getElementById("cases");
  place.insertBefore(row, placeOf(row) || place.querySelector(":scope > .more"));
}

// All others stand in order among themselves.
function order() {
  const away = rows().filter((row) => strays.has(row.dataset.case));
  strays.clear();
  reorder = false;
  away.forEach((row) => row.remove());
  away.forEach(moveToItsPlace);
}

export function showHeld() {
  if (!list()) return;
  if (stale) { refreshList({ now: true }); return; }
  const waiting = [...held.values()];
  held.clear();
  rows().filter((row) => row.classList.contains("left")).forEach(removeRow);
  if (reorder) order();
  waiting.forEach((row) => insert(row, true));
  showNewer();
}

function showNewer(announce = false) {
  const button = list()?.querySelector("[data-newer]");
  if (!button) return;
  button.hidden = !held.size && !reorder && !stale;
  button.textContent = held.size ? say("newer", held.size) : say("moved");
  if (announce) whisper(say("newer_said", held.size));
}

function showEmpty() {
  const empty = list()?.querySelector("[data-empty]");
  if (empty) empty.hidden = rows().length > 0;
}

// Counts, and membership that only the server knows: asked at most once a second, and not by hidden windows.
export function askCounts() {
  if (timer || !list()) return;
  const wait = Math.max(0, asked + 1000 - Date.now()) + Math.random() * 250;
  timer = setTimeout(() => (document.hidden ? later() : ask()), wait);
}
function later() {
  timer = 0;
  document.addEventListener("visibilitychange", () => askCounts(), { once: true });
}
async function ask() {
  timer = 0;
  asked = Date.now();
  const box = list();
  if (!box) return;
  const waiting = byServer(box.dataset.view) ? new Map(unsure) : new Map();
  const numbers = byServer(box.dataset.view) ? [...new Set([...waiting.keys(), ...rows().map((row) => row.dataset.case)])].slice(0, MOST_ASKED) : [];
  try {
    const answer = await fetch(`${box.dataset.counts}?${shown(box)}&numbers=${numbers.join(",")}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected && box === list()) showCounts(await answer.json(), numbers, waiting);
  } catch { /* offline: the light says so */ }
}
const MOST_ASKED = 200;
// The view as an address names it.
export const shown = (box) => `view=${box.dataset.view}${box.dataset.q ? `&q=${encodeURIComponent(box.dataset.q)}` : ""}`;

function showCounts({ counts, inside, load }, numbers, waiting) {
  if (load) document.querySelectorAll("[data-load]").forEach((place) => (place.textContent = load));
  for (const [name, count] of Object.entries(counts)) {
    document.querySelectorAll(`[data-count="${name}"]`).forEach((place) => (place.textContent = count));
  }
  const stay = new Set(inside.map(String));
  numbers.forEach((number) => decide(number, stay.has(number), waiting.get(number)));
  if (numbers.length || byServer(list().dataset.view)) askForTheRest(counts[list().dataset.view]);
}

// What the server said of one row; what came for it meanwhile is asked about again.
function decide(number, stays, row) {
  if (row && unsure.get(number) === row) unsure.delete(number);
  const old = rowOf(number);
  if (!stays) { if (held.delete(number)) showNewer(); if (old) leave(old); } else if (row && !old) arrive(row);
}

// More are in it than are here, and no button leads to them.
function askForTheRest(count) {
  const here = rows().filter((row) => !row.classList.contains("left")).length + held.size;
  if (count > here && !unsure.size && !document.querySelector("#cases > .more")) refreshList();
}

export function refreshList({ view = "", now = false } = {}) {
  const box = list();
  if (!box) return;
  if (busy() && !now) { stale = true; showNewer(); return; }
  htmx.ajax("GET", `/queues/${box.dataset.queue}/?${view ? `view=${view}` : shown(box)}`, { target: "#list", swap: "outerHTML" });
}

// The list that comes beside another case is in the view one last used.
export function rememberView() {
  if (!list()) return;
  sessionStorage.setItem("view", list().dataset.view);
  sessionStorage.setItem("q", list().dataset.q || "");
}

export function markOpen(number) {
  const row = rowOf(number);
  if (row) seen.mark(number, Number(row.dataset.last || 0));
  rows().forEach(dress);
}

export function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const from = at >= 0 ? at : all.findIndex((row) => row.getAttribute("aria-current"));
  // What has left the list is passed over; at its end one stays where one is.
  const ahead = by > 0 ? all.slice(from + 1) : all.slice(0, Math.max(from, 0)).reverse();
  const next = ahead.find((row) => !row.classList.contains("left")) || all[Math.max(from, 0)];
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
}

// After "resolve, next": the row below the one that was open, else above, else the server's choice.
export function openNext() {
  const all = rows().filter((row) => !row.classList.contains("left"));
  const at = all.findIndex((row) => row.dataset.case === openNumber());
  const next = all[at + 1] || all[at - 1];
  if (next && next.dataset.case !== openNumber()) next.querySelector("a").click();
  else document.querySelector('[data-action="next"]')?.click();
}

export function startList() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-newer]")) { if (reorder && !held.size) order(); showHeld(); }
  });
  document.addEventListener("pointerdown", press);
  for (const end of ["pointerup", "pointercancel", "contextmenu"]) document.addEventListener(end, letGo);
  let leaving = 0;
  const settle = () => { clearTimeout(leaving); leaving = setTimeout(() => busy() || showHeld(), 1200); };
  // Not `pointerout`: none is told when what was under the pointer had just been put anew by a push.
  document.addEventListener("pointerleave", ({ target }) => { if (target.id === "list") settle(); }, true);
  document.addEventListener("focusout", (event) => { if (event.target.closest?.("#cases, #list .filter-form")) settle(); });
  // What is due or has waited so long comes and goes by the clock alone.
  setInterval(() => list()?.hasAttribute("data-timed") && askCounts(), 20_000);
  document.addEventListener("list:again", ({ detail }) => refreshList({ view: detail.view, now: true }));
  dressList();
}
