// One comparison of a condition: what, how, and with which value.
import { input, make, options, select, several, words } from "./admin_rule_parts.js";

const YES_NO = "yes/no";

export function emptyLeaf(facts) {
  const fact = facts[0];
  return { fact: fact.name, op: "is", value: fresh(fact, { takes: "one" }) };
}

function fresh(fact, op) {
  if (op.takes === YES_NO) return true;
  if (op.takes === "list") return fact.choices ? [fact.choices[0][0]] : [];
  const one = { boolean: true, number: 0, money: { amount: "0", currency: "GBP" }, date: { days_ago: 1 }, time: { hours_ago: 1 } }[fact.type] ?? fact.choices?.[0]?.[0] ?? "";
  return op.takes === "pair" ? [one, one] : one;
}

export function leaf(data, at, all) {
  const fact = all.facts.find((one) => one.name === data.fact) || { name: data.fact, label: data.fact, type: "text" };
  const ops = all.operators[fact.type], op = ops.find((one) => one.name === data.op) || ops[0];
  const known = all.facts.some((one) => one.name === fact.name) ? all.facts : [fact, ...all.facts];
  const what = select(options(known.map((one) => [one.name, one.label])), fact.name, all.words.fact, { class: "rule-grow" });
  const how = select(options(ops.map((one) => [one.name, one.label])), op.name, all.words.compare);
  const turned = input("checkbox", "", all.words.not);
  turned.checked = Boolean(at.negated);
  const say = (now) => { data = now; at.change(now); }; // what is said next goes on from here
  what.addEventListener("change", () => {
    const next = known.find((one) => one.name === what.value), first = all.operators[next.type][0];
    say({ fact: next.name, op: first.name, value: fresh(next, first) });
    at.draw();
  });
  how.addEventListener("change", () => {
    const next = ops.find((one) => one.name === how.value);
    say({ fact: fact.name, op: next.name, value: next.takes === op.takes ? data.value : fresh(fact, next) });
    at.draw();
  });
  turned.addEventListener("change", () => at.turn(turned.checked));
  const removed = make("button", { type: "button", class: "rule-quiet", "aria-label": all.words.remove, title: all.words.remove }, "✕");
  removed.addEventListener("click", () => { at.change(null); at.draw(); });
  const value = valueOf(fact, op, data.value, (now) => say({ fact: fact.name, op: op.name, value: now }), all);
  return make("div", { class: "rule-row" }, make("label", {}, turned, all.words.not), what, how, ...value, removed);
}

function valueOf(fact, op, value, change, all) {
  if (op.takes === YES_NO) return [yesNo(value ?? true, change, all)];
  if (op.takes === "list") return [listOf(fact, Array.isArray(value) ? value : [], change, all)];
  if (op.takes === "pair") {
    const pair = Array.isArray(value) ? value : [value, value];
    const ends = [0, 1].map((n) => one(fact, pair[n], (now) => { pair[n] = now; change([...pair]); }, all));
    return [...ends[0], make("span", {}, all.words.and), ...ends[1]];
  }
  return one(fact, value, change, all);
}

function yesNo(value, change, all) {
  const made = select(options([["true", all.words.yes], ["false", all.words.no]]), String(value), all.words.value);
  made.addEventListener("change", () => change(made.value === "true"));
  return made;
}

function listOf(fact, value, change, all) {
  if (fact.choices) return several(fact.choices, value, all.words.value, change);
  const made = input("text", value.join(", "), all.words.value, { class: "rule-grow", placeholder: all.words.commas });
  made.addEventListener("change", () => change(fact.type === "number" ? words(made.value).map(Number) : words(made.value)));
  return made;
}

function one(fact, value, change, all) {
  if (fact.type === "boolean") return [yesNo(value, change, all)];
  if (fact.type === "date" || fact.type === "time") return moment(fact, value, change, all);
  if (fact.type === "money") return money(value, change, all);
  if (fact.choices) {
    const pairs = fact.choices.some(([key]) => key === value) ? fact.choices : [[value, value], ...fact.choices];
    const made = select(options(pairs), value, all.words.value);
    made.addEventListener("change", () => change(made.value));
    return [made];
  }
  const made = input(fact.type === "number" ? "number" : "text", value, all.words.value, { class: "rule-grow", ...(fact.type === "number" ? { step: "any" } : {}) });
  made.addEventListener("change", () => change(fact.type === "number" ? Number(made.value) : made.value));
  return [made];
}

function moment(fact, value, change, all) {
  const ways = fact.type === "time" ? ["hours_ago", "days_ago", "hours_ahead", "days_ahead"] : ["days_ago", "days_ahead"];
  const way = value && typeof value === "object" ? Object.keys(value)[0] : "at";
  const how = select(options([...ways, "at"].map((one) => [one, all.words[one]])), way, all.words.compare);
  const field = way === "at" ? input(fact.type === "time" ? "datetime-local" : "date", String(value ?? "").slice(0, fact.type === "time" ? 16 : 10), all.words.value) : input("number", value[way], all.words.value, { min: "0", step: "1" });
  const say = () => {
    if (how.value !== "at") change({ [how.value]: Math.round(Number(field.value)) || 0 });
    else change(fact.type === "time" ? `${field.value || "2026-01-01T00:00"}:00Z` : field.value || "2026-01-01");
  };
  field.addEventListener("change", say);
  how.addEventListener("change", () => { const away = (how.value === "at") !== (way === "at"); if (away) field.value = ""; say(); if (away) how.dispatchEvent(new Event("redraw", { bubbles: true })); });
  return [field, how];
}

function money(value, change, all) {
  const now = value && typeof value === "object" ? value : { amount: "0", currency: "GBP" };
  const amount = input("number", now.amount, all.words.value, { step: "0.01" }), currency = input("text", now.currency, all.words.compare, { size: "4", maxlength: "3" });
  const say = () => change({ amount: String(amount.value), currency: currency.value.toUpperCase() });
  amount.addEventListener("change", say);
  currency.addEventListener("change", say);
  return [amount, currency];
}
