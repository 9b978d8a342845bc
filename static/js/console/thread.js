// The open conversation: placing messages, days, the rule before what is new, undo's seconds.
import { fitRow } from "./actions.js";
import { me, seen } from "./me.js";
import { dayKey, dayLabel, freshen, now } from "./times.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const place = () => document.getElementById("messages");
const FOLD = 3;

export const headVersion = () => Number(document.querySelector(".case-head")?.dataset.version || 0);

export const hasPromise = () => Boolean(document.querySelector(".case-head")?.dataset.promise);
export const isFinished = () => ["closed", "merged", "spam"].includes(document.querySelector(".case-head")?.dataset.status);

export function applyHead(head) {
  const old = document.getElementById(head.id);
  if (!old || Number(old.dataset.version) > Number(head.dataset.version)) return;
  const moved = old.dataset.version !== head.dataset.version;
  const known = !old.dataset.customer && head.dataset.customer;
  old.replaceWith(head);
  freshen(head);
  fitActions();
  if (moved) document.dispatchEvent(new CustomEvent("console:moved"));
  if (known) document.dispatchEvent(new CustomEvent("console:known"));
}

// Buttons that make no sense now are not in the way.
export function fitActions() {
  const head = document.querySelector(".case-head");
  if (!head) return;
  const { status, assignee } = head.dataset;
  const active = ["new", "open", "waiting_customer", "waiting_internal"].includes(status);
  const show = (action, on) => document.querySelectorAll(`.actions [data-action="${action}"]`).forEach((b) => (b.hidden = !on));
  show("takeover", active && assignee && assignee !== me);
  show("claim", active && assignee !== me && !assignee);
  show("resolution", active);
  const follows = (head.dataset.followers || "").split(" ").includes(me);
  show("follow", !follows);
  show("unfollow", follows);
  for (const action of ["assignment", "snooze", "transfer", "merge"]) show(action, active);
  show("promises", Boolean(head.dataset.promise));
  show("customer", !head.dataset.customer);
  fitRow();
  document.dispatchEvent(new CustomEvent("console:head"));
}

export function applyMessage(message, version) {
  const box = place();
  if (!box) return;
  const old = document.getElementById(message.id);
  message.dataset.applied = version;
  if (old) {
    if (Number(old.dataset.applied || 0) > version) return;
    keepOpen(old, message);
    old.replaceWith(message);
  } else {
    const stick = nearEnd();
    if (!put(box, message)) return;
    if (message.classList.contains("in")) announce(message, stick);
    if (stick || message.dataset.author === me) toEnd();
  }
  settle(message);
}

// What somebody unfolded stays so when its message comes anew.
function keepOpen(old, message) {
  const fresh = message.querySelectorAll("details");
  old.querySelectorAll("details").forEach((was, n) => { if (fresh[n]) fresh[n].open = was.open; });
}

// The order of the page: by time, and at one moment what was said before what followed from it. What is noticed late (a
// target that was missed, a mail that lay about) belongs where it happened; runs of lines are cut and joined for it.
function put(box, entry) {
  const entries = [...box.querySelectorAll(":scope > .msg, :scope > .sys > .line")];
  const next = entries.find((other) => comesAfter(other, entry));
  if (next && next === entries[0] && box.querySelector(":scope > .earlier")) return false; // it comes with what is earlier
  const before = next ? top(cut(next)) : null;
  if (entry.matches(".msg")) box.insertBefore(entry, before);
  else runBefore(box, before).append(entry);
  if (before?.matches(".sys") && before.previousElementSibling?.matches(".sys")) join(before.previousElementSibling, before);
  return true;
}
function comesAfter(other, entry) {
  if (other.dataset.at !== entry.dataset.at) return other.dataset.at > entry.dataset.at;
  if (other.matches(".line") !== entry.matches(".line")) return other.matches(".line");
  return Number(other.dataset.version) > Number(entry.dataset.version);
}
const top = (entry) => (entry.matches(".line") ? entry.parentElement : entry);
const isRule = (part) => part?.matches(".day, .unread-rule");
function aRun() {
  const run = document.createElement("ul");
  run.className = "sys";
  return run;
}
// A line that comes to stand first in its run, for whatever goes before it.
function cut(entry) {
  const earlier = entry.matches(".line") ? [...entry.parentElement.querySelectorAll(".line")] : [];
  const first = earlier.slice(0, earlier.indexOf(entry));
  if (!first.length) return entry;
  const run = aRun();
  run.append(...first);
  entry.parentElement.before(run);
  fold(run);
  fold(entry.parentElement);
  return entry;
}
function runBefore(box, before) {
  let last = before ? before.previousElementSibling : box.lastElementChild;
  while (isRule(last)) last = last.previousElementSibling;
  if (last?.matches(".sys")) return last;
  const run = aRun();
  box.insertBefore(run, before);
  return run;
}
function join(run, next) {
  run.append(...next.querySelectorAll(".line"));
  next.remove();
}
const timeOf = (child) => child.dataset.at || child.querySelector(".line")?.dataset.at || "";

export function applyLine(line, version) {
  const box = place();
  if (!box) return;
  line.dataset.applied = version;
  const old = document.getElementById(line.id);
  if (old) {
    // The one line that changes: how an acknowledgement fares.
    if (Number(old.dataset.applied || 0) < version) { line.hidden = old.hidden; old.replaceWith(line); settle(line); }
    return;
  }
  const stick = nearEnd();
  if (!put(box, line)) return;
  settle(line);
  fold(line.parentElement);
  if (stick) toEnd();
}

