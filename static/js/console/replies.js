// “/” at the start of a word: saved replies, each with what it would say here. And what of a text nobody has filled in yet.
import { post } from "./me.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const BEGUN = /(?:^|[\s(])\/([^\n/]{0,40})$/;
const AFTER = 90; // milliseconds of rest before the server is asked
const left = new WeakMap(); // textarea → where a “/” stands that was waved away
let timer = 0;
let asking = null;
let opener = null; // the textarea in which the button wrote the “/”

const area = (target) => target.closest?.("form.write textarea");
const pop = () => document.getElementById("saved-pop");
const options = () => [...pop().querySelectorAll('[role="option"]')];
const isOpen = () => Boolean(pop()?.matches(":popover-open"));
const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");

// Where the “/” stands and what was typed after it; nothing where none begins a word, or it was waved away.
function begun(text) {
  if (text.selectionStart !== text.selectionEnd) return null;
  const words = text.value.slice(0, text.selectionStart).match(BEGUN)?.[1];
  if (words === undefined) return null;
  const start = text.selectionStart - words.length - 1;
  if (left.get(text) === start) return null;
  return { start, words };
}

function look(text) {
  clearTimeout(timer);
  const at = begun(text);
  if (text.value[left.get(text)] !== "/") left.delete(text);
  if (!at) { shut(text); return; }
  timer = setTimeout(() => ask(text, at.words), AFTER);
}

async function ask(text, words) {
  asking?.abort();
  asking = new AbortController();
  const { by_when: due, next_step: step } = text.form.elements;
  const query = new URLSearchParams({ q: words, by_when: due?.value || "", next_step: step?.value || "" });
  try {
    const answer = await fetch(`${pop().dataset.url}?${query}`, { credentials: "same-origin", signal: asking.signal });
    if (!answer.ok || answer.redirected) return;
    const html = await answer.text();
    if (begun(text)?.words === words && document.activeElement === text) show(text, html, words);
  } catch { /* gone on typing, or offline: the light says so */ }
}

function show(text, html, words) {
  pop().innerHTML = html;
  const found = options();
  // Whoever goes on writing a sentence is not asked about it.
  if (!found.length && /\s/.test(words)) { shut(text); return; }
  if (!isOpen()) pop().showPopover();
  place(text);
  text.setAttribute("aria-controls", "saved-list");
  found.forEach((option) => option.addEventListener("mousedown", (event) => { event.preventDefault(); pick(text, option); }));
  found.forEach((option) => option.addEventListener("mousemove", () => select(text, option)));
  if (found.length) select(text, found[0]);
  whisper(found.length ? say("saved_found", found.length) : pop().querySelector(".nothing-saved").textContent);
}

// Above what is being written, as wide as it.
function place(text) {
  const at = text.getBoundingClientRect();
  const box = pop();
  const width = Math.min(Math.max(at.width, 320), 820, innerWidth - 16);
  box.style.width = `${width}px`;
  box.style.maxHeight = `${Math.max(180, Math.min(420, at.top - 16))}px`;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(8, at.top - 6 - box.getBoundingClientRect().height)}px`;
}

function select(text, option) {
  if (option === chosen() && text.getAttribute("aria-activedescendant") === option.id) return;
  options().forEach((each) => each.setAttribute("aria-selected", String(each === option)));
  pop().querySelectorAll("[data-preview]").forEach((preview) => (preview.hidden = preview.dataset.preview !== option.id));
  text.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
  place(text);
}

function shut(text) {
  clearTimeout(timer);
  asking?.abort();
  if (isOpen()) pop().hidePopover();
  text?.removeAttribute("aria-activedescendant");
  text?.removeAttribute("aria-controls");
}

function leave(text) {
  const at = begun(text);
  if (at && opener === text && !at.words) write(text, at.start, text.selectionStart, "");
  else if (at) left.set(text, at.start);
  opener = null;
  shut(text);
}

function pick(text, option) {
  const at = begun(text);
  if (!at) return;
  const words = option.dataset.text;
  shut(text);
  opener = null;
  write(text, at.start, text.selectionStart, words);
  post(option.dataset.use, {}).catch(() => {});
  const first = places(text)[0];
  if (first && first.start >= at.start) text.setSelectionRange(first.start, first.end);
}

// Through the browser's own editing, so that Ctrl+Z takes it back.
function write(text, start, end, words) {
  text.focus();
  text.setSelectionRange(start, end);
  if (document.execCommand(words ? "insertText" : "delete", false, words)) return;
  text.setRangeText(words, start, end, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

function keys(event) {
  const text = area(event.target);
  if (!text || !isOpen() || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = options();
  const at = all.indexOf(chosen());
  if (event.key === "Escape") leave(text);
  else if (!all.length) return;
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") select(text, all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
  else if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) pick(text, all[Math.max(at, 0)]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The button writes the “/” for whoever does not know it.
function press() {
  const text = document.querySelector("form.write:not([hidden]) textarea");
  text.focus();
  if (begun(text)) { look(text); return; }
  const before = text.value.slice(0, text.selectionStart);
  opener = text;
  left.delete(text);
  write(text, text.selectionStart, text.selectionEnd, before && !/[\s(]$/.test(before) ? " /" : "/");
}

// --- what is still to be filled in

const known = () => new Set((pop()?.dataset.variables || "").split(" "));

function places(text) {
  const names = known();
  return [...text.value.matchAll(/\{([a-z_.]+)\}/g)].filter((found) => names.has(found[1])).map((found) => ({ start: found.index, end: found.index + found[0].length, written: found[0] }));
}

function tell(text) {
  const line = text.form.querySelector("[data-unfilled]");
  if (!line) return;
  const open = places(text);
  const named = [...new Map(open.map((each) => [each.written, each])).values()];
  line.hidden = !named.length;
  // A button that stays is left where it is: whoever is on it, by keyboard, keeps it while the page around it changes.
  const box = line.querySelector("[data-places]");
  const there = new Map([...box.children].map((button) => [button.textContent, button]));
  const wanted = named.map(({ written }) => there.get(written) || placeButton(text, written));
  there.forEach((button) => wanted.includes(button) || button.remove());
  wanted.forEach((button, at) => box.children[at] === button || box.insertBefore(button, box.children[at] || null));
}

function placeButton(text, written) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = written;
  button.addEventListener("click", () => { const now = places(text).find((other) => other.written === written); text.focus(); if (now) text.setSelectionRange(now.start, now.end); });
  return button;
}

const tellAll = () => document.querySelectorAll("form.write textarea").forEach(tell);

export function startReplies() {
  document.addEventListener("input", (event) => { const text = area(event.target); if (text && pop()) { tell(text); look(text); } });
  document.addEventListener("keydown", keys, true);
  // The focus goes on from here to what is written in: the press itself must not take it away.
  document.addEventListener("mousedown", (event) => { if (event.target.closest?.("[data-saved-replies]")) event.preventDefault(); });
  document.addEventListener("focusout", (event) => { const text = area(event.target); if (text && isOpen()) setTimeout(() => document.activeElement !== text && !pop()?.contains(document.activeElement) && shut(text), 150); });
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-saved-replies]")) press(); });
  document.addEventListener("htmx:afterSettle", tellAll);
  document.addEventListener("console:composer", () => setTimeout(tellAll));
  addEventListener("resize", () => { const text = area(document.activeElement || document.body); if (text && isOpen()) place(text); });
  tellAll();
}
