// The page of what waits for those who lead: asked again when something was decided here, or asked, raised or decided
// elsewhere, whether or not it is told to them. Not under the hands of who is writing a reason: then once they are done.
const box = () => document.getElementById("approvals");
const isWriting = () => [...box().querySelectorAll("input:not([type=hidden])")].some((field) => field.value || field === document.activeElement);
let missed = false;

export function approvalsMoved() {
  if (!box()) return;
  missed = isWriting();
  if (!missed) htmx.trigger(box(), "changed");
}

export function startApprovals() {
  if (!box()) return;
  box().addEventListener("focusout", () => setTimeout(() => missed && approvalsMoved(), 300));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches?.("#approvals [data-decides]") && event.detail.successful) htmx.trigger(box(), "changed");
  });
}
