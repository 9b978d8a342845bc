// What must be answered before something goes on: fields to fill in, tasks still open. The answer comes instead of what was
// asked (X-First); once it is given, the same is asked again.
let asked = null;

const isDead = (element) => !element?.isConnected || element.closest("#ask-body");

function remember({ detail }) {
  if (!detail.xhr.getResponseHeader("X-First")) return;
  const { verb, path, parameters, elt } = detail.requestConfig;
  asked = { verb, path, elt: isDead(elt) ? null : elt, values: parameters instanceof FormData ? parameters : { ...parameters } };
}

// The dialog was open already, with the form that was sent: look at what is wanted now.
function look({ detail }) {
  if (detail.target?.id === "ask-body" && asked && document.getElementById("ask").open) detail.target.querySelector("[autofocus], input:not([type=hidden]), select, textarea, button")?.focus();
}

function plain(values) {
  return values instanceof FormData ? Object.fromEntries([...new Set(values.keys())].map((name) => [name, values.getAll(name).length > 1 ? values.getAll(name) : values.get(name)])) : values;
}

export function goOn(more = {}) {
  if (!asked) return;
  const { verb, path, elt, values } = asked;
  asked = null;
  if (elt?.matches("form.write")) {
    // A reply takes its files and its draft with it: the form itself is sent again.
    elt.addEventListener("htmx:configRequest", (event) => Object.entries(more).forEach(([name, value]) => event.detail.formData.set(name, value)), { once: true });
    elt.requestSubmit();
    return;
  }
  htmx.ajax(verb.toUpperCase(), path, { values: { ...plain(values), ...more }, swap: "none", source: elt || document.body });
}

export function startFirst() {
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches?.("form[data-first]") && event.detail.xhr.status < 400 && event.detail.xhr.status > 0) goOn();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-go-on]");
    if (!button) return;
    button.closest("dialog").close();
    goOn({ [button.dataset.goOn]: "1" });
  });
  document.addEventListener("close", (event) => { if (event.target.id === "ask") setTimeout(() => { asked = null; }, 0); }, true);
}
