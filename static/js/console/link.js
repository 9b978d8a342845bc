// What the live connection brings, put where it belongs. The connection itself is live.js.
import { connect } from "../live.js";
import { approvalsMoved } from "./approvals.js";
import { boardMoved } from "./board.js";
import { newVersion } from "./fresh.js";
import { applyRow, askCounts, dropRow, list, openNumber, refreshList } from "./list.js";
import { heard, light } from "./light.js";
import { forgetPeople, showKnownPeople, showPeople } from "./people.js";
import { goneCase, placeHtml } from "./place.js";
import { showStalls } from "./stalls.js";
import { askBell, told } from "./news.js";
import { askStanding, showStanding } from "./standing.js";
import { tasksMoved } from "./tasks.js";
import { markRead } from "./thread.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const queueTopic = () => (list() ? `queue.${list().dataset.queue}` : "");
const caseTopic = () => (openNumber() ? `case.${openNumber()}` : "");

// Every topic this page shows now.
export function topics() {
  return [...new Set([queueTopic(), caseTopic(), ...[...document.querySelectorAll("[data-topic]")].map((part) => part.dataset.topic), ...(document.body.dataset.topics || "").split(/\s+/).filter((t) => t === "me" || t.startsWith("customer."))])].filter(Boolean);
}

// The earliest position any part of the page was rendered at.
export function position() {
  const parts = [document.body, ...document.querySelectorAll("[data-pos]")].filter((part) => part.dataset.epoch);
  const least = Math.min(...parts.map((part) => Number(part.dataset.pos)));
  return parts.length ? `${parts[0].dataset.epoch}:${least}` : null;
}

export function happened(event) {
  heard();
  const { topic, part, version, html } = event;
  const number = String(event.case || "");
  if (event.gone) return topic.startsWith("queue.") ? topic === queueTopic() && dropRow(number) : goneCase(number);
  if (part === "row" && html) { if (topic === queueTopic()) placeHtml(html, { version }); return undefined; }
  if ((part === "header" || part === "thread") && html && topic === caseTopic()) { placeHtml(html, { version: event.stream === "case" ? version : 0, number }); if (!document.hidden) markRead(); }
  if (part === "banner" && html && topic === caseTopic()) placeHtml(html, { number });
  if (part === "bell") { approvalsMoved(); return askBell(); }
  if (part === "told") return told(event);
  if (part === "board") return boardMoved();
  if (part === "tasks") return tasksMoved();
  if (part === "approvals") return approvalsMoved();
  if (part === "whisper") return number === openNumber() && htmx.trigger("#whispers", "changed");
  if (part === "presence") return topic === "me" ? askStanding() : showStanding(html);
  if (topic === caseTopic() && LINKS.has(event.kind)) document.querySelectorAll('[data-panel="others"] .panel-body').forEach((panel) => htmx.trigger(panel, "changed"));
  if (topic === "me") askCounts();
  if (POKED.test(topic)) poke(topic);
  return undefined;
}

const LINKS = new Set(["linked", "unlinked"]);

// These topics carry no words: the parts of the page that show them ask again.
const POKED = /^(customer|problem|notice)\./;
const poke = (topic) => document.querySelectorAll(`[data-topic="${CSS.escape(topic)}"] [data-live]`).forEach((part) => htmx.trigger(part, "changed"));

// Continuity cannot be proven: what is shown is fetched afresh.
export function resync(names) {
  if (names.includes("me")) { askStanding(); askBell(); tasksMoved(); approvalsMoved(); }
  if (names.includes(queueTopic())) refreshList();
  if (names.includes(caseTopic())) htmx.ajax("GET", `/cases/${openNumber()}/fragments/`, { swap: "none", target: "#case" });
  names.filter((name) => POKED.test(name)).forEach(poke);
}

export function refused(names) {
  askBell();
  if (names.includes(caseTopic())) goneCase(openNumber());
  if (names.includes(queueTopic())) toast(say("forbidden"), { level: "red", stay: 60000, action: say("reload_do"), act: () => location.assign("/") });
}

// The position the part of the page that shows this topic was rendered at.
function positionOf(topic) {
  const part = document.querySelector(`[data-topic="${CSS.escape(topic)}"][data-pos]`);
  return part ? `${part.dataset.epoch}:${part.dataset.pos}` : null;
}

function ended(code) {
  if (code === 4401) toast(say("signed_out"), { level: "red", stay: 3600000, action: say("reload_do"), act: () => location.reload() });
}

let line = null;

export function startLink() {
  line = connect({ cursor: position(), topics: topics(), build: document.body.dataset.build });
  const on = (name, act) => line.addEventListener(name, (event) => act(event.detail));
  on("hello", boardMoved); // what was missed while away is in what is asked now
  on("fragment", happened);
  on("resync", (said) => resync(said.topics));
  on("refused", (said) => refused(said.topics));
  on("presence", showPeople);
  on("health", showStalls);
  on("state", (state) => { light(state); if (state.name !== "live") forgetPeople(); });
  on("build", (said) => newVersion(said.build));
  on("ended", (said) => ended(said.code));
  light(line.state);
  line.viewing(caseTopic());
  document.addEventListener("console:typing", () => caseTopic() && line.typing(caseTopic()));
}

// The page shows other things now: watch what is new from where it was rendered, let go of the rest.
export function watchPage() {
  if (!line) return;
  const wanted = topics();
  line.unwatch([...line.topics].filter((topic) => !wanted.includes(topic)));
  wanted.filter((topic) => !line.topics.has(topic)).forEach((topic) => line.watch([topic], positionOf(topic)));
  line.viewing(caseTopic());
  showKnownPeople();
}
