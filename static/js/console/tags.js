// Known tags under the box one types them in: a click, or Enter on it, takes the place of the word being typed.
// The list may come anew under the one who has gone down into it: they stay on the same tag, or on the first.
let held = null;
const known = () => document.getElementById("known-tags");
function leaving({ detail }) {
  if (detail.target?.id === "known-tags") held = known().contains(document.activeElement) ? document.activeElement.dataset.tag : null;
}
function came({ detail }) {
  if (detail.target?.id !== "known-tags" || held === null) return;
  const picks = [...known().querySelectorAll(".pick")];
  (picks.find((pick) => pick.dataset.tag === held) || picks[0] || document.querySelector("[data-tags]")).focus();
  held = null;
}

export function startTags() {
  document.addEventListener("htmx:beforeSwap", leaving);
  document.addEventListener("htmx:afterSettle", came);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-tag]");
    if (!button) return;
    const box = button.closest("form").querySelector("[data-tags]");
    const words = box.value.split(",").slice(0, -1).map((word) => word.trim()).filter(Boolean);
    box.value = `${[...words, button.dataset.tag].join(", ")}, `;
    box.focus();
    htmx.trigger(box, "again");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || !event.target.matches?.("[data-tags]")) return;
    event.preventDefault();
    document.querySelector("#known-tags .pick")?.focus();
  });
}
