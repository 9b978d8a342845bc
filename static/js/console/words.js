// The sentences scripts say, in the person's language: from <script id="words">, filled by gettext.
const table = JSON.parse(document.getElementById("words")?.textContent || "{}");

const spoken = document.documentElement.lang || "en";
// Days before months, as the server writes them.
export const language = spoken === "en" ? "en-GB" : spoken;
export const zone = document.body.dataset.tz || undefined;

export function say(key, ...values) {
  let next = 0;
  return (table[key] || key).replace(/%s/g, () => values[next++] ?? "");
}
