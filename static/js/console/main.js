// The console. Everything listens on the document, so that swapped-in parts need no wiring of their own.
import { startActions } from "./actions.js";
import { startApprovals } from "./approvals.js";
import { startBoard } from "./board.js";
import { insertText, openComposer, startComposer } from "./composer.js";
import { startDevices } from "./devices.js";
import { startDialogs } from "./dialogs.js";
import { startFill } from "./fill.js";
import { startFilterBox } from "./filterbox.js";
import { startFirst } from "./first.js";
import { startFresh } from "./fresh.js";
import { startKeys } from "./keys.js";
import { dressList, forgetHeld, list, markOpen, openNext, rememberView, startList } from "./list.js";
import { startLink, watchPage } from "./link.js";
import { showLight } from "./light.js";
import { csrf, memory } from "./me.js";
import { startMacros } from "./macros.js";
import { startMentions } from "./mentions.js";
import { startNews } from "./news.js";
import { startPalette } from "./palette.js";
import { startPicking } from "./picking.js";
import { placeHtml } from "./place.js";
import { startReplies } from "./replies.js";
import { startStalls } from "./stalls.js";
import { startStanding } from "./standing.js";
import { startTags } from "./tags.js";
import { startTasks } from "./tasks.js";
import { earlierCame, openThread, startThread } from "./thread.js";
import { freshen, startTimes } from "./times.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

let earlierHeight = 0;

function configure(event) {
  const { detail } = event;
  detail.headers["X-CSRFToken"] = csrf();
  if (event.target.matches?.("form.write")) detail.headers["Idempotency-Key"] = event.target.elements.key.value;
  // The list beside a case opened by its address comes back in the view one last used.
  if (event.target.id === "list" && !detail.path.includes("view=")) ["view", "q"].forEach((name) => remembered(detail, name));
}

function remembered({ parameters }, name) {
  const value = sessionStorage.getItem(name);
  if (value) parameters.set ? parameters.set(name, value) : (parameters[name] = value);
}

const answered = new WeakSet();
function afterRequest(event) {
  const { xhr } = event.detail;
  answered.add(xhr);
  if (xhr.getResponseHeader("X-Fragments")) placeHtml(xhr.responseText);
  if (!xhr.status || xhr.status < 400 || xhr.status === 409) return;
  const told = (xhr.getResponseHeader("HX-Trigger") || "").includes("said");
  if (!told && !event.target.matches?.(".panel-body")) toast(say(xhr.status === 403 || xhr.status === 404 ? "forbidden" : "failed_server"), { level: "red" });
}

// A push may take a button away before its answer is here (an undone reply comes anew over the socket), and htmx tells only
// elements that are still in the page. What was asked is answered all the same.
function answerTheGone(event) {
  const { xhr } = event.detail;
  xhr.addEventListener("loadend", () => {
    if (answered.has(xhr) || event.target.isConnected) return;
    if (!xhr.status) return toast(say("failed"), { level: "red" });
    for (const [name, detail] of Object.entries(JSON.parse(xhr.getResponseHeader("HX-Trigger") || "{}"))) htmx.trigger(document.body, name, detail);
    afterRequest(event);
    return undefined;
  });
}

// What somebody unfolded in a section stays so when the section is asked again.
let unfolded = [];
const folds = (box) => [...box.querySelectorAll("details")];
const nameOf = (fold) => fold.querySelector("summary")?.textContent.trim();
function unfoldAgain(box) {
  folds(box).filter((fold) => unfolded.includes(nameOf(fold))).forEach((fold) => (fold.open = true));
  unfolded = [];
}

function beforeSwap(event) {
  const { xhr, target } = event.detail;
  if (target?.matches?.(".panel-body")) unfolded = folds(target).filter((fold) => fold.open).map(nameOf);
  // A sign-in page that came where a fragment was asked: the session is over.
  if (xhr.responseURL.includes("/sign-in/")) { event.detail.shouldSwap = false; toast(say("signed_out"), { level: "red", stay: 60000 }); location.reload(); }
  // What was asked before somebody began to write in it must not take their words.
  else if (target?.matches?.(".panel-body") && event.detail.requestConfig?.elt === target && isBeingFilledIn(target)) { event.detail.shouldSwap = false; askAgain(target); }
  if (event.target.closest?.(".earlier")) earlierHeight = document.getElementById("messages").scrollHeight;
  if (target?.id === "case") document.dispatchEvent(new Event("console:leaving"));
}

// htmx tells once for every element that came in; one answer is handled once.
let handled = null;
function afterSwap(event) {
  const { target, requestConfig, xhr } = event.detail;
  if (xhr === handled) return;
  handled = xhr;
  if (requestConfig?.path.includes("/earlier/")) earlierCame(document.getElementById("messages"), earlierHeight);
  else if (target?.id === "case") openRoom();
  else if (target?.id === "list") openList();
  else if (target) {
    if (target.matches(".panel-body")) unfoldAgain(target);
    freshen(target.isConnected ? target : document);
    if (target.querySelector?.("[data-topic]")) watchPage(); // a panel that shows something live of its own
  }
}

function openRoom() {
  const number = document.getElementById("case")?.dataset.case;
  document.body.classList.add("has-case");
  openThread();
  openComposer();
  markOpen(number);
  watchPage();
  document.dispatchEvent(new Event("console:opened"));
  if (!document.getElementById("cases")?.contains(document.activeElement)) document.getElementById("main").focus({ preventScroll: true });
}