// Words came from another case, or went to one: the newest piece of the thread stands anew, and who read its end reads on.
export function applyThread(whole, version) {
  const box = place();
  if (!box) return;
  const stick = nearEnd();
  const top = box.scrollTop;
  whole.querySelectorAll(".msg, .line").forEach((entry) => {
    entry.dataset.applied = version;
    const old = document.getElementById(entry.id);
    if (old) keepOpen(old, entry);
  });
  box.replaceChildren(...whole.childNodes);
  box.querySelectorAll(".sys").forEach(fold);
  settle(box);
  if (stick) toEnd(); else box.scrollTop = top;
}

function settle(element) {
  htmx.process(element);
  freshen(element.parentElement || element);
  days();
  tick();
}

function announce(message, seenNow) {
  whisper(say("arrived", message.querySelector("header b")?.textContent || ""), { urgent: true });
  if (!seenNow) {
    const jump = document.querySelector("[data-jump]");
    const count = Number(jump.dataset.count || 0) + 1;
    jump.dataset.count = count;
    jump.hidden = false;
    jump.querySelector("[data-jump-word]").textContent = say("below", count);
  }
}

// One divider a day, in this person's zone.
function days() {
  const box = place();
  box.querySelectorAll(":scope > .day").forEach((day) => day.remove());
  let last = "";
  for (const child of [...box.children]) {
    const at = timeOf(child);
    if (!at) continue;
    const key = dayKey(new Date(at));
    if (key !== last) {
      const day = document.createElement("div");
      day.className = "day";
      day.dataset.day = key;
      day.append(document.createElement("span"));
      day.firstChild.textContent = dayLabel(new Date(at));
      box.insertBefore(day, child.previousElementSibling?.matches(".unread-rule") ? child.previousElementSibling : child);
    }
    last = key;
  }
}

function fold(list) {
  list.querySelector(".fold")?.remove();
  const lines = list.querySelectorAll(".line").length;
  if (lines <= FOLD || list.dataset.unfolded) { list.classList.remove("folded"); return; }
  list.classList.add("folded");
  const item = document.createElement("li");
  item.className = "fold";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ghost";
  button.textContent = say("earlier_changes", lines - 1);
  button.addEventListener("click", () => { list.dataset.unfolded = "1"; fold(list); });
  item.append(button);
  list.prepend(item);
}

function unreadRule(box, number) {
  const since = seen.of(number);
  if (!since) return null;
  const first = [...box.querySelectorAll(".msg.in, .msg.note")].find((m) => Date.parse(m.dataset.at) > since && m.dataset.author !== me);
  if (!first || !first.previousElementSibling) return null;
  const rule = document.createElement("div");
  rule.className = "unread-rule";
  rule.setAttribute("role", "separator");
  rule.setAttribute("aria-label", say("new"));
  rule.dataset.label = say("new");
  first.before(rule);
  return rule;
}

const nearEnd = () => { const box = place(); return box.scrollHeight - box.scrollTop - box.clientHeight < 90; };
function toEnd() {
  const box = place();
  box.scrollTop = box.scrollHeight;
  const jump = document.querySelector("[data-jump]");
  if (jump) { jump.hidden = true; jump.dataset.count = 0; }
}

// Whoever reads the end goes on reading it while the head or the composer grows.
let height = 0;
const resized = new ResizeObserver(([{ target: box }]) => {
  const read = box.scrollHeight - box.scrollTop - height < 90;
  if (read && box.clientHeight < height) box.scrollTop = box.scrollHeight;
  height = box.clientHeight;
});

export function openThread() {
  const box = place();
  resized.disconnect();
  if (!box) return;
  height = box.clientHeight;
  resized.observe(box);
  const number = document.getElementById("case").dataset.case;
  box.querySelectorAll(".sys").forEach(fold);
  const rule = unreadRule(box, number);
  days();
  freshen(document.getElementById("case"));
  fitActions();
  tick();
  if (rule && rule.offsetTop < box.scrollHeight - box.clientHeight) box.scrollTop = rule.offsetTop - 60;
  else toEnd();
  markRead();
}

// What stands on the screen while somebody looks is read.
export function markRead() {
  const box = place();
  if (!box || document.hidden) return;
  const last = Math.max(0, ...[...box.querySelectorAll(".msg")].map((m) => Date.parse(m.dataset.at)));
  seen.mark(document.getElementById("case").dataset.case, last);
}

// Undo is offered to its author while the seconds run.
function tick() {
  document.querySelectorAll(".delivery[data-release]").forEach((delivery) => {
    const left = Math.ceil((Date.parse(delivery.dataset.release) - now()) / 1000);
    const undo = delivery.querySelector(".undo");
    undo.hidden = undo.dataset.onlyFor !== me || left <= 0;
    undo.querySelector("[data-countdown]").textContent = say("undo_in", Math.max(left, 0));
  });
}

export function startThread() {
  setInterval(tick, 500);
  document.addEventListener("visibilitychange", markRead);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-jump]")) toEnd(); });
  document.addEventListener("scroll", (event) => { if (event.target.id === "messages" && nearEnd()) { const jump = document.querySelector("[data-jump]"); if (jump) { jump.hidden = true; jump.dataset.count = 0; } } }, true);
  openThread();
}

// More of the thread came in above: keep the eye where it was.
export function earlierCame(box, heightBefore) {
  box.querySelectorAll(".sys").forEach(fold);
  days();
  freshen(box);
  box.scrollTop += box.scrollHeight - heightBefore;
}
