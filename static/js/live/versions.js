// What the page has of each part of each topic, so that twice is once and late is not at all.
const keyOf = ({ topic, stream, part, ...rest }) => `${topic}|${stream}|${rest[stream] ?? rest.subject ?? ""}|${part}`;

export class Versions {
  constructor() {
    this.held = new Map();
    this.missed = new Map(); // what was turned away because something before it is missing
  }

  // "" for what is not newer, "newer" for what is. "gap": entries of a thread are missing before this one, so it is not
  // taken; the same gap again is "torn", and taken: asking once more would not help.
  judge(fragment) {
    const key = keyOf(fragment);
    const had = this.held.get(key);
    const { part, version } = fragment;
    if (had !== undefined && version <= had) return "";
    const gap = part === "thread" && had !== undefined && version > had + 1;
    if (gap && this.missed.get(key) !== version) {
      this.missed.set(key, version);
      return "gap";
    }
    this.held.set(key, version);
    return gap ? "torn" : "newer";
  }

  raise(fragment) {
    const key = keyOf(fragment);
    this.held.set(key, Math.max(fragment.version, this.held.get(key) ?? 0));
  }

  forget(topic) {
    for (const key of [...this.held.keys()]) if (key.startsWith(`${topic}|`)) this.held.delete(key);
  }
}
