// The actions of a macro: each row shows the fields of what it does, and an empty row comes when the last one was filled.
const kindOf = (row) => row.querySelector('select[name$="-do"]').value;

function dress(rows) {
  const last = rows.findLastIndex((row) => kindOf(row));
  rows.forEach((row, at) => {
    row.hidden = at > last + 1;
    row.querySelectorAll("[data-for]").forEach((field) => (field.hidden = !field.dataset.for.split(" ").includes(kindOf(row))));
  });
}

addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("[data-step]")];
  document.querySelector("[data-steps]")?.addEventListener("change", (event) => { if (event.target.matches('select[name$="-do"]')) dress(rows); });
  dress(rows);
});
