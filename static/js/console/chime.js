// One short, quiet sound, made here; of several open tabs only one plays it.
import { me, memory } from "./me.js";

let context = null;

// A browser lets a page sound once its person has touched it: until then this tab stays silent, and leaves it to another.
const wake = () => {
  if (!globalThis.AudioContext || navigator.userActivation?.hasBeenActive === false) return;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
};

function note(frequency, at, volume) {
  const tone = context.createOscillator();
  const loud = context.createGain();
  tone.type = "sine";
  tone.frequency.value = frequency;
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(volume, at + 0.015);
  loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.28);
  tone.connect(loud).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.3);
}

const GAP = 4000; // several things at once are one sound

async function ring(name) {
  const last = memory.get("chimed") || {};
  if (last.name === name || Date.now() - (last.at || 0) < GAP) return;
  memory.set("chimed", { name, at: Date.now() });
  note(660, context.currentTime, 0.05);
  note(880, context.currentTime + 0.11, 0.04);
  document.dispatchEvent(new CustomEvent("console:chimed", { detail: name }));
}

export function chime(name) {
  if (context?.state !== "running") return;
  if (navigator.locks) navigator.locks.request(`forefront.chime.${me}`, () => ring(name));
  else ring(name);
}

export function startChime() {
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, wake, { passive: true });
}
