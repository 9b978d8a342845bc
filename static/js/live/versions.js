// What the page has of each part of each topic, so that twice is once and late is not at all.
const keyOf = ({ topic, stream, part, ...rest }) => `${topic}|${stream}|${rest[stream] ?? rest.subject ?? ""}|${part}`;

export class Versions {
  constructor() {
    this.held = new Map();
  }

  // "" for what is not newer; "next" or "newer" for what is; "gap" when entries of a thread are missing before it.
  judge(fragment) {
    const key = keyOf(fragment);
    const had = this.held.get(key);
    if (had !== undefined && fragment.version <= had) return "";
    this.held.set(key, fragment.version);
    if (had === undefined || fragment.version === had + 1) return "next";
    return fragment.part === "thread" ? "gap" : "newer";
  }

  raise(fragment) {
    const key = keyOf(fragment);
    this.held.set(key, Math.max(fragment.version, this.held.get(key) ?? 0));
  }

  forget(topic) {
    for (const key of this.held.keys()) if (key.startsWith(`${topic}|`)) this.held.delete(key);
  }
}
