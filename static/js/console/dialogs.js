// Dialogs and popovers: the small form of a verb, menus beside their button.
const ask = () => document.getElementById("ask");

function placePopover(event) {
  const pop = event.target;
  if (event.newState !== "open" || !pop.matches?.(".pop")) return;
  const button = document.querySelector(`[popovertarget="${pop.id}"]`);
  if (!button) return;
  const at = button.getBoundingClientRect();
  const size = pop.getBoundingClientRect();
  const rtl = document.documentElement.dir === "rtl";
  const left = rtl ? at.right - size.width : at.left;
  const below = at.bottom + 4 + size.height <= innerHeight;
  pop.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
  pop.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - size.height - 4)}px`;
  pop.querySelector("a, button, input")?.focus();
}

function arrows(event) {
  const box = event.target.closest?.(".pop, .picks");
  if (!box || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...box.querySelectorAll(".pick")].filter((item) => !item.hidden);
  const at = items.indexOf(document.activeElement);
  items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  event.preventDefault();
}

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

export function startDialogs() {
  document.addEventListener("toggle", placePopover, true);
  document.addEventListener("keydown", arrows);
  // Enter in a typed time sends that time, not the first of those offered above it.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("[data-typed]")) return;
    event.preventDefault();
    event.target.form.querySelector("[data-typed-send]").click();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-open]");
    if (opener) openDialog(opener.dataset.open);
    if (event.target.closest?.("[data-close]") || event.target.matches?.("dialog")) event.target.closest("dialog")?.close();
  });
  // The form of a verb has come: show it. It was answered: put it away.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "ask-body" || ask().open) return;
    openDialog("ask");
    (ask().querySelector(".pick.on") || ask().querySelector("[autofocus], .pick, select, input:not([type=hidden]), [data-move], summary"))?.focus();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches?.(".ask-form") && event.detail.xhr.status < 400 && event.detail.xhr.status > 0) ask().close();
  });
  document.addEventListener("toggle", (event) => { if (event.target.matches?.("details.keep") && event.target.open) event.target.querySelector("textarea").focus(); }, true);
  document.addEventListener("close", (event) => { if (event.target.id === "ask") document.getElementById("ask-body").replaceChildren(); }, true);
}
