// Macros: found by words, looked at before they run, and what opens after them.
import { mode, settled } from "./composer.js";

const box = () => document.querySelector("#ask .macros");
const picks = () => [...box().querySelectorAll("[data-macro]")];
let going = false; // Enter was pressed on one: the focus goes on to what it would do

function filter(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  picks().forEach((pick) => (pick.hidden = !words.every((word) => pick.textContent.toLowerCase().includes(word))));
  box().querySelector("[data-no-macro]").hidden = picks().some((pick) => !pick.hidden);
}

function keys(event) {
  const input = event.target.closest?.("[data-macro-filter]");
  if (input && event.key === "Enter") {
    event.preventDefault();
    picks().find((pick) => !pick.hidden)?.focus();
    return;
  }
  // Whoever goes on typing while they stand on one goes on searching.
  const pick = event.target.closest?.("[data-macro]");
  if (pick && (event.key === "Backspace" || (event.key.length === 1 && event.key !== " ")) && !event.ctrlKey && !event.metaKey && !event.altKey) box().querySelector("[data-macro-filter]").focus();
}

function shown(event) {
  if (event.detail.target?.id !== "macro-preview") return;
  const mark = event.detail.requestConfig?.elt?.closest?.("[data-macro]");
  if (mark) picks().forEach((pick) => pick.classList.toggle("on", pick === mark));
  if (going || !mark) document.querySelector("#macro-preview :is(input:not([type=hidden]), .primary)")?.focus();
  going = false;
}

// What is being written must have reached the server before a macro writes beside it.
async function beforeRun(event) {
  if (!event.target.matches?.(".macro-run") || event.detail.triggeringEvent?.type !== "submit") return;
  event.preventDefault();
  await settled();
  event.detail.issueRequest(true);
}

function then({ detail, target }) {
  if (!target.matches?.(".macro-run") || detail.xhr.status !== 200) return;
  const next = detail.xhr.getResponseHeader("X-Then");
  if (detail.xhr.responseText.includes('id="composer"')) mode("reply"); // it left words to be read and sent
  if (next === "next") document.dispatchEvent(new CustomEvent("console:next"));
  if (next === "list") document.querySelector(".case-top .back")?.click();
}

export function startMacros() {
  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-macro-filter]")) filter(event.target); });
  document.addEventListener("keydown", keys);
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-macro]")) going = true; });
  document.addEventListener("htmx:afterSettle", shown);
  document.addEventListener("htmx:confirm", beforeRun);
  document.addEventListener("htmx:afterRequest", then);
}
