// Keys. Quiet while typing; every command with a key carries it in data-keys.
import { isWriting, send } from "./composer.js";
import { openDialog } from "./dialogs.js";
import { openFilter } from "./filterbox.js";
import { openNumber, rowOf, step } from "./list.js";
import { openPalette } from "./palette.js";
import { pickFocused, pickNone, pickOn } from "./picking.js";
import { reachable } from "./reach.js";

let going = 0;

const visible = (element) => element.checkVisibility?.() ?? true;
// A box of a dialog that has just been shut keeps the focus until the next frame: nobody writes there.
const typing = (target) => {
  const box = target.closest?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]');
  return box && visible(box) ? box : null;
};
const command = (key) => [...document.querySelectorAll(`[data-keys="${CSS.escape(key)}"], [data-key="${CSS.escape(key)}"]`)].find(reachable);

function chords(event) {
  if (!(event.ctrlKey || event.metaKey)) return false;
  if (event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return true; }
  if (event.key === "Enter" && event.target.closest?.("form.write, #composer")) {
    event.preventDefault();
    send(event.shiftKey ? { how: "resolved", next: true } : {});
    return true;
  }
  return true;
}

function go(key) {
  going = 0;
  document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();
}

function back(event) {
  const writing = typing(event.target);
  if (writing) return writing.blur();
  if (pickNone()) return undefined;
  const room = document.querySelector(".case-room.context-open");
  if (room) return document.querySelector("[data-drawer]")?.click();
  const row = rowOf(openNumber());
  if (row && visible(row)) return row.querySelector("a").focus();
  const link = document.querySelector(".case-top .back");
  return link && visible(link) ? link.click() : event.target.blur?.();
}

const fixed = {
  j: () => step(1),
  k: () => step(-1),
  F: openFilter,
  x: pickFocused,
  J: () => pickOn(1),
  K: () => pickOn(-1),
  "?": () => openDialog("help"),
  c: () => document.querySelector("[data-drawer]")?.click(),
  g: () => { going = Date.now(); },
};

function press(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if (chords(event) || event.altKey) return;
  if (event.key === "Escape") { if (!document.querySelector("dialog[open]")) back(event); return; }
  if (typing(event.target) || document.querySelector("dialog[open]") || document.querySelector(".pop:popover-open")) return;
  if (going && Date.now() - going < 1500) { event.preventDefault(); go(event.key); return; }
  const run = fixed[event.key] || (command(event.key) && (() => command(event.key).click()));
  if (!run) return;
  event.preventDefault();
  run();
}

export function startKeys() {
  document.addEventListener("keydown", press);
  // Leaving with words that are nowhere but here would lose them.
  addEventListener("beforeunload", (event) => { if (isWriting() && document.querySelector(".saved.bad")) event.preventDefault(); });
}
