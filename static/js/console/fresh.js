// A newer version of the software is there: said in a line that stays, with a key. Nothing is loaded anew by itself; what was
// typed is saved first, and found again after.
import { isWriting, saveAll } from "./composer.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const line = () => document.getElementById("fresh");
const words = () => line().querySelector("[data-fresh-words]");
let warned = false;

export function newVersion(build) {
  if (!document.body.dataset.build || !line() || build === document.body.dataset.build) return;
  line().hidden = false;
  line().querySelector("button").dataset.go = "r";
  whisper(words().textContent);
}

async function reload() {
  const files = [...document.querySelectorAll('#composer input[type="file"]')].some((input) => input.files.length);
  if (files && !warned) { warned = true; words().textContent = say("reload_files"); return; }
  words().textContent = say("saving");
  if (await saveAll()) { location.reload(); return; }
  words().textContent = say("reload_unsaved");
}

export function startFresh() {
  line()?.addEventListener("click", (event) => {
    if (event.target.closest("[data-fresh-reload]")) reload();
    if (event.target.closest("[data-fresh-later]")) line().hidden = true;
  });
  // Put away while writing; said again when the words are gone.
  document.addEventListener("console:next", () => { if (line()?.querySelector("[data-go]") && !isWriting()) line().hidden = false; });
}
