// The socket: watches topics from a position, comes back after any loss, says what state it is in.
// Messages: docs/live.md. One cursor a socket; whatever the server says it is at is where we return to.
const QUIET = 12000; // two heartbeats without a word: the line is dead, whatever the browser thinks
const LONGEST_WAIT = 15000;

export function connect(page) {
  let socket = null;
  let cursor = page.position();
  let epoch = cursor?.split(":")[0];
  let watched = new Set();
  let tries = 0;
  let heardAt = 0;
  let retry = 0;
  let wait = null;
  let beat = 10000;
  let ended = false;

  const say = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));

  function open() {
    clearTimeout(retry);
    if (socket && socket.readyState < WebSocket.CLOSING) return;
    watched = new Set();
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/`);
    const mine = socket;
    socket.addEventListener("message", (event) => mine === socket && hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => mine === socket && closed(event.code));
  }

  function watch() {
    const wanted = new Set(page.topics());
    const gone = [...watched].filter((topic) => !wanted.has(topic));
    const fresh = [...wanted].filter((topic) => !watched.has(topic));
    if (gone.length) say({ unwatch: gone });
    if (fresh.length) say({ watch: fresh, since: watched.size ? page.positionOf(fresh) || cursor : cursor });
    watched = wanted;
    look();
  }

  function look() {
    const topic = page.looking();
    if (topic && !document.hidden) say({ viewing: topic });
  }

  function hear(message) {
    heardAt = Date.now();
    if (message.hello) hello(message.hello);
    if (message.events) message.events.forEach(page.happened);
    if (message.cursor) cursor = message.cursor;
    if (message.presence) page.presence(message.presence);
    if (message.refused) page.refused(message.refused);
    if (message.resync) page.resync(message.resync.topics);
    if (message.restart) { wait = message.restart.after_ms; page.state("reconnecting", { retryAt: Date.now() + wait }); }
  }

  function hello(said) {
    tries = 0;
    beat = Math.min(10000, (said.heartbeat || 10) * 1000);
    page.build(said.build);
    if (epoch && said.epoch !== epoch) { cursor = null; page.resync(page.topics()); }
    epoch = said.epoch;
    cursor ||= `${said.epoch}:${said.pos}`;
    page.state("live");
    watch();
  }

  function closed(code) {
    socket = null;
    page.forgotten();
    if (code === 4401 || code === 4403) { ended = true; page.state("offline"); page.ended(code); return; }
    const delay = wait ?? Math.min(LONGEST_WAIT, 400 * 2 ** tries) * (0.5 + Math.random());
    wait = null;
    tries += 1;
    page.state(tries > 3 || !navigator.onLine ? "offline" : "reconnecting", { retryAt: Date.now() + delay });
    retry = setTimeout(open, delay);
  }

  setInterval(() => {
    if (ended || !socket) return;
    if (socket.readyState === WebSocket.OPEN && Date.now() - heardAt > QUIET) { const dead = socket; socket = null; dead.close(); closed(0); return; }
    say({ ping: Date.now() });
    look();
  }, Math.min(beat, 5000));
  addEventListener("online", () => { tries = 0; open(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !ended) { if (!socket) open(); look(); } });
  open();
  return { watch, typing: (topic) => say({ typing: topic }) };
}
