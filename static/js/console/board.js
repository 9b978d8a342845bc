// The board of those who lead: asked again when something moved, at most once a second; cases are given by hand, by key, by drag.
import { csrf } from "./me.js";
import { dressPicks, isPicking, pickNone } from "./picking.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const AFTER = 1100; // the server puts it together once a second: what is asked then is newer than what moved
const SPREAD = 400; // many boards hear of it at the same moment
const EVERY = 20000; // what falls due does so without anything moving
const box = () => document.getElementById("board");
const pane = () => document.getElementById("board-cases");
const rows = () => [...(pane()?.querySelectorAll("li.case") || [])];
const path = () => pane()?.querySelector("ol.cases")?.dataset.path || "";

let asking = 0;
let dragged = null;

export function boardMoved() {
  if (!box() || asking) return;
  asking = setTimeout(ask, AFTER + Math.random() * SPREAD);
}

function ask() {
  asking = 0;
  if (document.hidden || dragged || document.querySelector("dialog[open]")) { boardMoved(); return; }
  htmx.trigger(box(), "changed");
  if (path()) casesMoved();
}

// The rows stay under a pointer or a focus that is on them; who did something here sees it at once.
async function casesMoved({ now = false } = {}) {
  const held = pane().matches(":hover") || pane().contains(document.activeElement);
  const newer = pane().querySelector("[data-board-newer]");
  if (!held || now || !newer) { htmx.ajax("GET", path(), { target: "#board-cases", swap: "innerHTML" }); return; }
  if (newer.hidden) newer.hidden = !(await differs());
}

// Whether other rows, or the same otherwise, would stand there now.
const rowsOf = (root) => [...root.querySelectorAll("li.case")].map((row) => `${row.id}.${row.dataset.version}`).join();
async function differs() {
  const asked = path();
  const answer = await fetch(asked, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || asked !== path()) return false;
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  return rowsOf(holder.content) !== rowsOf(pane());
}

// --- what comes anew keeps the focus where it was

let focused = { id: "", at: -1 };
function leaving({ detail }) {
  if (!["board", "board-cases"].includes(detail.target?.id)) return;
  const active = document.activeElement;
  const at = rows().findIndex((row) => row.contains(active));
  focused = { id: detail.target.contains(active) ? active.id : "", at: detail.target.id === "board-cases" ? at : -1 };
}

