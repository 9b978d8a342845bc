// The sentences scripts say, in the person's language: from <script id="words">, filled by gettext.
const table = JSON.parse(document.getElementById("words")?.textContent || "{}");

export const language = document.documentElement.lang || "en";
export const zone = document.body.dataset.tz || undefined;

export function say(key, ...values) {
  let next = 0;
  return (table[key] || key).replace(/%s/g, () => values[next++] ?? "");
}
