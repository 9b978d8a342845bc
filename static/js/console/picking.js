// Choosing cases in the list, or behind a number of the board: by their boxes, x, shift and a click or shift and j or k; then
// something is done to all of them.
import { list, rowOf, shown, step } from "./list.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const chosen = new Set(); // numbers
let everything = false; // all of the view, those beyond the last row too
let anchor = ""; // where a range begins
let place = ""; // the queue and view they were chosen in

const ROW = "#cases > .case, #board-cases .cases > .case";
const rows = () => [...document.querySelectorAll(ROW)].filter((row) => !row.classList.contains("left"));
const behind = () => document.getElementById("board-cases");
const here = () => (list() ? `${list().dataset.queue}?${shown(list())}` : behind()?.querySelector(".cases")?.dataset.path || "");
const numberOf = (row) => row.dataset.case;
const boxOf = (row) => row.querySelector("[data-pick]");
const bar = () => document.getElementById("bulk-bar");
export const isPicking = () => chosen.size > 0;

function set(row, on) {
  if (on) chosen.add(numberOf(row));
  else { chosen.delete(numberOf(row)); everything = false; }
}

// Another list, and what was chosen is another's.
export function dressPicks() {
  const box = list() || behind();
  if (!box) return;
  if (here() !== place) { chosen.clear(); everything = false; }
  place = here();
  const present = new Set(rows().map(numberOf));
  [...chosen].filter((number) => !present.has(number)).forEach((number) => chosen.delete(number));
  rows().forEach(dressPick);
  box.classList.toggle("picking", isPicking());
  showBar(present.size);
}
export function dressPick(row) {
  const on = chosen.has(numberOf(row));
  row.classList.toggle("picked", on);
  const box = boxOf(row);
  if (box) box.checked = on;
}

const countHere = () => Number(document.querySelector(`[data-count="${list()?.dataset.view}"]`)?.textContent || 0);
const howMany = () => (everything ? countHere() : chosen.size);
function showBar(present) {
  if (!bar()) return;
  bar().hidden = !isPicking();
  const words = say("picked", howMany());
  const told = bar().querySelector("[data-picked]");
  if (told.textContent !== words) told.textContent = words;
  const all = bar().querySelector("[data-pick-everything]");
  all.hidden = everything || chosen.size < present || countHere() <= present;
  all.textContent = say("pick_everything", countHere());
}

function focused() {
  return document.activeElement?.closest?.(ROW) || document.querySelector('#cases > .case[aria-current="true"]');
}
export function pickFocused() {
  const row = focused() || rows()[0];
  if (!row) return;
  set(row, !chosen.has(numberOf(row)));
  anchor = numberOf(row);
  dressPicks();
  if (!row.contains(document.activeElement)) row.querySelector("a").focus();
}
// Shift and j or k: what one passes is chosen too.
export function pickOn(by) {
  const from = focused();
  if (from) set(from, true);
  if (list()) step(by);
  else rows()[rows().indexOf(from) + by]?.querySelector("a").focus();
  const row = focused();
  if (row) { set(row, true); anchor = numberOf(row); }
  dressPicks();
}
export function pickNone() {
  if (!isPicking()) return false;
  chosen.clear();
  everything = false;
  dressPicks();
  whisper(say("picked_none"));
  return true;
}

function range(to) {
  const all = rows();
  const ends = [all.findIndex((row) => numberOf(row) === anchor), all.indexOf(to)].sort((a, b) => a - b);
  const [first, last] = ends[0] < 0 ? [ends[1], ends[1]] : ends;
  all.slice(first, last + 1).forEach((row) => set(row, true));
}

function clicked(event) {
  const row = event.target.closest?.(ROW);
  const box = event.target.closest?.("[data-pick]");
  if (row && (box || event.shiftKey)) {
    if (!box) { event.preventDefault(); event.stopPropagation(); getSelection()?.removeAllRanges(); }
    if (event.shiftKey) range(row);
    else set(row, box.checked);
    anchor = numberOf(row);
    dressPicks();
    return;
  }
  if (event.target.closest?.("[data-pick-none]")) pickNone();
  if (event.target.closest?.("[data-pick-everything]")) { everything = true; dressPicks(); }
  if (event.target.closest?.("[data-pick-start]")) { event.target.closest("[popover]")?.hidePopover(); list().classList.add("picking"); }
  const act = event.target.closest?.("[data-bulk-do]");
  if (act) { act.closest("[popover]")?.hidePopover(); send(act.dataset.bulkDo); }
  if (event.target.closest?.("[data-bulk-close]")) close();
}

// What was chosen, as it stands on the screen: a case that is another one by now is left out.
function selection() {
  const box = list();
  if (everything) return { everything: "1", view: box.dataset.view, q: box.dataset.q || "" };
  return { numbers: [...chosen].map((number) => `${number}:${rowOf(number)?.dataset.version || 0}`).join(",") };
}
function send(action) {
  const values = { do: action, ...selection() };
  htmx.ajax("POST", bar().dataset.address, { source: bar(), target: "#bulk-progress", swap: "innerHTML", values }).then(pickNone);
}
const put = (parameters, name, value) => (parameters.set ? parameters.set(name, value) : (parameters[name] = value));
function configure({ target, detail }) {
  if (target.matches?.("[data-bulk-example]")) put(detail.parameters, "example", [...chosen][0]);
  if (!target.matches?.("[data-bulk-form]")) return;
  for (const [name, value] of Object.entries(selection())) put(detail.parameters, name, value);
}

// --- how far it is

const line = () => document.querySelector("#bulk-progress .bulk-line");
function swapped({ target, detail }) {
  if (target.matches?.("[data-bulk-form]") && detail.xhr.status < 400) pickNone();
  const words = document.querySelector("#ask-body [data-picked-words]");
  if (words) words.textContent = say("picked_for", howMany());
  if (line()) sessionStorage.setItem("bulk", line().dataset.bulk);
}
function close() {
  sessionStorage.removeItem("bulk");
  line()?.remove();
}

export function startPicking() {
  document.addEventListener("click", clicked, true);
  document.addEventListener("htmx:configRequest", configure);
  document.addEventListener("htmx:afterSettle", swapped);
  document.addEventListener("htmx:afterRequest", swapped);
  const last = sessionStorage.getItem("bulk");
  if (last && document.getElementById("bulk-progress")) htmx.ajax("GET", `/bulk/${last}/`, { target: "#bulk-progress", swap: "innerHTML" });
}
