// Sentences for the person: at the foot of the window, and to a screen reader.
const STAY = { calm: 4000, red: 9000 };

export function toast(text, { level = "calm", action = "", act = null, stay = 0 } = {}) {
  if (!text) return;
  const box = document.createElement("div");
  box.className = `toast ${level}`;
  box.append(document.createElement("span"));
  box.firstChild.textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action;
    button.addEventListener("click", () => { act(); box.remove(); });
    box.append(button);
  }
  const place = document.getElementById("toasts");
  while (place.children.length > 2) place.firstChild.remove();
  place.append(box);
  setTimeout(() => box.remove(), stay || STAY[level] || 5000);
}

export function whisper(text, { urgent = false } = {}) {
  const place = document.getElementById(urgent ? "urgent" : "polite");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text));
}
