// A box for filters: what the last word may become stands below it (an aria combobox), and what is not understood.
import { say } from "./words.js";

let asking = 0;
let asked = null; // the request on its way
const boxOf = (target) => target.closest?.("[data-filter-box]");
const listOf = (box) => document.getElementById(`${box.id}-offers`);
const items = (box) => [...(listOf(box)?.querySelectorAll("[role=option]") || [])];

function make(box) {
  const list = document.createElement("ul");
  Object.assign(list, { id: `${box.id}-offers`, className: "offers", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", say("offers"));
  const wrong = document.createElement("p");
  Object.assign(wrong, { id: `${box.id}-wrong`, className: "wrong", hidden: true });
  wrong.setAttribute("role", "status");
  box.closest("form").append(list, wrong);
  for (const [name, value] of [["role", "combobox"], ["aria-controls", list.id], ["aria-autocomplete", "list"], ["aria-describedby", wrong.id]]) box.setAttribute(name, value);
  return list;
}

export async function offersFor(address, text, signal) {
  const answer = await fetch(`${address}?q=${encodeURIComponent(text)}`, { credentials: "same-origin", headers: { Accept: "application/json" }, signal });
  return answer.ok && !answer.redirected ? answer.json() : { offers: [], problems: [] };
}

function askLater(box) {
  clearTimeout(asking);
  asking = setTimeout(() => ask(box), 120);
}
async function ask(box) {
  asked?.abort();
  asked = new AbortController();
  try {
    const told = await offersFor(box.dataset.filterBox, box.value.slice(0, box.selectionStart), asked.signal);
    if (document.activeElement === box) show(box, told);
  } catch { /* offline, or something newer was typed */ }
}

// A filter that is still being typed is not wrong yet.
const beingTyped = (text) => /:$|:"[^"]*$|\|$/.test(text);
function show(box, { offers, problems }) {
  const list = listOf(box) || make(box);
  const word = box.value.slice(0, box.selectionStart).split(/\s/).pop();
  list.replaceChildren(...(word ? offers : []).map((offer, at) => {
    const item = document.createElement("li");
    Object.assign(item, { id: `${list.id}-${at}` });
    item.setAttribute("role", "option");
    item.dataset.text = offer.text;
    const code = document.createElement("code");
    code.textContent = offer.shown;
    const says = document.createElement("span");
    says.textContent = offer.says;
    item.append(code, says);
    return item;
  }));
  choose(box, -1);
  list.hidden = !list.childElementCount;
  box.setAttribute("aria-expanded", String(!list.hidden));
  const wrong = document.getElementById(`${box.id}-wrong`);
  wrong.textContent = beingTyped(box.value) || !list.hidden ? "" : problems.join(" ");
  wrong.hidden = !wrong.textContent;
}

function choose(box, at) {
  items(box).forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
  const item = items(box)[at];
  if (item) { box.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); } else box.removeAttribute("aria-activedescendant");
}

function take(box, item) {
  const rest = box.value.slice(box.selectionStart).trimStart();
  box.value = item.dataset.text + rest;
  box.setSelectionRange(item.dataset.text.length, item.dataset.text.length);
  box.focus();
  close(box);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function close(box) {
  clearTimeout(asking);
  asked?.abort();
  const list = listOf(box);
  if (list) list.hidden = true;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function keys(event) {
  const box = boxOf(event.target);
  const open = box && listOf(box) && !listOf(box).hidden;
  if (!open) return;
  const all = items(box);
  const at = all.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(box, (at + 1) % all.length);
  else if (event.key === "ArrowUp") choose(box, (at < 1 ? all.length : at) - 1);
  else if (event.key === "Tab" && !event.shiftKey) take(box, all[Math.max(at, 0)]);
  else if (event.key === "Enter" && at >= 0) take(box, all[at]);
  else if (event.key === "Escape") close(box);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// A word of the help goes to the end of the box it stands beside.
function helped(event) {
  const word = event.target.closest?.("[data-filter-word]");
  if (!word) return;
  const box = document.querySelector("[data-filter-box]");
  word.closest("[popover]")?.hidePopover();
  box.value = `${box.value.trimEnd()} ${word.dataset.filterWord}`.trimStart();
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
  askLater(box);
}

// The box of the list stands hidden until it is wanted.
export function openFilter() {
  const form = document.querySelector("#list .filter-form");
  if (!form) return;
  form.hidden = false;
  const box = form.querySelector("[data-filter-box]");
  box.focus();
  box.select();
}

export function startFilterBox() {
  document.addEventListener("click", (event) => { const opener = event.target.closest?.("[data-filter-open]"); if (opener) { opener.closest("[popover]")?.hidePopover(); openFilter(); } });
  document.addEventListener("input", (event) => { const box = boxOf(event.target); if (box) askLater(box); });
  document.addEventListener("keydown", keys, true);
  document.addEventListener("focusout", (event) => { const box = boxOf(event.target); if (box) close(box); });
  document.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.(".offers [role=option]");
    if (!item) return;
    event.preventDefault(); // the box keeps the focus
    take(document.getElementById(item.parentElement.id.replace(/-offers$/, "")), item);
  });
  document.addEventListener("click", helped);
}
