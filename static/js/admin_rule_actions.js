// What a rule does: a row for each action, in the order in which they are done.
import { input, make, options, select, several, words } from "./admin_rule_parts.js";

const FRESH = (all) => ({
  priority: { to: "high" }, tag: { add: [] }, assign: { person: all.people[0]?.[0] ?? null }, release: {}, transfer: { queue: all.queues[0]?.[0] ?? null },
  status: { to: "waiting_internal" }, snooze: { hours: 24 }, note: { text: "" }, notify: { roles: ["leads"] }, escalate: {}, promise: { what: "", hours: 24 },
  macro: { macro: all.macros[0]?.[0] ?? null },
});

export function actions(list, store, draw, all) {
  const box = make("div", { class: "rule-rows" }), say = () => store(list);
  if (!list.length) box.append(make("p", { class: "rule-place" }, all.words.nothing));
  list.forEach((action, n) => box.append(row(action, n, list, say, draw, all)));
  const add = press(all.words.action, "", () => { list.push({ do: "priority", ...FRESH(all).priority }); say(); draw(); });
  box.append(make("div", { class: "rule-tools" }, add));
  return box;
}

function row(action, n, list, say, draw, all) {
  const what = select(options(all.actions), action.do, all.words.action, { class: "rule-grow" });
  what.addEventListener("change", () => { list[n] = { do: what.value, ...FRESH(all)[what.value] }; say(); draw(); });
  const move = (by) => () => { list.splice(n + by, 0, ...list.splice(n, 1)); say(); draw(); };
  const tools = [
    ...(n ? [press("↑", all.words.up, move(-1))] : []), ...(n < list.length - 1 ? [press("↓", all.words.down, move(1))] : []),
    press("✕", all.words.remove, () => { list.splice(n, 1); say(); draw(); }),
  ];
  const fields = (FIELDS[action.do] || (() => []))(action, say, all);
  return make("div", { class: "rule-row" }, make("span", { class: "rule-place" }, `${n + 1}.`), what, ...fields, ...tools);
}

function press(label, name, act) {
  const made = make("button", { type: "button", class: "rule-quiet", ...(name ? { "aria-label": name, title: name } : {}) }, label);
  made.addEventListener("click", act);
  return made;
}

function chosen(pairs, action, key, say, all, number = false) {
  const known = pairs.some(([value]) => String(value) === String(action[key])) ? pairs : [[action[key] ?? "", action[key] ? `#${action[key]}` : all.words.choose], ...pairs];
  const made = select(options(known), String(action[key] ?? ""), all.words.value, { class: "rule-grow" });
  made.addEventListener("change", () => { action[key] = number ? Number(made.value) : made.value; say(); });
  return made;
}

function text(type, action, key, label, say, attributes = {}) {
  const made = input(type, action[key], label, { placeholder: label, class: "rule-grow", ...attributes });
  made.addEventListener("change", () => { action[key] = type === "number" ? Number(made.value) : made.value; say(); });
  return made;
}

function tags(action, key, label, say) {
  const made = input("text", (action[key] || []).join(", "), label, { placeholder: label, class: "rule-grow" });
  made.addEventListener("change", () => { action[key] = words(made.value); say(); });
  return made;
}

function hours(action, say, all) {
  return make("label", {}, text("number", action, "hours", all.words.hours, say, { min: "0", step: "any", class: "" }), all.words.hours);
}

const FIELDS = {
  priority: (action, say, all) => [chosen(all.priorities, action, "to", say, all)],
  status: (action, say, all) => [chosen(all.statuses, action, "to", say, all)],
  assign: (action, say, all) => [chosen(all.people, action, "person", say, all, true)],
  transfer: (action, say, all) => [chosen(all.queues, action, "queue", say, all, true)],
  macro: (action, say, all) => [chosen(all.macros, action, "macro", say, all, true)],
  tag: (action, say, all) => [tags(action, "add", all.words.tags_add, say), tags(action, "remove", all.words.tags_remove, say)],
  snooze: (action, say, all) => [hours(action, say, all)],
  promise: (action, say, all) => [text("text", action, "what", all.words.what, say), hours(action, say, all)],
  note: (action, say, all) => {
    const made = make("textarea", { "aria-label": all.words.text, placeholder: all.words.text, rows: "3" });
    made.value = action.text ?? "";
    made.addEventListener("change", () => { action.text = made.value; say(); });
    return [made];
  },
  notify: (action, say, all) => [
    several(all.roles, action.roles || [], all.words.roles, (now) => { action.roles = now; say(); }),
    several(all.people, action.people || [], all.words.people, (now) => { action.people = now.map(Number); say(); }),
  ],
};
