// Writing: server drafts within a second of typing, sends that can be repeated, nothing typed ever lost.
import { csrf, me, memory, post } from "./me.js";
import { hour } from "./times.js";
import { hasPromise, headVersion, isFinished } from "./thread.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const SAVE_AFTER = 800;
const TRY_AGAIN = 4000;
const saving = new Map(); // form → {timer, flight, dirty}

const composer = () => document.getElementById("composer");
const forms = () => [...document.querySelectorAll("#composer form.write")];
const shown = () => forms().find((form) => !form.hidden);
const stateOf = (form) => { if (!saving.has(form)) saving.set(form, { timer: 0, flight: null, dirty: false }); return saving.get(form); };
const localKey = (form) => `draft.${composer()?.dataset.case}.${form.dataset.kind}`;

export function mode(kind, { focus = true } = {}) {
  const box = composer();
  if (!box) return;
  box.dataset.mode = kind;
  box.querySelectorAll('[role="tab"]').forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.mode === kind)));
  forms().forEach((form) => (form.hidden = form.dataset.kind !== kind));
  if (focus) { const text = shown().elements.text; text.focus(); text.setSelectionRange(text.value.length, text.value.length); }
}

function values(form) {
  const given = { text: form.elements.text.value, against: form.elements.against.value };
  if (form.dataset.kind === "reply") {
    Object.assign(given, { next_step: form.elements.next_step.value, by_when: form.elements.by_when.value, moves: form.elements.moves.value });
    if (form.elements.is_answer.checked) given.is_answer = "on";
  }
  return given;
}

// --- drafts

function typed(form) {
  const state = stateOf(form);
  const wasEmpty = !state.dirty && !form.dataset.begun;
  if (wasEmpty && form.elements.text.value) begin(form);
  if (!form.elements.text.value) delete form.dataset.begun;
  state.dirty = true;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), SAVE_AFTER);
  document.dispatchEvent(new CustomEvent("console:typing"));
}

// A reply is written against what stood above it when its first word was typed.
function begin(form) {
  form.dataset.begun = "1";
  form.elements.against.value = headVersion() || form.elements.against.value;
}

function save(form) {
  const state = stateOf(form);
  if (!form.isConnected || !state.dirty) return state.flight;
  state.dirty = false;
  const kept = values(form);
  state.flight = post(form.dataset.draft, kept, { keepalive: true })
    .then(async (answer) => {
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const { saved_at: at } = await answer.json();
      note(form, at ? say("saved", hour(Date.parse(at))) : "");
      memory.drop(localKey(form));
    })
    .catch(() => {
      state.dirty = true;
      memory.set(localKey(form), kept);
      note(form, say("unsaved"), true);
      state.timer = setTimeout(() => save(form), TRY_AGAIN);
    })
    .finally(() => (state.flight = null));
  return state.flight;
}

// What was typed has reached the server, or could not.
export async function settled() {
  await Promise.all(forms().map((form) => { clearTimeout(stateOf(form).timer); return save(form); }));
}

function note(form, text, bad = false) {
  const place = form.querySelector("[data-saved]");
  place.textContent = text;
  place.classList.toggle("bad", bad);
}

function saveNow() {
  for (const form of forms()) {
    const state = stateOf(form);
    if (!state.dirty) continue;
    clearTimeout(state.timer);
    const body = new FormData();
    for (const [key, value] of Object.entries(values(form))) body.set(key, value);
    body.set("csrfmiddlewaretoken", csrf());
    if (navigator.sendBeacon(form.dataset.draft, body)) state.dirty = false;
  }
}

// What could not reach the server last time is in this browser: bring it back and save it.
function recover(form) {
  const kept = memory.get(localKey(form));
  if (!kept || form.elements.text.value) return;
  form.elements.text.value = kept.text || "";
  if (form.dataset.kind === "reply") { form.elements.next_step.value = kept.next_step || ""; form.elements.by_when.value = kept.by_when || ""; form.elements.is_answer.checked = Boolean(kept.is_answer); }
  form.elements.against.value = kept.against || form.elements.against.value;
  form.dataset.begun = "1";
  stateOf(form).dirty = true;
  save(form);
}

// --- sending

export function send({ how = "", next = false } = {}) {
  const form = shown();
  if (!form) return;
  if (form.dataset.kind === "reply") form.elements.then_status.value = how || "waiting_customer";
  form.dataset.next = next ? "1" : "";
  form.requestSubmit();
}

