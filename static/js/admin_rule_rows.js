// Parts of a condition that are no comparison: rows a customer has (whether there are such, or how many), and segments.
import { input, make, options, select } from "./admin_rule_parts.js";

const SOME = "exists";

// A box to tick: whether the part is turned into its contrary.
export function notBox(data, at, all) {
  const box = input("checkbox", "", all.words.not);
  box.checked = Boolean(at.negated);
  box.addEventListener("change", () => { if (at.turn) at.turn(box.checked); else { at.change({ not: data }); at.draw(); } });
  return make("label", {}, box, all.words.not);
}

// The row that says which rows, how many and since when; what must hold of one of them is the group below it.
export function rowsHead(data, at, all) {
  const which = named(data, all), counted = "count" in data, ops = all.counts;
  const change = (now) => { at.change(tidy(now)); at.draw(); };
  const how = select([...options([[SOME, all.words.some]]), ...options(ops.map((op) => [op.name, `${all.words.number} … ${op.label}`]))], counted ? data.op : SOME, all.words.compare);
  how.addEventListener("change", () => change(asked(data, which.name, how.value, ops)));
  const what = select(options(all.collections.map((one) => [one.name, one.label])), which.name, all.words.fact);
  what.addEventListener("change", () => change({ ...data, [counted ? "count" : SOME]: what.value, where: { all: [] }, within_days: undefined }));
  const parts = [notBox(data, at, all), how];
  if (counted) parts.push(...values(data, ops.find((op) => op.name === data.op) || ops[0], at, all));
  parts.push(what);
  if (which.timed) parts.push(daysBack(data, at, all));
  return [...parts, make("span", {}, all.words.where)];
}

export function named(data, all) { return all.collections.find((one) => one.name === (data.count ?? data.exists)) || all.collections[0]; }

// The same rows, asked for in another way.
function asked(data, name, how, ops) {
  const kept = { where: data.where, within_days: data.within_days };
  if (how === SOME) return { exists: name, ...kept };
  const takes = ops.find((op) => op.name === how).takes, before = Array.isArray(data.value) ? data.value[0] : data.value;
  const one = typeof before === "number" ? before : 1;
  return { count: name, ...kept, op: how, value: takes === "pair" ? [one, one] : takes === "list" ? [one] : one };
}

function tidy(data) { return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)); }

function values(data, op, at, all) {
  const whole = (text) => Math.max(0, Math.round(Number(text)) || 0), say = (value) => at.change(Object.assign(data, { value }));
  if (op.takes === "list") {
    const made = input("text", [data.value].flat().join(", "), all.words.value, { placeholder: all.words.commas, inputmode: "numeric" });
    made.addEventListener("change", () => say(made.value.split(",").filter((word) => word.trim()).map(whole)));
    return [made];
  }
  const ends = [data.value].flat().slice(0, op.takes === "pair" ? 2 : 1), now = [...ends];
  const fields = ends.map((end, n) => {
    const made = input("number", end, all.words.value, { min: "0", step: "1" });
    made.addEventListener("change", () => { now[n] = whole(made.value); say(op.takes === "pair" ? [...now] : now[0]); });
    return made;
  });
  return fields.length === 2 ? [fields[0], make("span", {}, all.words.and), fields[1]] : fields;
}

function daysBack(data, at, all) {
  const days = input("number", data.within_days, all.words.window, { min: "1", max: "36525", step: "1" });
  days.addEventListener("change", () => { at.change(tidy({ ...data, within_days: Math.round(Number(days.value)) || undefined })); at.draw(); });
  return make("label", {}, all.words.window, days);
}

// --- a segment

export function segmentRow(data, at, all, removed) {
  const known = all.segments.some(([key]) => key === data.segment) ? all.segments : [[data.segment, data.segment], ...all.segments];
  const which = select(options(known), data.segment, all.words.in_segment, { class: "rule-grow" });
  which.addEventListener("change", () => at.change(Object.assign(data, { segment: which.value })));
  return make("div", { class: "rule-row" }, notBox(data, at, all), make("span", {}, all.words.in_segment), which, removed);
}
