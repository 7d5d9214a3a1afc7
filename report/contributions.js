"use strict";
// What each token brings to the reward of its response: the definitions of core/aggregate.h, as weights of alpha log pi.

// The weights [T] of an aggregation of log-probabilities [T], of which the steps are ranges; undefined for an aggregation
// that is not known, and for one that needs steps where there are none.
function weightsOf(logProbs, steps, { aggregation, gamma, floor, chunk, last_k, length_power = 1 }) {
  const T = logProbs.length;
  // The mean over ranges of their means: each range, and within it each token, has an equal part.
  const meanOver = (ranges) => {
    const weights = new Array(T).fill(0);
    for (const { begin, end } of ranges) weights.fill(1 / (ranges.length * (end - begin)), begin, end);
    return weights;
  };
  const meanOf = ({ begin, end }) => logProbs.slice(begin, end).reduce((sum, value) => sum + value, 0) / (end - begin);
  const weights = {
    discounted: () => logProbs.map((_, h) => Math.max(gamma ** h, floor)),
    sum: () => new Array(T).fill(1),
    mean: () => new Array(T).fill(T ** -length_power),
    chunked_mean: () => meanOver(Array.from({ length: Math.ceil(T / chunk) }, (_, i) => ({ begin: i * chunk, end: Math.min(T, (i + 1) * chunk) }))),
    step_mean: () => (steps?.length ? meanOver(steps) : undefined),
    min_step: () => (steps?.length ? meanOver([steps.reduce((worst, step) => (meanOf(step) < meanOf(worst) ? step : worst))]) : undefined),
    last_k: () => meanOver([{ begin: Math.max(0, T - last_k), end: T }]),
  }[aggregation];
  return weights && weights();
}

// The weight and the contribution of every token [T] of a response with token_rewards, and V of the prompt as the reward
// begins with it (NaN where it is to be added and the model has none); undefined where weightsOf is.
function partsOf(response, alpha, options) {
  const logProbs = response.token_rewards.log_prob;
  const weight = weightsOf(logProbs, response.steps, options);
  if (!weight) return undefined;
  const added = { discounted: 1, sum: 1, mean: weight[0] }[options.aggregation];
  return { weight, contribution: logProbs.map((value, h) => weight[h] * alpha * value), begin: options.initial_value && added ? (response.value ?? NaN) * added : 0 };
}
// The reward up to each token [T + 1]; the last is the reward.
function runningReward({ contribution, begin }) {
  const running = [begin];
  for (const value of contribution) running.push(running.at(-1) + value);
  return running;
}
const rewardOf = ({ contribution, begin }) => contribution.reduce((sum, value) => sum + value, begin);

// Where responses part: for each how many tokens it begins with as the best one does, for the best as the next best does.
// responses [n]: tokens as rows have them; undefined, as its parting, where there is none, and where both are equal.
function partingsOf(responses, rewards) {
  const [best, next] = responses.map((_, i) => i).filter((i) => responses[i]).sort((a, b) => (rewards[b] ?? -Infinity) - (rewards[a] ?? -Infinity));
  if (next === undefined) return responses.map(() => undefined);
  const tokensOf = (i) => responses[i].id ?? responses[i].text;
  const parting = (i) => {
    const [ours, theirs] = [tokensOf(best), tokensOf(i)];
    const at = ours.findIndex((token, h) => token !== theirs[h]);
    return at >= 0 ? at : ours.length < theirs.length ? ours.length : undefined;
  };
  return responses.map((response, i) => (response ? parting(i === best ? next : i) : undefined));
}

// P(a above b) that rewards imply by Bradley and Terry, for the difference of the two.
const preference = (margin) => 1 / (1 + Math.exp(-margin));
const probabilityWords = (p) => (p < 0.001 ? "< 0.001" : p > 0.999 ? "> 0.999" : `= ${p.toFixed(3)}`);
// The same among many (Luce): what part of the sum of exp(reward) each has; null where there is no reward.
function sharesOf(rewards) {
  const highest = Math.max(...rewards.filter((reward) => reward !== null));
  const parts = rewards.map((reward) => (reward === null ? null : Math.exp(reward - highest)));
  const sum = parts.reduce((all, part) => all + part, 0);
  return parts.map((part) => (part === null ? null : part / sum));
}
// Which of some responses is ahead, by how much, and how likely it is then preferred to the next; null for fewer than two.
function verdictOf(names, rewards) {
  const [first, second] = names.map((name, i) => ({ name, reward: rewards[i] })).filter(({ reward }) => reward !== null).sort((a, b) => b.reward - a.reward);
  if (!second) return null;
  const margin = first.reward - second.reward;
  return { first: first.name, margin, words: margin === 0 ? `${first.name} and ${second.name} are tied` : `${first.name} ahead of ${second.name} by ${number(margin)} nats, P ${probabilityWords(preference(margin))}` };
}