// The draft on its way must land before the message that ends it.
async function beforeSend(event) {
  const form = event.target;
  if (!form.matches?.("form.write")) return;
  const state = stateOf(form);
  clearTimeout(state.timer);
  state.dirty = false;
  if (!state.flight) return;
  event.preventDefault();
  await state.flight;
  clearTimeout(state.timer);
  state.dirty = false;
  event.detail.issueRequest(true);
}

function lock(form, on) {
  form.classList.toggle("sending-now", on);
  form.querySelectorAll('button[type="submit"]').forEach((button) => (button.disabled = on));
}

function written(form, xhr) {
  const kind = xhr.getResponseHeader("X-Written");
  form.reset();
  form.elements.text.value = "";
  if (kind === "reply") { form.elements.next_step.value = ""; form.elements.by_when.value = ""; form.elements.is_answer.checked = false; leavePromise(form); }
  freshKey(form, xhr.getResponseHeader("X-Key"));
  form.elements.anyway.value = "";
  form.elements.against.value = headVersion();
  delete form.dataset.begun;
  form.querySelector(".chosen")?.replaceChildren();
  document.getElementById("stale").replaceChildren();
  note(form, "");
  memory.drop(localKey(form));
  if (kind === "whisper") htmx.trigger("#whispers", "changed");
  busyLook();
  if (form.dataset.next) { form.dataset.next = ""; document.dispatchEvent(new CustomEvent("console:next")); } else form.elements.text.blur();
}

