#pragma once

#include <cstdint>
#include <string_view>

#include "judge/judge.h"

namespace endorm {

// The makers in make_judge's table, in the file of their family, and what they share. Judge::name is make_judge's to
// fill.

// Judges that read the model's own token statistics, through the endogenous scorer and the shared cache. x_h is a
// quantity of response token h (T tokens) at its state s_h; ScoredResponse::aggregates are those of x.

// EndoRM itself: x_h = alpha log pi(a_h | s_h), in the aggregation that parts.score asks for.
Judge make_endorm(const JudgeParts& parts);

// 1/T sum_h log pi(a_h | s_h) and sum_h log pi(a_h | s_h), nats, pi being the policy at parts.score.alpha.
Judge make_mean_log_likelihood(const JudgeParts& parts);
Judge make_sum_log_likelihood(const JudgeParts& parts);

// -1/T sum_h H(pi(. | s_h)), nats. Throws InvalidInput where the engine gives no entropy.
Judge make_minus_entropy(const JudgeParts& parts);

// 1/T sum_h KL(uniform || pi(. | s_h)), nats (Kang et al. 2025, arXiv:2502.18581). Throws InvalidInput where the engine
// does not give it.
Judge make_self_certainty(const JudgeParts& parts);

// Relative rewards: the endogenous reward G of a response minus what G is under other conditions, in every aggregation
// (docs/relative-rewards.md derives them). All conditions of a call are scored together, so that equal pairs of prompt
// and response are computed once. x is the conversation without its system message c, y the response.

// G(y | c, x) - mean over c' of G(y | c', x). The alternatives c' are Request::alternatives, or parts.contrast where
// there are none; c itself is left out of them, and so are repetitions. A response is an error where nothing is left,
// where the request has no system message, or where a system message would have been cut off to fit the context.
Judge make_contrast(const JudgeParts& parts);

// G(y | c, x) - G(y | c, nothing): the conversation is replaced by one empty user turn, a system message stays. A
// template that adds nothing of its own ("raw") needs a model with a BOS token, or a system message.
Judge make_information_gain(const JudgeParts& parts);

// L(y | c, x) / L(y | c, nothing), L the mean of -log pi over the response's tokens: the instruction-following
// difficulty (Li et al. 2024, arXiv:2308.12032), "nothing" as in information-gain. Higher is harder, and more worth
// training on. A response is an error where the loss to divide by is 0. No aggregation, no tokens.
Judge make_ifd(const JudgeParts& parts);

// G(y | c, x) - G(y | c, x with every image blank, of the same size): what of the reward comes from looking, token by
// token. A response is an error where the prompt has no image.
Judge make_image_gain(const JudgeParts& parts);

// G(y | c, x without its images and sounds): what the words alone are worth, the control of a judge that looks.
Judge make_blind(const JudgeParts& parts);

// G(y | c, x) - G_reference(y | c, x). The two models may have different tokenizers and templates. Throws InvalidInput
// without parts.reference, and where it cannot give what parts.score asks for.
Judge make_log_ratio(const JudgeParts& parts);

// A trained scalar reward model: parts.engine is its body, parts.head_file its head (judge/reward_head.h). The reward
// is the head's value at the last token of prompt and response as the chat template writes them, the end of the turn
// and white space behind it included: what AutoModelForSequenceClassification reads of an unpadded conversation. Of
// parts.score only the rule for long sequences counts.
//
// Throws InvalidInput without a head file, on one that is no reward head or of another width than the model, and where
// the engine gives no hidden states.
Judge make_head(const JudgeParts& parts);

// Servers at parts.server_url, separated by commas (judge/server_judge.h). Throws InvalidInput without one, and on an
// unknown shape.
Judge make_server(const JudgeParts& parts);

// Generative verifiers: the model is asked whether the response is a good one (judge/prompts/verifier.txt) and its
// answer is not written but read, teacher-forced. The system message, the criteria and the query stand before the
// response and are computed once for all responses of a request. Prompts are never cut: with
// ScoreOptions::overflow kTruncateLeft, too, a response whose question does not fit the context is an error. pi is the
// policy at parts.score.alpha.

// Mean of log pi over the answer "YES" and the end of the turn, nats: the paper's form (arXiv:2506.23235).
Judge make_verifier(const JudgeParts& parts);

// log(P(YES) / (P(YES) + P(NO))), nats, P the probability of the whole answer with the end of its turn.
Judge make_verifier_normalized(const JudgeParts& parts);

// The model writes an integer from 1 to 10 about each response (judge/prompts/pointwise.txt): at temperature 0, at most
// 4 tokens, and the first integer counts (parse_rating). A reply without one is asked for again up to twice, at
// temperature 0.5 with a seed drawn from parts.seed, Request::key and the response's place (at 0 the model would repeat
// itself); where all three have none the reward is 5, and ScoredResponse::unparsed is 1. Throws InvalidInput where the
// engine cannot generate.
Judge make_pointwise(const JudgeParts& parts);

// The model is shown two responses as A and B and writes which is better, at temperature 0. Judge::compares_pairs: of a
// request with n responses every pair is asked about, and a response's reward is its wins over n - 1, a tie being half
// a win. A reply without a verdict is a tie in that order, and ScoredResponse::unparsed of both counts it. replies of a
// response are about the others in their order; of each, the reply that saw this response as A, then as B. A request
// with one response is an error, and so is a response with a pair that could not be asked about. All throw InvalidInput
// where the engine cannot generate.

// One letter (judge/prompts/pairwise.txt, parse_letter), asked in both orders: a response wins where both say so,
// anything else is a tie.
Judge make_pairwise(const JudgeParts& parts);

// The same asked once: which of the two is A is drawn from a hash of parts.seed, Request::key and the pair.
Judge make_pairwise_once(const JudgeParts& parts);

// Five verdicts (judge/prompts/pairwise-five.txt, parse_five) that count 2, 1, 0, -1, -2 for A, summed over both
// orders: a response wins where its sum is positive.
Judge make_pairwise_five(const JudgeParts& parts);

// The same judges with a model behind an OpenAI-compatible server (parts.chat_server, judge/chat_server.h), which is
// told the same words; replies may have 1024 tokens. None uses parts.engine. Throw InvalidInput without an address or a
// model's name.
Judge make_openai(const JudgeParts& parts);  // pointwise
Judge make_openai_pairwise(const JudgeParts& parts);
Judge make_openai_pairwise_once(const JudgeParts& parts);
Judge make_openai_pairwise_five(const JudgeParts& parts);

// Judges that do not look at the model at all: the floor under every comparison. None of them fails on a response.

// Length of the response's text in Unicode code points, and minus that.
Judge make_length(const JudgeParts& parts);
Judge make_minus_length(const JudgeParts& parts);

// Uniform on [0, 1), a function of parts.seed, Request::key and the response's place alone: neither the order of the
// records nor a shard changes it.
Judge make_random(const JudgeParts& parts);

// A seed of its own for one thing that a judge draws, from a hash of all four: neither the order of the records nor a
// shard or a window changes it. purpose names judge and version; place is a number within the record.
std::uint64_t drawn_seed(std::string_view purpose, std::uint64_t seed, std::string_view record_key, std::size_t place);

// Throws InvalidInput with the engine's reason where it lacks what a judge needs.
void require_capability(bool capable, std::string_view judge, const Engine& engine);

// The options with prompts that are never cut: kTruncateLeft becomes kError. To make room, prompts lose tokens after
// the first one: the system message, or a judge's criteria, would go before anything else.
ScoreOptions with_whole_prompts(ScoreOptions options);

// A request's record with an outcome for each response, none of them scored yet.
Scored record_of(const Request& request);

// A response that a judge reads no tokens of, at this reward.
ScoredResponse unread_response(const RequestResponse& response, double reward);

// A scorer that reads words, with requests spelled out for it: where tokens alone were given, their bytes stand as
// text; what a response's message holds beside its content (tool calls, reasoning) stands in its text. Keeps a
// reference to the engine.
std::unique_ptr<Scorer> spelled_out(const Engine& engine, std::unique_ptr<Scorer> reader);

// What of a template's options changes the prompt of a question: its arguments and the date, where they are given.
std::string template_fingerprint(const TemplateOptions& text);

// Every option that changes a number read from tokens, in one line: part of Judge::fingerprint.
std::string score_fingerprint(const ScoreOptions& options);

}  // namespace endorm
