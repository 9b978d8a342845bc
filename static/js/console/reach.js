// Whether a command can be given now: its button is on the screen, or in a menu that is shut and whose own button is there.
const visible = (element) => element.checkVisibility?.() ?? true;

export function reachable(element) {
  const menu = element.closest(".pop[popover]");
  if (!menu || menu.matches(":popover-open")) return visible(element);
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`);
  return Boolean(opener) && visible(opener) && !element.hidden;
}
