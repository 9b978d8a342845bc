// Who sits here, and how this page talks to the server.
export const me = document.body.dataset.user || "";
export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content || "";

export function post(url, values, options = {}) {
  const body = new URLSearchParams(values);
  return fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrf() }, credentials: "same-origin", ...options });
}

// Small memory of this browser; everything works without it.
export const memory = {
  get(key) {
    try { return JSON.parse(localStorage.getItem(`forefront.${me}.${key}`)); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`forefront.${me}.${key}`, JSON.stringify(value)); } catch { /* full or forbidden */ }
  },
  drop(key) {
    try { localStorage.removeItem(`forefront.${me}.${key}`); } catch { /* forbidden */ }
  },
};

// How far into each case this person has read here: case number → time of the last message seen.
const MOST = 600;
export const seen = {
  of: (number) => (memory.get("seen") || {})[number] || 0,
  mark(number, at) {
    const all = memory.get("seen") || {};
    if (!at || all[number] >= at) return;
    delete all[number];
    all[number] = at;
    const keys = Object.keys(all);
    if (keys.length > MOST) keys.sort((a, b) => all[a] - all[b]).slice(0, keys.length - MOST).forEach((key) => delete all[key]);
    memory.set("seen", all);
  },
};
