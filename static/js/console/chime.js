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

// True if it sounded, here.
function ring(name) {
  const last = memory.get("chimed") || {};
  if (last.name === name || Date.now() - (last.at || 0) < GAP) return false;
  memory.set("chimed", { name, at: Date.now() });
  note(660, context.currentTime, 0.05);
  note(880, context.currentTime + 0.11, 0.04);
  document.dispatchEvent(new CustomEvent("console:chimed", { detail: name }));
  return true;
}

const rest = () => new Promise((done) => setTimeout(done, GAP));

export function chime(name) {
  if (context?.state !== "running") return;
  if (!navigator.locks) {
    ring(name);
    return;
  }
  // What one tab noted, another reads a moment later: who sounded keeps the lock meanwhile, and who finds it taken is silent.
  const turn = { ifAvailable: true };
  navigator.locks.request(`forefront.chime.${me}`, turn, (lock) => (lock && ring(name) ? rest() : undefined));
}

export function startChime() {
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, wake, { passive: true });
}
