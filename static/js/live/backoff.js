// How long to wait before coming back. Everybody waits another time, so that a restarted server is not run over.
const FIRST = 500;
const LONGEST = 30000;
const RESTART = 6000;

// Exponential with full jitter: anything between nothing and the bound, which doubles with every try.
export const backoff = (tries, random = Math.random) => Math.round(random() * Math.min(LONGEST, FIRST * 2 ** Math.min(tries, 10)));

// A server that says it restarts comes back soon: spread over a few seconds.
export const spread = (random = Math.random) => Math.round(random() * RESTART);
