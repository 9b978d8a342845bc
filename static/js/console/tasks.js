// The page of what one has to do: asked again when something of it moved, here or elsewhere. Rows stay under a pointer or a
// focus that is on them: what is done or given away is struck out where it stands, what is new is announced.
import { freshen } from "./times.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const SOON = 200; // what moves together is asked for together
const EVERY = 1000; // and not more often than so
const AGAIN = 4000; // after an answer that did not come
const LET_GO = 800; // a second tap may follow the first
const box = () => document.getElementById("my-tasks");
const newer = () => document.querySelector("[data-tasks-newer]");
const rows = (root) => [...root.querySelectorAll(".todo[id]")];
const isLeft = (row) => row.classList.contains("left");
const canHover = matchMedia("(hover: hover)");
let timer = 0;
let asked = 0;
let turn = 0; // of two answers the one asked for later is right
let waiting = null; // what is to stand here, once nobody stands in it
let pressed = false;
let announced = 0;

export function tasksMoved() {
  if (!box() || timer) return;
  timer = setTimeout(() => (document.hidden ? later() : ask()), Math.max(SOON, asked + EVERY - Date.now()));
}
function later() {
  timer = 0;
  document.addEventListener("visibilitychange", tasksMoved, { once: true });
}

async function ask() {
  timer = 0;
  asked = Date.now();
  turn += 1;
  const mine = turn;
  const headers = { "HX-Request": "true", "HX-Target": "my-tasks" };
  const answer = await fetch(box().dataset.path, { credentials: "same-origin", headers }).catch(() => null);
  if (mine !== turn || answer?.redirected) return;
  if (!answer?.ok) { timer ||= setTimeout(ask, AGAIN); return; } // what moved is not shown yet
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  if (mine !== turn) return;
  waiting = holder.content;
  freshen(waiting);
  if (busy()) hold();
  else show();
}

const busy = () => pressed || (canHover.matches && box().matches(":hover")) || box().querySelector(":focus-visible") !== null;

// Each row stays in its place and says how it is now; what has none yet waits.
function hold() {
  const fresh = rows(waiting);
  for (const row of rows(box())) {
    const twin = fresh.find((one) => one.id === row.id);
    row.classList.toggle("left", !twin);
    row.querySelector(".tick-off")?.setAttribute("aria-disabled", String(!twin));
    if (twin) renew(row.querySelector(".grow"), twin.querySelector(".grow"));
  }
  const stays = rows(box()).filter((row) => !isLeft(row)).map((row) => row.id);
  const comes = fresh.filter((row) => !stays.includes(row.id));
  const inOrder = fresh.filter((row) => stays.includes(row.id)).every((row, at) => row.id === stays[at]);
  newer().hidden = !comes.length && inOrder;
  newer().textContent = comes.length ? say("newer", comes.length) : say("moved");
  if (comes.length > announced) whisper(say("tasks_said", comes.length));
  announced = comes.length;
}

function renew(words, fresh) {
  if (words.innerHTML !== fresh.innerHTML && !words.contains(document.activeElement)) words.replaceChildren(...fresh.cloneNode(true).childNodes);
}

function show() {
  if (!waiting) return;
  const before = rows(box()).filter((row) => !isLeft(row)).map((row) => row.id);
  const [here, at] = [document.activeElement?.closest?.("#my-tasks .todo"), document.activeElement?.tagName.toLowerCase()];
  const came = rows(waiting).filter((row) => !before.includes(row.id)).length - announced;
  box().replaceChildren(waiting);
  htmx.process(box());
  waiting = null;
  newer().hidden = true;
  if (came > 0) whisper(say("tasks_said", came));
  announced = 0;
  if (here) document.getElementById(here.id)?.querySelector(at)?.focus({ preventScroll: true });
}

let settling = 0;
function settle(after = 1200) {
  clearTimeout(settling);
  settling = setTimeout(() => waiting && !busy() && show(), after);
}

let letting = 0;
function press() {
  clearTimeout(letting);
  pressed = true;
}
function letGo() {
  clearTimeout(letting);
  letting = setTimeout(() => { pressed = false; settle(0); }, LET_GO);
}

export function startTasks() {
  if (!box()) return;
  box().addEventListener("pointerdown", press);
  for (const end of ["pointerup", "pointercancel", "contextmenu"]) document.addEventListener(end, () => pressed && letGo());
  box().addEventListener("pointerleave", () => settle());
  box().addEventListener("focusout", () => settle());
  // What has gone already is not done once more.
  box().addEventListener("click", (event) => { if (event.target.closest(".todo.left .tick-off")) { event.preventDefault(); event.stopPropagation(); } }, true);
  newer().addEventListener("click", show);
  document.addEventListener("htmx:afterRequest", (event) => { if (event.target.matches?.("[data-task-done]")) tasksMoved(); });
}
