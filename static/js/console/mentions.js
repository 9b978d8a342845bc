// @names in notes: completes who may see the case.
const people = new Map(); // url → promise of people

const area = (target) => target.closest?.('form.write[data-kind="note"] textarea');
const box = (text) => text.form.querySelector(".mentions");
const word = (text) => text.value.slice(0, text.selectionStart).match(/(?:^|[\s(])@([\w.-]*)$/)?.[1];

function load(url) {
  if (!people.has(url)) people.set(url, fetch(url, { credentials: "same-origin" }).then((r) => r.json()).then((d) => d.people).catch(() => []));
  return people.get(url);
}

async function suggest(text) {
  const begun = word(text);
  if (begun === undefined) return close(text);
  const all = await load(text.form.dataset.people);
  const found = all.filter((p) => `${p.handle} ${p.name}`.toLowerCase().split(/[\s.]/).some((w) => w.startsWith(begun.toLowerCase()))).slice(0, 6);
  if (!found.length || word(text) === undefined) return close(text);
  const list = box(text);
  list.replaceChildren(...found.map((person, at) => option(text, person, at === 0)));
  list.hidden = false;
  return undefined;
}

function option(text, person, on) {
  const item = document.createElement("li");
  item.role = "option";
  item.setAttribute("aria-selected", String(on));
  item.dataset.handle = person.handle;
  item.textContent = `${person.name} @${person.handle}`;
  item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(text, item); });
  return item;
}

function pick(text, item) {
  const start = text.selectionStart - word(text).length;
  text.setRangeText(`${item.dataset.handle} `, start, text.selectionStart, "end");
  close(text);
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

function close(text) {
  box(text).hidden = true;
}

function keys(event) {
  const text = area(event.target);
  if (!text || box(text).hidden) return;
  const items = [...box(text).children];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = (at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === next)));
  } else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey) pick(text, items[Math.max(at, 0)]);
  else if (event.key === "Escape") close(text);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

export function startMentions() {
  document.addEventListener("input", (event) => { const text = area(event.target); if (text) suggest(text); });
  document.addEventListener("keydown", keys, true);
  document.addEventListener("focusout", (event) => { const text = area(event.target); if (text) close(text); });
}
