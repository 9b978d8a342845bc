// A condition is tried while it is typed: who it holds for, or what is wrong with it, under its field.
let waiting = 0;

async function tried(field, told) {
  const place = new URL(field.dataset.condition, new URL("/admin/outreach/offer/", location.origin));
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams({ condition: field.value });
  try {
    const answer = await fetch(place, { method: "POST", body, headers: { "X-CSRFToken": token }, credentials: "same-origin" });
    const { ok, words } = await answer.json();
    told.textContent = words;
    told.dataset.ok = ok;
    field.setAttribute("aria-invalid", String(!ok));
  } catch { told.textContent = ""; }
}

function start(field) {
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  told.id = `${field.id}-tried`;
  field.setAttribute("aria-describedby", told.id);
  field.after(told);
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => tried(field, told), 400); });
  tried(field, told);
}

addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-condition]").forEach(start));
