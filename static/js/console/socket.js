// The console's end of the live connection (../live.js): which topics the page shows, and whom to tell what arrives.
import { connect as open } from "../live.js";

export function connect(page) {
  const live = open({ cursor: page.position(), topics: page.topics() });
  const on = (name, act) => live.addEventListener(name, (event) => act(event.detail));
  on("fragment", page.happened);
  on("presence", page.presence);
  on("hello", ({ build }) => page.build(build));
  on("resync", ({ topics }) => page.resync(topics));
  on("refused", ({ topics }) => page.refused(topics));
  on("ended", ({ code }) => page.ended(code));
  on("state", ({ name, retryAt }) => {
    if (name !== "live") page.forgotten();
    page.state(name === "late" ? "offline" : name, { retryAt });
  });

  function watch() {
    const wanted = new Set(page.topics());
    live.unwatch([...live.topics].filter((topic) => !wanted.has(topic)));
    const fresh = [...wanted].filter((topic) => !live.topics.has(topic));
    live.watch(fresh, page.positionOf(fresh));
    live.viewing(page.looking());
  }

  live.viewing(page.looking());
  return { watch, typing: (topic) => live.typing(topic) };
}
