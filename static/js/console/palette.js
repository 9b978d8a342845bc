// Ctrl+K: every command by name, with its key, so that the keys are learnt. After "/", or with a filter, it searches.
import { offersFor } from "./filterbox.js";
import { reachable } from "./reach.js";
import { say } from "./words.js";

const dialog = () => document.getElementById("palette");
const input = () => dialog().querySelector("input");
const items = () => [...dialog().querySelectorAll("li[data-at]")];
let found = [];
let asked = null; // the request for what may be typed next
let eager = false; // Enter came before anything was in the list: the first of what comes is meant

function commands() {
  const named = [...document.querySelectorAll(":is(a, button)[data-name]")].filter(reachable).map((element) => ({ name: element.dataset.name, keys: element.dataset.keys || "", run: () => element.click() }));
  // What a closed menu offers is a command too.
  const offered = [...document.querySelectorAll("[data-named]")].map((element) => ({ name: element.dataset.named, keys: "", run: () => element.click() }));
  const views = [...document.querySelectorAll("#list [data-tab]")].map((tab) => ({ name: tab.firstChild.textContent.trim() || tab.textContent.trim(), keys: "", run: () => tab.click() }));
  const queues = [...document.querySelectorAll("#queues .pick")].map((pick) => ({ name: pick.firstElementChild.textContent.trim(), keys: "", run: () => pick.click() }));
  const rooms = [
    { name: say("queues"), keys: "g q", run: () => document.querySelector('[data-go="q"]').click() },
    { name: say("customers"), keys: "g c", run: () => document.querySelector('[data-go="c"]').click() },
    { name: say("problems"), keys: "g p", run: () => document.querySelector('[data-go="p"]').click() },
    { name: say("notifications"), keys: "g n", run: () => document.querySelector('[data-go="n"]').click() },
    ...(document.querySelector('[data-go="b"]') ? [{ name: say("board"), keys: "g b", run: () => document.querySelector('[data-go="b"]').click() }] : []),
    { name: say("search"), keys: "/", run: () => document.querySelector('[data-key="/"]').click() },
    { name: say("keys"), keys: "?", run: () => document.getElementById("help").showModal() },
  ];
  return [...named, ...offered, ...views, ...rooms, ...queues];
}

const isSearch = (text) => text.startsWith("/") || /[a-z]{2,}:/i.test(text);
const searched = (text) => text.replace(/^\//, "").trim();

// What may come next of a search, below the search itself.
async function offer(text) {
  asked?.abort();
  asked = new AbortController();
  try {
    const { offers, problems } = await offersFor(dialog().dataset.offers, text.replace(/^\//, ""), asked.signal);
    if (input().value !== text) return;
    const next = offers.map((each) => ({ name: each.shown, keys: each.says, run: () => again(`/${each.text}`) }));
    const wrong = offers.length ? [] : problems.map((told) => ({ name: told, keys: "", run: () => again(text) }));
    const wanted = eager && offers.length && dialog().open;
    list([...matching(text), ...next, ...wrong]);
    if (wanted) run(0);
  } catch (error) { if (error.name !== "AbortError") eager = false; } // offline; or something newer was typed
}
function again(text) {
  openPalette();
  input().value = text;
  show();
}

function matching(text) {
  if (isSearch(text)) return searched(text) ? [searchFor(searched(text))] : [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = commands().filter((c) => words.every((w) => c.name.toLowerCase().includes(w)));
  const number = text.trim().match(/^#?(\d{1,12})$/)?.[1];
  const extra = number ? [{ name: say("open_case", number), keys: "Enter", run: () => location.assign(`/cases/${number}/`) }] : [];
  const search = text.trim() ? [searchFor(text.trim())] : [];
  return [...extra, ...all, ...search];
}
const searchFor = (text) => ({ name: say("search_for", text), keys: "", run: () => location.assign(`/search/?q=${encodeURIComponent(text)}`) });

function show() {
  const text = input().value;
  eager = false;
  list(matching(text));
  if (isSearch(text)) offer(text);
}

function list(commands) {
  found = commands;
  dialog().querySelector("ul").replaceChildren(...found.map((command, at) => {
    const item = document.createElement("li");
    item.role = "option";
    item.id = `palette-${at}`;
    item.dataset.at = at;
    item.append(command.name);
    if (command.keys) { const key = document.createElement("kbd"); key.textContent = command.keys; item.append(key); }
    item.addEventListener("click", () => run(at));
    return item;
  }));
  select(0);
}

function select(at) {
  items().forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
  const item = items()[at];
  input().setAttribute("aria-activedescendant", item ? item.id : "");
  item?.scrollIntoView({ block: "nearest" });
}

function run(at) {
  eager = !found.length; // what is still on its way
  if (!found[at]) return;
  dialog().close();
  found[at]?.run();
}

function keys(event) {
  const at = items().findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") select((at + 1) % items().length);
  else if (event.key === "ArrowUp") select((at - 1 + items().length) % items().length);
  else if (event.key === "Enter") run(at);
  else return;
  event.preventDefault();
}

export function openPalette() {
  if (dialog().open) return;
  input().value = "";
  dialog().showModal();
  show();
}

export function startPalette() {
  // From the sheet of keys, for whoever has no keyboard.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-palette]");
    if (!button) return;
    button.closest("dialog")?.close();
    openPalette();
  });
  input().addEventListener("input", show);
  input().addEventListener("keydown", keys);
}