const freshKey = (form, key) => (form.elements.key.value = key || crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`);

function afterSend(event) {
  const form = event.target;
  if (!form.matches?.("form.write")) return;
  lock(form, false);
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("X-Written")) { written(form, xhr); return; }
  // Refused, the server did nothing: what is sent next is another composition. The words are kept either way.
  if (xhr.status && xhr.status < 500) freshKey(form);
  stateOf(form).dirty = true;
  save(form);
  if (form.elements.moves?.value && !form.elements.by_when.value) form.elements.by_when.focus();
}

function review() {
  const form = forms().find((each) => each.dataset.kind === "reply");
  const newest = document.querySelector("#stale .stale")?.dataset.newest;
  form.elements.against.value = Math.max(Number(newest || 0), headVersion());
  document.getElementById("stale").replaceChildren();
  mode("reply");
  stateOf(form).dirty = true;
  save(form);
}

function anyway() {
  const form = forms().find((each) => each.dataset.kind === "reply");
  form.elements.anyway.value = "on";
  mode("reply", { focus: false });
  form.requestSubmit();
}

// --- moving a promise: the reply that tells the customer carries it

function movePromise(button) {
  const form = forms().find((each) => each.dataset.kind === "reply");
  if (!form) return;
  const { move, what } = button.dataset;
  const due = button.closest(".promise-item").querySelector("time").textContent;
  form.elements.moves.value = move;
  if (!form.elements.next_step.value) form.elements.next_step.value = what;
  form.querySelector("[data-moving-words]").textContent = say("moves", due, what);
  form.querySelector("[data-moving]").hidden = false;
  button.closest("dialog").close();
  mode("reply");
  typed(form);
}

function leavePromise(form) {
  form.elements.moves.value = "";
  form.querySelector("[data-moving]").hidden = true;
}

// Somebody settled it meanwhile: there is nothing to move any more.
function leaveSettled(form) {
  if (!form?.elements.moves.value || hasPromise()) return;
  leavePromise(form);
  typed(form);
}

// --- files

function chosen(input) {
  const form = input.form;
  const bytes = [...input.files].reduce((sum, file) => sum + file.size, 0);
  if (bytes > 10 * 1024 * 1024) { toast(say("too_big"), { level: "red" }); input.value = ""; }
  const place = form.querySelector(".chosen");
  place.replaceChildren(...[...input.files].map((file, at) => {
    const item = document.createElement("li");
    item.className = "pending";
    item.append(`${file.name} `);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `${say("remove")} ${file.name}`);
    remove.addEventListener("click", () => without(input, at));
    item.append(remove);
    return item;
  }));
}
function without(input, at) {
  const rest = new DataTransfer();
  [...input.files].forEach((file, i) => i !== at && rest.items.add(file));
  input.files = rest.files;
  chosen(input);
}
function addFiles(files) {
  const input = shown()?.elements.files;
  if (!input || !files.length) return;
  const all = new DataTransfer();
  [...input.files, ...files].forEach((file) => all.items.add(file));
  input.files = all.files;
  chosen(input);
}

export function insertText(text) {
  mode("reply");
  const area = shown().elements.text;
  const gap = area.value && !area.value.endsWith("\n") ? "\n\n" : "";
  area.setRangeText(gap + text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

const busyLook = () => composer()?.classList.toggle("busy", forms().some((form) => form.elements.text.value || form.elements.moves?.value));

const fallAsleep = () => { if (!composer()?.contains(document.activeElement)) composer()?.classList.remove("awake"); };

// From a finished case nothing can be sent; notes may still be written.
// Who leads and looks on at a colleague's case whispers, or joins to write.
function fitModes() {
  const tab = tabOf("reply");
  if (!tab) return;
  leaveSettled(forms().find((form) => form.dataset.kind === "reply"));
  fitWatching();
  const closed = isFinished() || isWatching();
  if (tab.hidden === closed) return;
  tab.hidden = closed;
  mode(beginning(), { focus: false });
}
const tabOf = (kind) => composer()?.querySelector(`[role="tab"][data-mode="${kind}"]`);
const isTheirs = () => { const owner = document.querySelector(".case-head")?.dataset.assignee; return Boolean(owner) && owner !== me; };
const isWatching = () => "leads" in (composer()?.dataset || {}) && isTheirs();
const beginning = () => (isFinished() ? "note" : isWatching() ? "whisper" : "reply");
function fitWatching() {
  const tab = tabOf("whisper");
  if (tab && "toOwner" in tab.dataset) tab.hidden = !isTheirs();
  const readers = composer().querySelector("[data-readers]");
  if (readers?.dataset.readers) readers.hidden = readers.dataset.readers !== document.querySelector(".case-head").dataset.assignee;
  const join = composer().querySelector("[data-join]");
  if (join) join.hidden = !isWatching() || isFinished();
  if (tab?.hidden && composer().dataset.mode === "whisper") mode(beginning(), { focus: false });
}

export function openComposer() {
  saving.clear();
  if (!composer()) return;
  forms().forEach((form) => { if (form.elements.text.value) form.dataset.begun = "1"; recover(form); });
  const reply = forms().find((form) => form.dataset.kind === "reply");
  const noteForm = forms().find((form) => form.dataset.kind === "note");
  leaveSettled(reply);
  if (isFinished() || (noteForm?.elements.text.value && !reply?.elements.text.value)) mode("note", { focus: false });
  fitModes();
  busyLook();
}

export function startComposer() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form.write");
    if (!form) return;
    if (event.target.name === "files") chosen(event.target); else typed(form);
    busyLook();
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-mode][role=tab], [data-send], [data-review], [data-anyway], [data-move], [data-unmove]");
    if (!target) return;
    if (target.matches("[role=tab]")) mode(target.dataset.mode);
    else if (target.matches("[data-review]")) review();
    else if (target.matches("[data-anyway]")) anyway();
    else if (target.matches("[data-move]")) movePromise(target);
    else if (target.matches("[data-unmove]")) { leavePromise(target.form); typed(target.form); target.form.elements.text.focus(); }
    else { event.preventDefault(); target.closest("[popover]")?.hidePopover(); send({ how: target.dataset.send, next: "next" in target.dataset }); }
  });
  document.addEventListener("htmx:confirm", beforeSend);
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.target.matches?.("form.write")) lock(event.target, true); });
  document.addEventListener("htmx:afterRequest", afterSend);
  document.addEventListener("console:composer", (event) => {
    composer()?.replaceWith(event.detail);
    htmx.process(event.detail);
    openComposer();
    mode(beginning());
  });
  document.addEventListener("console:head", fitModes);
  // On a phone the composer grows with the focus. Nothing may move between the press and the click that ends it: a tab
  // takes the focus only with the click, and what was open stays so for a moment.
  document.addEventListener("mousedown", (event) => { if (event.target.closest?.('#composer [role="tab"]')) event.preventDefault(); });
  document.addEventListener("focusin", (event) => { if (event.target.closest?.("#composer")) composer().classList.add("awake"); });
  document.addEventListener("focusout", (event) => { if (event.target.closest?.("#composer")) setTimeout(fallAsleep, 400); });
  addEventListener("pagehide", saveNow);
  document.addEventListener("visibilitychange", () => document.hidden && saveNow());
  document.addEventListener("paste", (event) => { if (event.target.closest?.("form.write") && event.clipboardData.files.length) { event.preventDefault(); addFiles(event.clipboardData.files); } });
  openComposer();
}

// Everything typed is with the server; whether it is.
export async function saveAll() {
  for (const form of forms()) {
    const state = stateOf(form);
    clearTimeout(state.timer);
    await state.flight;
    if (state.dirty) await save(form);
    clearTimeout(state.timer);
  }
  return forms().every((form) => !stateOf(form).dirty);
}
export const isWriting = () => forms().some((form) => form.elements.text.value);
