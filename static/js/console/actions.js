// What may be done to a case stands in one row. What has no room there is in the menu at its end; its keys work all the same.
const row = () => document.querySelector(".actions");
const menu = () => document.getElementById("more-actions");
const opener = () => row().querySelector(".more-actions");
const isOpen = () => menu().matches(":popover-open");
const buttons = () => [...row().querySelectorAll("[data-action]")];

let watched = null;
let fitted = "";

// The row as it is: how wide, and which buttons make sense now.
const shape = () => `${row().clientWidth} ${buttons().map((button) => Number(button.hidden)).join("")}`;

export function fitRow() {
  if (!row() || isOpen()) return;
  watch();
  if (shape() === fitted) return;
  const focused = document.activeElement;
  buttons().forEach(shown);
  opener().hidden = true;
  if (row().scrollWidth > row().clientWidth) shorten();
  if (focused?.matches("[data-action]")) focused.focus({ preventScroll: true });
  fitted = shape();
}

function shown(button) {
  if (button.parentElement !== menu()) return;
  button.classList.remove("pick");
  opener().before(button);
}

// All places are read before anything is moved: the row is laid out once.
function shorten() {
  opener().hidden = false;
  const gap = Number.parseFloat(getComputedStyle(row()).columnGap) || 0;
  const widths = buttons().map((button) => (button.hidden ? 0 : button.offsetWidth + gap));
  let room = row().clientWidth - opener().offsetWidth;
  buttons().forEach((button, at) => {
    room -= widths[at];
    if (room >= 0) return;
    button.classList.add("pick");
    menu().append(button);
  });
}

function watch() {
  if (watched === row()) return;
  watched = row();
  fitted = "";
  wide.disconnect();
  wide.observe(watched);
}
const wide = new ResizeObserver(() => requestAnimationFrame(fitRow));

export function startActions() {
  document.addEventListener("click", ({ target }) => { if (target.closest?.("#more-actions [data-action]")) menu().hidePopover(); });
  document.addEventListener("toggle", ({ target, newState }) => { if (target.id === "more-actions" && newState === "closed") fitRow(); }, true);
}