function come({ detail }) {
  const { target } = detail;
  if (!["board", "board-cases"].includes(target?.id)) return;
  if (focused.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
  if (target.id === "board-cases") opened(); else mark();
  focused = { id: "", at: -1 };
}

// The number whose cases stand beside the board.
function mark() {
  document.querySelectorAll("#board [aria-current]").forEach((old) => old.removeAttribute("aria-current"));
  if (path()) document.querySelector(`#board a[hx-get="${CSS.escape(path())}"]`)?.setAttribute("aria-current", "true");
}

let shown = "";
function opened() {
  rows().forEach((row) => (row.draggable = true));
  document.body.classList.toggle("has-cases", Boolean(path()));
  mark();
  dressPicks();
  if (focused.at >= 0) (rows()[Math.min(focused.at, rows().length - 1)]?.querySelector("a") || title())?.focus({ preventScroll: true });
  else if (path() !== shown) title()?.focus();
  shown = path();
}
const title = () => document.getElementById("board-cases-title");

function shut() {
  const from = document.querySelector("#board [aria-current]");
  pane().replaceChildren();
  shown = "";
  document.body.classList.remove("has-cases");
  from?.removeAttribute("aria-current");
  from?.focus();
}

// --- giving a case to somebody, to another queue, back to everybody

async function send(method, url, values) {
  const headers = { "X-CSRFToken": csrf(), "HX-Request": "true" };
  const answer = await fetch(url, { method, headers, credentials: "same-origin", ...(method === "POST" ? { body: new URLSearchParams(values) } : {}) }).catch(() => null);
  if (!answer) return { text: say("failed"), ok: false };
  const { said, leveled } = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
  return { text: said?.text || leveled?.text || (answer.ok ? "" : say("failed_server")), ok: answer.ok };
}

async function give(row, drop) {
  const { case: number, queue, assignee } = row.dataset;
  const url = `/cases/${number}/`;
  const back = () => (assignee ? ["POST", `${url}assignment/`, { to: assignee }] : ["DELETE", `${url}assignment/`]);
  const goes = drop.queue ? ["POST", `${url}transfer/`, { queue: drop.queue }] : drop.user ? ["POST", `${url}assignment/`, { to: drop.user }] : ["DELETE", `${url}assignment/`];
  await done(goes, drop.queue ? [["POST", `${url}transfer/`, { queue }], ...(assignee ? [back()] : [])] : [back()]);
}

async function done(step, back) {
  const { text, ok } = await send(...step);
  const undo = async () => {
    let last = { text: "", ok: true };
    for (const each of back) if (last.ok) last = await send(...each);
    toast(last.text, { level: last.ok ? "calm" : "red" });
    after();
  };
  toast(text, ok && back.length ? { action: say("undo"), act: undo, stay: 10000 } : { level: ok ? "calm" : "red" });
  after();
}

function after() {
  if (path()) casesMoved({ now: true });
  boardMoved();
}

// Where this row may be let go: a person or nobody of its own queue, or another queue.
function dropOf(target, row) {
  const place = target.closest?.("[data-drop-user], [data-drop-nobody], [data-drop-queue]");
  if (!place || !row) return null;
  const { dropUser: user, dropQueue: queue } = place.dataset;
  const own = place.closest("[data-drop-queue]").dataset.dropQueue === row.dataset.queue;
  if (user) return own && user !== row.dataset.assignee ? { place, user } : null;
  if ("dropNobody" in place.dataset) return own && row.dataset.assignee ? { place } : null;
  return own ? null : { place, queue };
}

const clear = () => document.querySelectorAll(".drop-here").forEach((place) => place.classList.remove("drop-here"));

function drags(event) {
  const row = event.target.closest?.("#board-cases li.case");
  if (event.type === "dragstart" && row) {
    dragged = row;
    event.dataTransfer.setData("text/plain", `#${row.dataset.case}`);
    event.dataTransfer.effectAllowed = "move";
    document.body.classList.add("dragging");
  }
  if (!dragged) return;
  if (event.type === "dragover") {
    const drop = dropOf(event.target, dragged);
    clear();
    if (drop) { event.preventDefault(); drop.place.classList.add("drop-here"); }
  }
  if (event.type === "drop") {
    const drop = dropOf(event.target, dragged);
    if (drop) { event.preventDefault(); give(dragged, drop); }
  }
  if (event.type === "drop" || event.type === "dragend") { clear(); dragged = null; document.body.classList.remove("dragging"); }
}

// --- keys of the rows

const asks = { a: "assignment", v: "transfer" };
function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !pane()?.contains(event.target)) return;
  if (event.key === "Escape") { event.preventDefault(); if (!pickNone()) shut(); return; }
  const at = rows().findIndex((row) => row.contains(event.target));
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); rows()[Math.max(0, Math.min(at + step, rows().length - 1))]?.querySelector("a").focus(); }
  if (!asks[event.key] || at < 0 || isPicking()) return; // of several that are chosen their bar asks
  event.preventDefault();
  htmx.ajax("GET", `/cases/${rows()[at].dataset.case}/${asks[event.key]}/`, { target: "#ask-body", swap: "innerHTML" });
}

function clicks(event) {
  if (event.target.closest?.("[data-board-close]")) shut();
  if (event.target.closest?.("[data-board-newer]")) casesMoved({ now: true });
}

function leveled({ detail: { text, url, moves } }) {
  if (!url) { toast(text); after(); return; }
  const values = [...moves.map((move) => ["moves", move]), ["undo", "1"]];
  toast(text, { action: say("undo"), act: () => done(["POST", url, values], []), stay: 15000 });
  after();
}

export function startBoard() {
  document.addEventListener("leveled", leveled);
  if (!box()) return;
  document.addEventListener("htmx:beforeSwap", leaving);
  document.addEventListener("htmx:afterSettle", come);
  document.addEventListener("htmx:afterRequest", (event) => { if (event.target.matches?.(".ask-form") && event.detail.xhr.status === 200) after(); });
  for (const name of ["dragstart", "dragover", "drop", "dragend"]) document.addEventListener(name, drags);
  document.addEventListener("keydown", keys, true);
  document.addEventListener("click", clicks);
  setInterval(boardMoved, EVERY);
  opened();
}
