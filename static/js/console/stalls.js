// What stands still: a quiet bar that comes and goes by itself and moves nothing, and a light in the rail once it is put away.
import { freshen } from "./times.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const AWAY = "stalls-away"; // what this tab has put away, until it is over
const bar = () => document.getElementById("stalls");
const keys = () => [...bar().querySelectorAll("[data-stall]")].map((line) => line.dataset.stall);
const away = () => new Set(JSON.parse(sessionStorage.getItem(AWAY) || "[]"));
const words = () => [...bar().querySelectorAll("[data-stall]")].map((line) => line.textContent.trim()).join(" ");

// The sentence with its duration where {time} stands; the duration words itself as time goes on.
function line({ kind, text, since }) {
  const item = document.createElement("li");
  item.dataset.stall = `${kind} ${since}`;
  const [before, after = ""] = text.split("{time}");
  const time = document.createElement("time");
  time.dateTime = since;
  time.dataset.kind = "lasting";
  item.append(before, time, after);
  return item;
}

// Small screens have no room for it above what one works on: there it begins as the light.
const isSmall = () => matchMedia("(max-width: 759px)").matches;

function dress() {
  const found = keys();
  const put = away();
  const open = found.length > 0 && (isSmall() ? bar().dataset.open === "yes" : found.some((key) => !put.has(key)));
  bar().hidden = !open;
  document.querySelectorAll("[data-stalls='show']").forEach((light) => {
    light.classList.toggle("lit", found.length > 0 && !open);
    light.title = words();
  });
}

export function showStalls(found) {
  if (!bar()) return;
  const before = new Set(keys());
  bar().querySelector("ul").replaceChildren(...found.map(line));
  freshen(bar());
  if (found.length === 0) { sessionStorage.removeItem(AWAY); delete bar().dataset.open; }
  if (keys().some((key) => !before.has(key)) || (before.size && !found.length)) whisper(found.length ? words() : say("works_again"));
  dress();
}

function clicks(event) {
  const button = event.target.closest?.("[data-stalls]");
  if (!button) return;
  const opens = button.dataset.stalls === "show";
  sessionStorage.setItem(AWAY, JSON.stringify(opens ? [] : keys()));
  bar().dataset.open = opens ? "yes" : "no";
  dress();
  if (opens) bar().querySelector("button").focus();
}

export function startStalls() {
  if (!bar()) return;
  document.addEventListener("click", clicks);
  dress();
}
