// The connection light: live, reconnecting, offline; and when we last heard anything.
import { hour, now } from "./times.js";
import { say } from "./words.js";

let state = { name: "connecting", since: 0, retryAt: 0 };
let lastEvent = 0;

function sentence() {
  if (state.name === "live") return say("live");
  if (state.name === "offline") return say("offline", hour(state.since || now()));
  if (state.name === "reconnecting") return say("reconnecting", Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000)));
  return say(state.name === "late" ? "late" : "connecting");
}

export function showLight() {
  const words = sentence();
  document.querySelectorAll("[data-light]").forEach((light) => {
    light.dataset.state = state.name;
    const word = light.querySelector("[data-light-word]");
    if (word.textContent !== words) word.textContent = words;
    light.title = state.name === "offline" ? say("offline_long", hour(state.since || now())) : lastEvent ? say("last", hour(lastEvent)) : "";
  });
  document.body.dataset.live = state.name === "live" ? "on" : "off";
}

export function light(told) {
  state = told;
  showLight();
}
export function heard() {
  lastEvent = now();
  showLight();
}

setInterval(() => state.name === "reconnecting" && showLight(), 1000);