function openList() {
  forgetHeld();
  rememberView();
  document.querySelector(".tabs.saved [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  dressList();
  showLight();
  watchPage();
}

function panelFailed(event) {
  const body = event.target.closest?.(".panel-body");
  if (!body) return;
  body.querySelector(".skeleton")?.remove();
  const failed = body.querySelector(".panel-failed");
  if (failed) failed.hidden = false;
}

function clicks(event) {
  const { target } = event;
  const again = target.closest?.("[data-again]");
  if (again) htmx.trigger(again.closest(".panel-body"), "changed");
  if (target.closest?.("[data-drawer]")) drawer();
  const insert = target.closest?.("[data-insert]");
  if (insert) { insertText(insert.closest(".answer").querySelector("[data-body]").textContent.trim()); toast(say("inserted")); }
  if (target.closest?.("[data-answered]")) { const box = document.querySelector('form.write [name="is_answer"]'); if (box) { box.checked = true; box.dispatchEvent(new Event("input", { bubbles: true })); } }
  const said = target.closest?.("[data-said]");
  if (said) for (const one of said.parentElement.querySelectorAll("[data-said]")) one.setAttribute("aria-pressed", String(one === said));
}

// Wide windows put the column away for good; narrow ones slide it in.
function drawer() {
  const room = document.getElementById("case");
  if (matchMedia("(max-width: 1279px)").matches) room.classList.toggle("context-open");
  else memory.set("context", document.body.classList.toggle("no-context") ? "off" : "on");
  document.querySelectorAll("[data-drawer][aria-expanded]").forEach((b) => b.setAttribute("aria-expanded", String(room.classList.contains("context-open") || !document.body.classList.contains("no-context"))));
}

// An executive's sitting lasts while their console is open, by HTTP too when the socket is away.
function stayAtTheQueue() {
  const sitting = document.querySelector("[data-session]");
  if (sitting) fetch(sitting.dataset.session, { method: "PUT", headers: { "X-CSRFToken": csrf() }, credentials: "same-origin" }).catch(() => {});
}

// Panels that follow the case are asked again when it moved, a moment later for all that moved at once; one that is being
// filled in waits until it is left.
const asking = new WeakMap();
const isBeingFilledIn = (panel) => panel.querySelector(":scope details[open] :is(input, textarea, select)") !== null;
function askAgain(panel) {
  clearTimeout(asking.get(panel));
  asking.set(panel, setTimeout(() => {
    if (panel.isConnected && isBeingFilledIn(panel)) askAgain(panel);
    else if (panel.isConnected) htmx.trigger(panel, "changed");
  }, 300));
}
const casePanelsAgain = () => document.querySelectorAll("[data-live-case]").forEach(askAgain);

// Now it is known whose the case is: everything beside it is another's.
function contextAgain() {
  const number = document.getElementById("case")?.dataset.case;
  if (number) htmx.ajax("GET", `/cases/${number}/`, { target: "#context", select: "#context", swap: "outerHTML" });
}

function panelsRemembered(event) {
  const panel = event.target;
  if (!panel.matches?.("[data-panel]")) return;
  const closed = new Set(memory.get("closed") || []);
  if (panel.open) closed.delete(panel.dataset.panel); else closed.add(panel.dataset.panel);
  memory.set("closed", [...closed]);
}
function closePanels() {
  const closed = new Set(memory.get("closed") || []);
  document.querySelectorAll("[data-panel]").forEach((panel) => { if (closed.has(panel.dataset.panel)) panel.open = false; });
}

function start() {
  if (memory.get("context") === "off") document.body.classList.add("no-context");
  document.addEventListener("htmx:configRequest", configure);
  document.addEventListener("htmx:beforeRequest", answerTheGone);
  document.addEventListener("htmx:afterRequest", afterRequest);
  document.addEventListener("htmx:beforeSwap", beforeSwap);
  document.addEventListener("htmx:afterSettle", (event) => { afterSwap(event); closePanels(); });
  document.addEventListener("htmx:responseError", panelFailed);
  document.addEventListener("htmx:sendError", (event) => { panelFailed(event); if (!event.target.closest?.(".panel-body, #list")) toast(say("failed"), { level: "red" }); });
  document.addEventListener("said", (event) => toast(event.detail.text, { level: event.detail.level }));
  document.addEventListener("click", clicks);
  document.addEventListener("toggle", panelsRemembered, true);
  document.addEventListener("console:next", openNext);
  document.addEventListener("console:moved", casePanelsAgain);
  document.addEventListener("console:known", contextAgain);
  document.querySelectorAll("#flash li").forEach((line) => toast(line.textContent, { level: line.dataset.level === "error" ? "red" : "calm" }));
  closePanels();
  startTimes();
  startDialogs();
  startPalette();
  startPicking();
  startFill();
  startFilterBox();
  startFirst();
  startTags();
  startKeys();
  startMentions();
  startReplies();
  startMacros();
  startList();
  startThread();
  startComposer();
  if (document.getElementById("case")?.dataset.case) markOpen(document.getElementById("case").dataset.case);
  rememberView();
  startActions();
  startStalls();
  startStanding();
  startNews();
  startBoard();
  startTasks();
  startApprovals();
  startDevices();
  startFresh();
  startLink();
  setInterval(stayAtTheQueue, 30000);
}

start();
