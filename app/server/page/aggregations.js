"use strict";
// Every aggregation of a response, from the log-probabilities of its tokens: the definitions of core/aggregate.h.
const AGGREGATIONS = ["discounted", "sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"];
// What requests ask for, so that the numbers of a reply are comparable with ours whatever the server was started with.
const CHECKED = { gamma: 0.93, floor: 0, chunk: 16, last_k: 16, initial_value: false };
// Temperatures whose statistics the server computes in the pass that it makes anyway.
const ALPHAS = [0.25, 0.5, 1, 2, 4];

// Every aggregation of a response of T tokens; undefined where it needs steps and there are none, NaN where it needs
// V(s_1) and the model has none.
function aggregates(response, alpha, { gamma, floor, chunk, last_k, initial_value }) {
  const logProbs = response.token_rewards.log_prob;
  const T = logProbs.length;
  const sumOf = (begin, end) => {
    let sum = 0;
    for (let h = begin; h < end; ++h) sum += alpha * logProbs[h];
    return sum;
  };
  const meanOf = (begin, end) => sumOf(begin, end) / (end - begin);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const initial = initial_value ? response.value : 0;
  let discounted = 0;
  for (let h = 0, power = 1; h < T; ++h, power *= gamma) discounted += Math.max(power, floor) * alpha * logProbs[h];
  const chunks = [];
  for (let begin = 0; begin < T; begin += chunk) chunks.push(meanOf(begin, Math.min(begin + chunk, T)));
  const steps = (response.steps ?? []).map((step) => meanOf(step.begin, step.end));
  return {
    discounted: discounted + initial,
    sum: sumOf(0, T) + initial,
    mean: (sumOf(0, T) + initial) / T,
    chunked_mean: mean(chunks),
    step_mean: steps.length ? mean(steps) : undefined,
    min_step: steps.length ? Math.min(...steps) : undefined,
    last_k: meanOf(Math.max(0, T - last_k), T),
  };
}

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
