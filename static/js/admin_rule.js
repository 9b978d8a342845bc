// A condition, and a rule's actions, as rows of fields. The JSON they come to is what the form sends; it can be written
// by hand too, and without scripts it is all there is. Where the field says so, it asks another page what there is.
import { make, options, select } from "./admin_rule_parts.js";
import { leaf, emptyLeaf } from "./admin_rule_leaf.js";
import { actions } from "./admin_rule_actions.js";
import { named, notBox, rowsHead, segmentRow } from "./admin_rule_rows.js";

const here = new URL("/admin/cases/rule/", location.origin);

// --- the condition: groups of rows, as deep as they are

function rowOf(data, at, all) {
  if (data.not) return rowOf(data.not, { ...at, negated: !at.negated, change: (now) => at.change(now && { not: now }), turn: () => { at.change(data.not); at.draw(); } }, all);
  if (data.all || data.any) return group(data, at, all);
  if (data.exists || data.count) return rows(data, at, all);
  if (data.segment) return segmentRow(data, at, all, remove(at, all));
  return leaf(data, at.turn ? at : { ...at, turn: () => { at.change({ not: data }); at.draw(); } }, all);
}

function group(data, at, all) {
  const word = data.any ? "any" : "all", parts = data[word], box = make("div", { class: at.outermost ? "rule-rows" : "rule-group" });
  const say = () => at.change({ [word]: parts.filter(Boolean) });
  const how = select(options([["all", all.words.all], ["any", all.words.any]]), word, all.words.joined);
  how.addEventListener("change", () => { at.change({ [how.value]: parts.filter(Boolean) }); at.draw(); });
  const head = make("div", { class: "rule-row" }, how);
  if (!at.outermost) head.prepend(notBox({ [word]: parts }, at, all));
  if (!at.outermost) head.append(remove(at, all));
  if (parts.length || !at.outermost) box.append(head);
  if (!parts.length && at.outermost) box.append(make("p", { class: "rule-place" }, data.any ? all.words.never : all.words.none));
  parts.forEach((part, n) => box.append(rowOf(part, { ...at, outermost: false, negated: false, turn: undefined, change: (now) => { if (now) parts[n] = now; else parts.splice(n, 1); say(); } }, all)));
  // What is new stands where the first of the buttons stood: there the keyboard goes on. With the first row it no longer
  // matters which of the two words joins them; most who go on mean all.
  const added = (part) => { parts.push(part); if (parts.length > 1) say(); else at.change({ all: parts }); };
  const add = (label, fresh) => button(label, () => { added(fresh()); more[0].focus(); at.draw(); });
  const more = [add(all.words.add, () => emptyLeaf(all.facts)), add(all.words.group, () => ({ any: [emptyLeaf(all.facts)] }))];
  if (!at.inside && all.collections.length) {
    const first = all.collections[0].name;
    more.push(add(all.words.rows, () => ({ exists: first, where: { all: [] } })), add(all.words.counted, () => ({ count: first, where: { all: [] }, op: "at_least", value: 1 })));
  }
  if (!at.inside && all.segments.length) more.push(add(all.words.segment, () => ({ segment: all.segments[0][0] })));
  box.append(make("div", { class: "rule-tools" }, ...more));
  return box;
}

function rows(data, at, all) {
  const which = named(data, all), box = make("div", { class: "rule-group" });
  box.append(make("div", { class: "rule-row" }, ...rowsHead(data, at, all), remove(at, all)));
  const inner = { ...all, facts: which.fields }, where = data.where?.all || data.where?.any ? data.where : { all: data.where ? [data.where] : [] };
  box.append(group(where, { ...at, outermost: true, negated: false, turn: undefined, inside: true, change: (now) => { data.where = now; at.change(data); } }, inner));
  return box;
}

function remove(at, all) { return button("✕", () => { at.change(null); at.draw(); }, all.words.remove); }

function button(label, press, name) {
  const made = make("button", { type: "button", class: "rule-quiet", ...(name ? { "aria-label": name, title: name } : {}) }, label);
  made.addEventListener("click", press);
  return made;
}

function condition(data, field, all, draw) {
  const whole = data.all || data.any ? data : { all: [data] };
  const write = (now) => { store(field, now); };
  return group(whole, { outermost: true, change: write, draw }, all);
}

// --- one field: its rows, or its text

function store(field, data) {
  field.value = JSON.stringify(data, null, 2);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function read(field) { try { return JSON.parse(field.value); } catch { return null; } }

function edit(field, all) {
  const box = make("div", { class: "rule-editor" }), turn = button(all.words.json, () => { asText = !asText; draw(); });
  let asText = read(field) === null;
  const draw = () => {
    const data = read(field);
    if (data === null) asText = true;
    field.classList.toggle("rule-hidden", !asText);
    turn.textContent = asText ? all.words.form : all.words.json;
    const drawn = asText ? [] : [field.dataset.rule === "then" ? actions(data, (now) => store(field, now), draw, all) : condition(data, field, all, draw)];
    const focus = box.contains(document.activeElement) ? [...box.querySelectorAll("button, select, input, textarea")].indexOf(document.activeElement) : -1;
    box.replaceChildren(...drawn, make("div", { class: "rule-tools" }, turn));
    if (focus >= 0) box.querySelectorAll("button, select, input, textarea")[focus]?.focus();
  };
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", document.querySelector(`label[for="${field.id}"]`)?.textContent.trim() || "");
  box.addEventListener("redraw", draw);
  field.addEventListener("filled", draw); // with an example, by whoever wrote it in
  field.before(box);
  draw();
}

// --- tried while it is written

let waiting = 0, asked = 0;

async function tried(field, told) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value, mine = asked += 1;
  const body = new URLSearchParams({ condition: field.value, key: field.dataset.key || "" });
  try {
    const answer = await fetch(field.dataset.preview || new URL("preview/", here), { method: "POST", body, headers: { "X-CSRFToken": token }, credentials: "same-origin" });
    const { ok, words, sample } = await answer.json();
    if (mine !== asked) return; // a later one has been asked meanwhile
    told.firstChild.textContent = words;
    told.dataset.ok = ok;
    field.setAttribute("aria-invalid", String(!ok));
    told.lastChild.replaceChildren(...(sample || []).map(example));
  } catch { told.firstChild.textContent = ""; }
}

function example({ name, url, why }) {
  return make("li", {}, make("a", { href: url }, name), why ? ` — ${why}` : "");
}

function preview(field) {
  const told = make("div", { role: "status", class: "rule-tried", id: `${field.id}-tried` }, make("p"), make("ul"));
  field.setAttribute("aria-describedby", told.id);
  field.after(told);
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => tried(field, told), 400); });
  tried(field, told);
}

async function start() {
  const fields = [...document.querySelectorAll("[data-rule]")];
  if (!fields.length) return;
  const answer = await fetch(fields[0].dataset.catalogue || new URL("catalogue/", here), { credentials: "same-origin" });
  if (!answer.ok) return;
  const all = await answer.json();
  fields.forEach((field) => edit(field, all));
  fields.filter((field) => field.dataset.rule === "condition" && field.dataset.preview !== "").forEach(preview); // "": the page shows it itself
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start); else start();
