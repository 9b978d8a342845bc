// The live connection: watches topics, comes back after any loss with nothing missing and nothing twice, and says what
// state it is in. It knows the protocol (docs/live.md); where a fragment belongs on the page is the page's business.
//
//   import { connect } from "./live.js";
//   const live = connect({ cursor: "epoch:pos", topics: ["queue.3", "me"], build: "…" });
//   live.addEventListener("fragment", (event) => place(event.detail));
//
// connect({cursor, topics, build, url, random}): `cursor` is the position the page was rendered at, read before its state.
// live.watch(topics, cursor)   watch more, from a part's own position (without one: from now on)
// live.unwatch(topics)         no longer
// live.viewing(topic)          the person looks at this ("" or nothing: at nothing); repeated by itself while the tab shows
// live.typing(topic)           the person types there; call it on every key
// live.seen(fragment)          the page has this version of a state (row, header) already, from another source
// live.state                   {name, retryAt, since}; live.close() ends it
//
// Events (`event.detail`):
//   fragment  {topic, stream, case | <stream>, part, version, kind, html? | gone?, message?} newer than what is shown
//   resync    {topics, reason}   continuity cannot be proven: fetch these afresh
//   refused   {topics}           may not be seen, or no longer
//   presence  {topic, people: [{id, name, role, state: open | viewing | typing}]}
//   state     {name: connecting | live | late | reconnecting | offline, retryAt, since} (milliseconds since 1970)
//   hello     {epoch, pos, build, heartbeat, me}
//   health    [{kind, text, since}]  what stands still now; {time} in a text is how long since
//   build     {build}            the software is newer than the page
//   ended     {code}             4401 signed out, 4403 nothing left to see: it does not come back by itself
import { backoff, spread } from "./live/backoff.js";
import { Versions } from "./live/versions.js";

const PING_EVERY = 7000;
const ANSWER_WITHIN = 5000; // a line that takes longer is dead, whatever the browser thinks
const LOOK_EVERY = 10000; // the server forgets who looks after 25 s
const TYPE_EVERY = 2500;
const OFFLINE_AFTER = 4; // tries
const FINAL = new Set([4401, 4403]);
const position = (cursor) => Number(cursor.slice(cursor.lastIndexOf(":") + 1));
const older = (a, b) => (a && (!b || position(a) < position(b)) ? a : b);

export const connect = (options) => new Live(options);

export class Live extends EventTarget {
  constructor({ cursor = null, topics = [], build = "", url = null, random = Math.random } = {}) {
    super();
    this.topics = new Set(topics);
    this.safe = cursor; // everything up to here has arrived, by the server's count; where we return to
    this.pending = new Map(topics.map((topic) => [topic, cursor])); // asked for and not yet granted: topic → cursor
    this.versions = new Versions();
    this.state = { name: "connecting", retryAt: 0, since: Date.now() };
    Object.assign(this, { build, random, url: url || ownUrl(), tries: 0, after: null, looking: "", typedAt: 0, lookedAt: 0, ended: false });
    this.timer = setInterval(() => this.tick(), 1000);
    this.onOnline = () => { this.tries = 0; if (!this.socket) this.open(); };
    this.onVisible = () => { if (!document.hidden) { this.tick(); this.look(); } };
    globalThis.addEventListener?.("online", this.onOnline);
    globalThis.document?.addEventListener("visibilitychange", this.onVisible);
    queueMicrotask(() => this.open());
  }

  // --- what the page asks

  watch(topics, cursor = null) {
    const fresh = topics.filter((topic) => !this.topics.has(topic));
    if (!fresh.length) return;
    fresh.forEach((topic) => { this.topics.add(topic); this.pending.set(topic, cursor); });
    this.say(cursor ? { watch: fresh, since: cursor } : { watch: fresh });
  }

  unwatch(topics) {
    const dropped = topics.filter((topic) => this.topics.delete(topic));
    dropped.forEach((topic) => { this.pending.delete(topic); this.versions.forget(topic); });
    if (dropped.length) this.say({ unwatch: dropped });
  }

  viewing(topic) {
    this.looking = topic || "";
    this.look();
  }

  typing(topic) {
    if (Date.now() - this.typedAt < TYPE_EVERY) return;
    this.typedAt = Date.now();
    this.say({ typing: topic });
  }

  seen(fragment) {
    this.versions.raise(fragment);
  }

  close() {
    this.ended = true;
    clearInterval(this.timer);
    clearTimeout(this.retry);
    globalThis.removeEventListener?.("online", this.onOnline);
    globalThis.document?.removeEventListener("visibilitychange", this.onVisible);
    this.drop();
  }

  // --- the line

