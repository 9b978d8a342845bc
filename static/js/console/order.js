// Which view a row belongs to and where it stands in it, told from the row alone.
import { me } from "./me.js";
import { now } from "./times.js";

const ACTIVE = new Set(["new", "open", "waiting_customer", "waiting_internal"]);

// Views only the server can tell: who was named, who follows, and filters.
export const byServer = (view) => /^(mentions|watching|q|f\d+)$/.test(view);

// null: only the server knows.
export function belongs(row, box) {
  const { view } = box.dataset;
  const data = row.dataset;
  if (data.queue !== box.dataset.queue) return false;
  if (byServer(view)) return null;
  if (!ACTIVE.has(data.status)) return false;
  const asleep = Number(data.snoozed || 0) > now();
  if (view === "snoozed") return asleep;
  if (view === "promises") return Boolean(data.promise);
  if (asleep) return false;
  if (view === "mine") return data.assignee === me;
  if (view === "unassigned") return !data.assignee;
  return true;
}

const far = (text) => (text ? Number(text) : Infinity);
export function before(a, b) {
  if (a.closest("[data-order]") || b.closest("[data-order]")) return newer(a, b);
  for (const key of ["attention", "waiting", "id"]) {
    const left = far(a.dataset[key]);
    const right = far(b.dataset[key]);
    if (left !== right) return left < right;
  }
  return false;
}
// Where what is done with is among them, the newest case comes first.
function newer(a, b) {
  const [left, right] = [Number(a.dataset.opened), Number(b.dataset.opened)];
  return left === right ? Number(a.dataset.id) > Number(b.dataset.id) : left > right;
}
