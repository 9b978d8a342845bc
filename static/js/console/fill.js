// Examples beside a box: a click puts one into it.
export function startFill() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-fill]");
    if (!button) return;
    const box = document.getElementById(button.dataset.fill);
    box.value = button.dataset.with;
    box.focus();
    ["filled", "input"].forEach((told) => box.dispatchEvent(new Event(told, { bubbles: true })));
  });
}
