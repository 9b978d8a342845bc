// How I am here, in the rail; and how others are, wherever their name stands with it.
const box = () => document.getElementById("my-standing");
const menu = () => document.getElementById("me");

// Said elsewhere: by another window, by one's hours, by a lead.
export const askStanding = () => box() && htmx.trigger(box(), "changed");

export function showStanding(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const fresh = holder.content.firstElementChild;
  if (fresh) document.querySelectorAll(`[data-standing="${CSS.escape(fresh.dataset.standing)}"]`).forEach((old) => old.replaceWith(fresh.cloneNode(true)));
}

// Opened, the menu begins at what one is; chosen, the keyboard is back where it was opened.
function opened(event) {
  if (event.target.id === "me" && event.newState === "open") menu().querySelector(".on")?.focus();
}

// What was only asked again leaves an open menu open.
let wasOpen = false;
const isAsked = ({ requestConfig, target }) => target?.id === "my-standing" && requestConfig?.verb === "get";
function replacing({ detail }) {
  if (isAsked(detail)) wasOpen = menu().matches(":popover-open");
}

function changed({ detail }) {
  if (detail.target?.id !== "my-standing") return;
  if (wasOpen && isAsked(detail)) { wasOpen = false; menu().showPopover(); }
  else if (document.activeElement === document.body) document.getElementById("me-button")?.focus({ preventScroll: true });
}

export function startStanding() {
  document.addEventListener("toggle", opened, true);
  document.addEventListener("htmx:beforeSwap", replacing);
  document.addEventListener("htmx:afterSettle", changed);
}