  open() {
    clearTimeout(this.retry);
    if (this.ended || this.socket) return;
    const socket = new WebSocket(this.url);
    Object.assign(this, { socket, received: 0, pinged: 0, openedAt: Date.now() });
    socket.addEventListener("message", (event) => socket === this.socket && this.hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.socket && this.lost(event.code));
    socket.addEventListener("error", () => {});
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN && this.greeted) this.socket.send(JSON.stringify(message));
  }

  drop() {
    const dead = this.socket;
    this.socket = null;
    this.greeted = false;
    if (dead) dead.close();
  }

  lost(code) {
    this.drop();
    if (this.ended) return;
    if (FINAL.has(code)) { this.ended = true; this.enter("offline"); this.tell("ended", { code }); return; }
    const wait = this.after ?? (code === 1012 ? spread(this.random) : backoff(this.tries, this.random));
    this.after = null;
    this.tries += 1;
    const off = this.tries > OFFLINE_AFTER || globalThis.navigator?.onLine === false;
    this.enter(off ? "offline" : "reconnecting", Date.now() + wait);
    this.retry = setTimeout(() => this.open(), wait);
  }

  tick() {
    if (!this.socket) return;
    const now = Date.now();
    const waited = this.pinged ? now - this.pinged : this.greeted ? 0 : now - this.openedAt;
    if (waited > ANSWER_WITHIN) { this.lost(0); return; }
    if (!this.pinged && now - (this.answeredAt || 0) > PING_EVERY && this.greeted) { this.pinged = now; this.say({ ping: now }); }
    if (now - this.lookedAt > LOOK_EVERY) this.look();
  }

  look() {
    if (!this.looking || globalThis.document?.hidden) return;
    this.lookedAt = Date.now();
    this.say({ viewing: this.looking });
  }

  // --- what the server says

  hear(message) {
    if ("pong" in message) { this.pinged = 0; this.answeredAt = Date.now(); }
    if ("sent" in message) { this.count(message); return; }
    this.received += 1;
    if (message.hello) this.hello(message.hello);
    if (message.watching) this.granted(message);
    if (message.resync) this.resync(message);
    if (message.events && !message.events.every((event) => this.fragment(event))) return;
    if (message.refused) this.refused(message.refused);
    if (message.presence) this.tell("presence", message.presence);
    if (message.health) this.tell("health", message.health);
    if (message.restart) this.after = message.restart.after_ms;
  }

  hello(said) {
    Object.assign(this, { greeted: true, epoch: said.epoch, answeredAt: Date.now() });
    this.tell("hello", said);
    if (this.build && said.build !== this.build) this.tell("build", { build: said.build });
    const since = [...this.pending.values()].reduce((least, cursor) => older(cursor, least), this.safe);
    this.topics.forEach((topic) => this.pending.set(topic, since));
    if (this.topics.size) this.say({ watch: [...this.topics], ...(since ? { since } : {}) });
    else this.settled();
    this.look();
  }

  granted({ watching, cursor }) {
    watching.forEach((topic) => this.pending.delete(topic));
    this.safe = older(cursor, this.safe);
  }

  // The server's count of what it sent before this must be ours, else something was lost on a line that looked alive.
  count({ pos, sent, late, pong }) {
    if (sent !== this.received) { this.again(); return; }
    this.received += 1;
    this.safe = `${this.epoch}:${pos}`;
    if (pong !== undefined) return;
    if (late) this.enter("late");
    else this.settled();
  }

  settled() {
    this.tries = 0;
    this.enter("live");
  }

  resync({ resync, cursor }) {
    this.epoch = cursor.slice(0, cursor.lastIndexOf(":"));
    this.safe = cursor;
    resync.topics.forEach((topic) => this.versions.forget(topic));
    this.tell("resync", resync);
  }

  refused(topics) {
    topics.forEach((topic) => { this.topics.delete(topic); this.pending.delete(topic); this.versions.forget(topic); });
    this.tell("refused", { topics });
  }

  fragment(event) {
    if (!this.topics.has(event.topic)) return true;
    const news = this.versions.judge(event);
    if (news === "gap") { this.again(); return false; }
    if (news === "torn") this.tell("resync", { topics: [event.topic], reason: "gap" });
    if (news) this.tell("fragment", event);
    return true;
  }

  // Something is missing on a line that looked alive: once more from where nothing was.
  again() {
    this.after = 0;
    this.lost(0);
  }

  enter(name, retryAt = 0) {
    if (name === this.state.name && retryAt === this.state.retryAt) return;
    const wasUp = ["live", "connecting"].includes(this.state.name);
    this.state = { name, retryAt, since: wasUp || name === "live" ? Date.now() : this.state.since };
    this.tell("state", this.state);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const ownUrl = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/`;
