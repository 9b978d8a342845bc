// Small pieces of the editor of rules: elements, choices, fields.
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

export function options(pairs) {
  return pairs.map(([value, label]) => { const made = make("option", { value }, label); return made; });
}

export function select(choices, value, label, attributes = {}) {
  const made = make("select", { "aria-label": label, ...attributes }, ...choices);
  made.value = value;
  return made;
}

export function input(type, value, label, attributes = {}) {
  const made = make("input", { type, "aria-label": label, ...attributes });
  made.value = value ?? "";
  return made;
}

// Several of a list: what is chosen, in a list of its own.
export function several(pairs, chosen, label, change) {
  const made = make("select", { "aria-label": label, multiple: "", size: String(Math.min(6, Math.max(3, pairs.length))) }, ...options(pairs));
  const known = new Set(chosen.map(String));
  [...made.options].forEach((one) => { one.selected = known.has(one.value); });
  made.addEventListener("change", () => change([...made.selectedOptions].map((one) => one.value)));
  return made;
}

export const words = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);
