"use strict";
// Every aggregation of a response, from the log-probabilities of its tokens (contributions.js).
const AGGREGATIONS = ["discounted", "sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"];
// What requests ask for, so that the numbers of a reply are comparable with ours whatever the server was started with.
const CHECKED = { gamma: 0.93, floor: 0, chunk: 16, last_k: 16, initial_value: false };
// Temperatures whose statistics the server computes in the pass that it makes anyway.
const ALPHAS = [0.25, 0.5, 1, 2, 4];

// Every aggregation of a response of T tokens; undefined where it needs steps and there are none, NaN where it needs
// V(s_1) and the model has none.
const aggregates = (response, alpha, options) => Object.fromEntries(AGGREGATIONS.map((aggregation) => {
  const parts = partsOf(response, alpha, { ...options, aggregation });
  return [aggregation, parts && rewardOf(parts)];
}));

// Where our numbers and the server's are not the same, in words; "" where they are.
function difference({ model, reply }, alpha) {
  for (const [i, response] of reply.responses.entries()) {
    if (!response.token_rewards) continue;
    for (const [name, ours] of Object.entries(aggregates(response, alpha, CHECKED))) {
      const theirs = response[name];
      if (ours === undefined && theirs === undefined) continue;
      if (!(Math.abs(ours - theirs) <= 1e-9)) return `${model}, response ${i + 1}, ${name}: ${ours} here, ${theirs} there`;
    }
  }
  return "";
}
