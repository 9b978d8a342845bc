// Where fragments go, whether a socket pushed them or a command answered with them: newest version wins, twice is once.
import { applyRow, dropRow } from "./list.js";
import { applyHead, applyLine, applyMessage, applyThread } from "./thread.js";
import { whisper } from "./toast.js";
import { say } from "./words.js";

const openCase = () => document.getElementById("case")?.dataset.case || "";

export function placeHtml(html, { version = 0, number = "" } = {}) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const parts = [...holder.content.children];
  const head = parts.find((part) => part.matches(".case-head"));
  for (const part of parts) placeOne(part, version || Number(head?.dataset.version || part.dataset.version || 0), number);
}

function placeOne(part, version, number) {
  if (part.matches("li.case")) return applyRow(part);
  if (part.matches("[data-gone]")) return goneCase(part.dataset.gone);
  const mine = part.dataset.case || number || openCase();
  if (String(mine) !== openCase()) return undefined;
  if (part.matches(".case-head")) return applyHead(part);
  if (part.matches(".msg")) return applyMessage(part, version);
  if (part.matches("[data-thread]")) return applyThread(part, version);
  if (part.matches("[data-banner]")) return applyBanner(part);
  if (part.matches("#banners")) return document.getElementById("banners")?.replaceWith(part);
  if (part.matches("li.line")) return applyLine(part, version);
  if (part.matches("section.composer")) return document.dispatchEvent(new CustomEvent("console:composer", { detail: part }));
  return undefined;
}

// A line above the thread comes, changes, or (without words) goes.
function applyBanner(banner) {
  const box = document.getElementById("banners");
  const old = box?.querySelector(`[data-banner="${CSS.escape(banner.dataset.banner)}"]`);
  if (banner.hidden) return old?.remove();
  if (old) return old.replaceWith(banner);
  box?.prepend(banner);
  whisper(banner.textContent.trim());
  return undefined;
}

// The case went where this person may not follow.
export function goneCase(number) {
  dropRow(number);
  if (String(number) !== openCase()) return;
  const room = document.querySelector("#case .thread");
  const word = document.createElement("p");
  word.className = "lost";
  word.textContent = say("gone");
  room.replaceChildren(word);
  document.querySelector("#case .context")?.remove();
}
