#include "app/server/reward_queue.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "app/server/client_words.h"
#include "app/server/completions.h"
#include "app/server/queued_request.h"
#include "core/errors.h"
#include "core/random.h"
#include "engine/tabular_engine.h"
#include "tests/server/running_server.h"

// What a queue takes, in which order it is done, and what comes of it, in slices and tokens instead of seconds.
namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// A tabular engine of eight tokens that computes nothing while it is closed.
class Gate {
 public:
  std::unique_ptr<Engine> engine(std::function<void(std::span<const Token>)> before = {}) {
    const auto logits = [this, before](std::span<const Token> path) {
      began_.store(true);
      open_.wait(false);
      if (before) {
        before(path);
      }
      return tabular_logits(path);
    };
    return std::make_unique<TabularEngine>(8, logits);
  }
  void open() {
    open_.store(true);
    open_.notify_all();
  }
  void wait_for_work() const {
    while (!began_.load()) {
      std::this_thread::yield();
    }
  }

 private:
  std::atomic<bool> open_ = false;
  std::atomic<bool> began_ = false;
};

std::string text_of(RandomStream& random, std::size_t tokens) {
  std::string text;
  for (std::size_t i = 0; i < tokens; ++i) {
    text += "[" + std::to_string(random.below(8)) + "]";
  }
  return text;
}

Request request_of(RandomStream& random, std::size_t responses, std::size_t tokens,
                   const std::string& prompt = "[1][2]") {
  Request request;
  request.messages = {{"user", prompt}};
  for (std::size_t i = 0; i < responses; ++i) {
    request.responses.emplace_back().text.text = text_of(random, tokens);
  }
  return request;
}

QueueOptions options_of(std::size_t slice_tokens) {
  QueueOptions options;
  options.slice_tokens = slice_tokens;
  options.linger = std::chrono::milliseconds(0);
  return options;
}

// Responses of so many tokens, alone.
std::vector<Request> alone(RandomStream& random, std::size_t responses, std::size_t tokens) {
  return {request_of(random, responses, tokens)};
}

TEST_CASE("beside a large request a small one is done within two slices") {
  RandomStream random(1);
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(20));
  RewardQueue::Ticket large = queue.score(alone(random, 100, 5), {});
  gate.wait_for_work();
  std::size_t slices = 0;
  Waiting waiting;
  waiting.ready = [&] { slices = queue.counts().batches; };
  RewardQueue::Ticket small = queue.score(alone(random, 1, 2), {}, waiting);
  gate.open();
  CHECK(small.scored.get().front().responses.size() == 1);
  CHECK(large.scored.get().front().responses.size() == 100);
  CHECK(slices <= 2);  // its own among them
  CHECK(queue.counts().batches >= 100 * 5 / 20);
}

TEST_CASE("a completion of many prompts takes turns, too") {
  RandomStream random(2);
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(64));
  CompletionsRequest request;
  for (int i = 0; i < 50; ++i) {
    request.prompts.push_back({text_of(random, 4), {}});
  }
  request.sampling.max_tokens = 3;
  const auto call = std::make_shared<CompletionsCall>(queue.engine(), request, ProtocolContext());
  RewardQueue::Ticket large = queue.use(call->parts(), call->bytes(), call);
  gate.wait_for_work();
  CHECK(queue.counts().waiting_tokens == 34 * (4 + 3));  // 16 are drawn side by side
  std::size_t slices = 0;
  Waiting waiting;
  waiting.ready = [&] { slices = queue.counts().batches; };
  RewardQueue::Ticket small = queue.score(alone(random, 1, 2), {}, waiting);
  gate.open();
  small.scored.get();
  large.scored.get();
  CHECK(slices <= 2);
  CHECK(call->reply()["choices"].size() == 50);
}

TEST_CASE("work that nobody waits for ends with the slice in which its client leaves") {
  RandomStream random(3);
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(20));
  RewardQueue::Ticket large = queue.score(alone(random, 100, 5), {});
  gate.wait_for_work();
  RewardQueue::Ticket next = queue.score(alone(random, 1, 1), {});
  *large.given_up = true;
  gate.open();
  next.scored.get();
  CHECK(queue.counts().waiting == 0);
  CHECK(queue.counts().waiting_tokens == 0);
  CHECK(queue.counts().responses <= 5);
}

TEST_CASE("a request past its deadline is told so, and the rest of it is not computed") {
  RandomStream random(4);
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(20));
  Waiting waiting;
  waiting.deadline = Clock::now() + std::chrono::milliseconds(30);
  std::atomic<int> told = 0;
  waiting.ready = [&] { ++told; };
  RewardQueue::Ticket late = queue.score(alone(random, 100, 5), {}, waiting);
  gate.wait_for_work();
  std::this_thread::sleep_until(waiting.deadline);
  gate.open();
  CHECK_THROWS_AS(late.scored.get(), DeadlinePassed);
  CHECK(queue.score(alone(random, 1, 1), {}).scored.get().size() == 1);
  CHECK(told == 1);
  CHECK(queue.counts().responses <= 5);
}

TEST_CASE("what a queue ends with is done first") {
  RandomStream random(5);
  Gate gate;
  std::vector<RewardQueue::Ticket> tickets;
  {
    RewardQueue queue(gate.engine(), options_of(8));
    for (int i = 0; i < 5; ++i) {
      tickets.push_back(queue.score(alone(random, 20, 3), {}));
    }
    gate.open();
  }
  for (RewardQueue::Ticket& ticket : tickets) {
    CHECK(ticket.scored.get().front().responses.size() == 20);
  }
}

TEST_CASE("low priority is done after high") {
  RandomStream random(6);
  Gate gate;
  std::vector<std::string> order;
  {
    RewardQueue queue(gate.engine(), options_of(20));
    const RewardQueue::Ticket first = queue.score(alone(random, 1, 1), {});
    gate.wait_for_work();
    const auto waiting = [&](Priority priority, const std::string& name) {
      Waiting how;
      how.priority = priority;
      how.ready = [&order, name] { order.push_back(name); };
      return how;
    };
    const RewardQueue::Ticket low = queue.score(alone(random, 3, 5), {}, waiting(Priority::kLow, "low"));
    const RewardQueue::Ticket high = queue.score(alone(random, 10, 5), {}, waiting(Priority::kHigh, "high"));
    gate.open();
  }
  CHECK(order == std::vector<std::string>{"high", "low"});
}

TEST_CASE("what may wait is bounded in tokens: the prompt once and every response") {
  RandomStream random(7);
  Gate gate;
  QueueOptions options = options_of(10);
  options.waiting_tokens = 100;
  RewardQueue queue(gate.engine(), options);
  RewardQueue::Ticket running = queue.score(alone(random, 1, 4), {});
  gate.wait_for_work();
  CHECK_THROWS_WITH_AS(queue.score(alone(random, 33, 3), {}),
                       doctest::Contains("101 tokens, those to be drawn among them, the server takes 100 at once"),
                       InvalidInput);
  RewardQueue::Ticket whole = queue.score(alone(random, 32, 3), {});  // 98: it fits where nothing waits
  CHECK(queue.counts().waiting_tokens == 98);
  CHECK(queue.counts().waiting == 32);
  CHECK_THROWS_AS(queue.score(alone(random, 1, 1), {}), QueueFull);
  gate.open();
  CHECK(whole.scored.get().size() == 1);
  CHECK(queue.score(alone(random, 1, 1), {}).scored.get().size() == 1);
}

TEST_CASE("what is held is bounded in bytes, until it is answered") {
  RandomStream random(8);
  Gate gate;
  QueueOptions options = options_of(10);
  options.budget = std::make_shared<ByteBudget>(2000);
  RewardQueue queue(gate.engine(), options);
  CHECK_THROWS_WITH_AS(queue.score(alone(random, 1, 1000), {}), doctest::Contains("the server takes 2000 at once"),
                       InvalidInput);
  RewardQueue::Ticket first = queue.score(alone(random, 2, 100), {});
  gate.wait_for_work();
  CHECK(options.budget->held() == 600 + 6 + 4 * 202);
  CHECK_THROWS_AS(queue.score(alone(random, 2, 100), {}), QueueFull);
  gate.open();
  first.scored.get();
  while (options.budget->held() > 0) {
    std::this_thread::yield();
  }
  CHECK(queue.score(alone(random, 2, 100), {}).scored.get().size() == 1);
}

TEST_CASE("a temperature that nothing can be divided by is refused before it waits") {
  RandomStream random(9);
  Gate gate;
  gate.open();
  RewardQueue queue(gate.engine(), {});
  ScoreOptions options;
  options.alpha = 1e-308;
  CHECK_THROWS_AS(queue.score(alone(random, 1, 1), options), InvalidInput);
  options.alpha = 1.0;
  options.also_alphas = {1e-308};
  CHECK_THROWS_AS(queue.score(alone(random, 1, 1), options), InvalidInput);
}

TEST_CASE("records are told one by one and in order") {
  RandomStream random(10);
  Gate gate;
  gate.open();
  RewardQueue queue(gate.engine(), options_of(12));
  std::vector<Request> requests;
  for (int i = 0; i < 30; ++i) {
    requests.push_back(request_of(random, 1 + random.below(4), 3));
    requests.back().id = std::to_string(i);
  }
  requests[7].responses.front().text.text = "?";
  requests[8].responses = {{}};  // nothing to score: no part at all
  std::vector<std::string> ids;
  std::vector<Scored> told;
  Waiting waiting;
  waiting.each = [&](std::size_t record, Scored scored) {
    CHECK(record == told.size());
    told.push_back(std::move(scored));
  };
  CHECK(queue.score(requests, {}, waiting).scored.get().empty());
  REQUIRE(told.size() == 30);
  for (std::size_t i = 0; i < told.size(); ++i) {
    CHECK(told[i].id == std::to_string(i));
    CHECK(told[i].responses.size() == requests[i].responses.size());
  }
  CHECK_FALSE(told[7].responses.front().error.empty());
  CHECK_FALSE(told[8].responses.front().error.empty());
}

TEST_CASE("a model that fails for one response costs the others nothing, however they are cut") {
  RandomStream random(11);
  for (const std::size_t slice : {1, 10, 1000}) {
    Gate gate;
    gate.open();
    RewardQueue queue(gate.engine([](std::span<const Token> path) {
      if (path.size() > 5) {
        throw EngineError("too deep");
      }
    }),
                      options_of(slice));
    std::vector<Request> requests = alone(random, 6, 3);
    requests.front().responses[3].text.text = text_of(random, 9);
    const std::vector<Scored> scored = queue.score(requests, {}).scored.get();
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(scored.front().responses[i].scored.has_value() == (i != 3));
    }
    CHECK(scored.front().responses[3].error == "too deep");
    CHECK_THROWS_AS(queue.score(alone(random, 4, 9), {}).scored.get(), EngineError);  // nothing of it came
  }
}

// Work that reads two tokens a part, and fails where it is told to.
class FailingWork final : public QueuedWork {
 public:
  explicit FailingWork(std::optional<std::size_t> fails_at) : fails_at_(fails_at) {}

  PartReads reads(std::size_t part) const override { return {{1}, {{static_cast<Token>(part % 8), 2}}, 1.0, 0}; }
  void take_read(const Engine&, std::size_t part, std::vector<std::vector<TokenStats>> stats) override {
    CHECK(stats.front().size() == 2);
    taken.push_back(part);
    if (part == fails_at_) {
      throw InvalidInput("five");
    }
  }
  std::optional<PartDraw> draws(std::size_t) const override { return std::nullopt; }
  void take_drawn(const Engine&, std::size_t, Completion) override {}
  std::size_t completion(std::size_t part) const override { return part; }

  std::vector<std::size_t> taken;

 private:
  std::optional<std::size_t> fails_at_;
};

TEST_CASE("work in parts ends with the part that fails, and costs what is read beside it nothing") {
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(18));
  RandomStream random(6);
  RewardQueue::Ticket before = queue.score(alone(random, 1, 2), {});
  gate.wait_for_work();
  const auto fails = std::make_shared<FailingWork>(4);
  const auto beside = std::make_shared<FailingWork>(std::nullopt);
  RewardQueue::Ticket failing = queue.use(std::vector<PartCost>(20, PartCost{.tokens = 3}), 0, fails);
  RewardQueue::Ticket other = queue.use(std::vector<PartCost>(3, PartCost{.tokens = 1}), 0, beside);
  gate.open();
  CHECK_THROWS_AS(failing.scored.get(), InvalidInput);
  other.scored.get();
  CHECK(fails->taken == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(beside->taken == std::vector<std::size_t>{0, 1, 2});
  before.scored.get();
  CHECK(queue.counts().waiting_tokens == 0);
}

// What becomes of a call by itself.
nlohmann::ordered_json choices_alone(const CompletionsRequest& request) {
  Gate gate;
  gate.open();
  RewardQueue queue(gate.engine(), {});
  const auto call = std::make_shared<CompletionsCall>(queue.engine(), request, ProtocolContext());
  queue.use(call->parts(), call->bytes(), call).scored.get();
  return call->reply()["choices"];
}

TEST_CASE("sequences of one call and of others are read in one slice, what they share once") {
  RandomStream random(7);
  Gate gate;
  RewardQueue queue(gate.engine(), options_of(600));
  RewardQueue::Ticket before = queue.score(alone(random, 1, 2), {});
  gate.wait_for_work();
  const std::string shared = text_of(random, 130);  // two whole blocks of it are known to be there once
  std::vector<CompletionsRequest> requests(5);
  std::vector<std::shared_ptr<CompletionsCall>> calls;
  std::vector<RewardQueue::Ticket> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (int sequence = 0; sequence < 4; ++sequence) {
      requests[i].prompts.push_back({shared + text_of(random, 10), {}});
    }
    requests[i].sampling.max_tokens = 0;
    requests[i].log_probs = 2;
    requests[i].echo = true;
    calls.push_back(std::make_shared<CompletionsCall>(queue.engine(), requests[i], ProtocolContext()));
    tickets.push_back(queue.use(calls.back()->parts(), calls.back()->bytes(), calls.back()));
  }
  gate.open();
  before.scored.get();
  const QueueCounts counts_before = queue.counts();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    tickets[i].scored.get();
    CHECK(calls[i]->reply()["choices"] == choices_alone(requests[i]));
  }
  const QueueCounts counts = queue.counts();
  CHECK(counts.batches <= 2);
  CHECK(counts.tokens_asked >= 20 * 140);
  CHECK(counts.tokens_computed <= 4 + 130 + 20 * 10);
  CHECK(counts_before.batches >= 1);
}

TEST_CASE("completions of one call and of others grow side by side, each as by itself") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  RandomStream random(seed);
  Gate gate;
  RewardQueue queue(gate.engine(), {});
  RewardQueue::Ticket before = queue.score(alone(random, 1, 2), {});
  gate.wait_for_work();
  std::vector<CompletionsRequest> requests(4);
  std::vector<std::shared_ptr<CompletionsCall>> calls;
  std::vector<RewardQueue::Ticket> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (std::size_t prompt = 0; prompt < 1 + 6 * i; ++prompt) {
      requests[i].prompts.push_back({text_of(random, 3), {}});
    }
    requests[i].sampling.max_tokens = i == 3 ? 300 : 20;
    requests[i].sampling.stop = {"[1][2][3]"};
    requests[i].log_probs = 0;
    requests[i].echo = i % 2 == 1;
    requests[i].seed = i;
    calls.push_back(std::make_shared<CompletionsCall>(queue.engine(), requests[i], ProtocolContext()));
    tickets.push_back(queue.use(calls.back()->parts(), calls.back()->bytes(), calls.back()));
  }
  gate.open();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    tickets[i].scored.get();
    const nlohmann::ordered_json together = calls[i]->reply()["choices"];
    for (std::size_t prompt = 0; prompt < requests[i].prompts.size(); ++prompt) {
      CompletionsRequest one = requests[i];
      one.prompts = {requests[i].prompts[prompt]};
      nlohmann::ordered_json alone = choices_alone(one)[0];
      alone["index"] = prompt;
      CHECK(together[prompt] == alone);
    }
  }
}

TEST_CASE("however requests are cut, their numbers are those of the scorer") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  RandomStream random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<Request>> bodies(1 + random.below(6));
    std::vector<ScoreOptions> options(bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      options[i].alpha = random.below(3) == 0 ? 0.5 : 1.0;
      options[i].turns = random.below(3) == 0 ? ScoredTurns::kAll : ScoredTurns::kLast;
      for (std::size_t n = 1 + random.below(4); n > 0; --n) {
        Request& request = bodies[i].emplace_back(
            request_of(random, 1 + random.below(6), 1 + random.below(8), text_of(random, 1 + random.below(3))));
        if (random.below(2) == 0) {
          request.messages.push_back({"assistant", text_of(random, 2)});
          request.messages.push_back({"user", text_of(random, 2)});
        }
        RequestResponse& masked = request.responses.emplace_back();
        masked.ids = Tokens{1, 2, 3, 4, 5, 6};
        masked.mask = {true, false, true, true, false, true};
        request.responses.emplace_back();  // empty: cannot be scored
      }
    }
    QueueOptions cut = options_of(1 + random.below(60));
    cut.batch_responses = 1 + random.below(20);
    Gate gate;
    gate.open();
    RewardQueue queue(gate.engine(), cut);
    std::vector<RewardQueue::Ticket> tickets;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      tickets.push_back(queue.score(bodies[i], options[i]));
    }
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      Gate own;
      own.open();
      const std::unique_ptr<Engine> engine = own.engine();
      StatsCache cache(std::nullopt);
      const std::vector<Scored> expected = EndogenousScorer(*engine, cache, options[i]).score(bodies[i]);
      const std::vector<Scored> found = tickets[i].scored.get();
      REQUIRE(found.size() == expected.size());
      for (std::size_t n = 0; n < found.size(); ++n) {
        REQUIRE(found[n].responses.size() == expected[n].responses.size());
        for (std::size_t r = 0; r < found[n].responses.size(); ++r) {
          const ScoredOutcome& one = found[n].responses[r];
          const ScoredOutcome& other = expected[n].responses[r];
          CHECK(one.error == client_words(other.error));
          REQUIRE(one.scored.has_value() == other.scored.has_value());
          if (one.scored) {
            CHECK(one.scored->reward == other.scored->reward);
            CHECK(one.scored->token_ids == other.scored->token_ids);
            CHECK(one.scored->turns.size() == other.scored->turns.size());
          }
        }
      }
    }
  }
}

TEST_CASE("a completion that is drawn in parts is the one that is drawn at once") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  RandomStream random(seed);
  Gate gate;
  gate.open();
  const std::unique_ptr<Engine> engine = gate.engine();
  for (int round = 0; round < 12; ++round) {
    CompletionsRequest request;
    request.prompts = {{text_of(random, 3), {}}};
    request.sampling.max_tokens = 1 + random.below(600);
    request.seed = random.below(1000);
    request.log_probs = 0;
    if (round % 3 > 0) {  // it may span two parts' border, and begin within a token
      request.sampling.stop = {text_of(random, 3).substr(round % 3 - 1), "[0][0][0][0]"};
    }
    CompletionsCall call(*engine, request, {});
    for (std::size_t part = 0; part < call.parts().size(); ++part) {
      std::vector<WorkParts> one = {{&call, part, part + 1}};
      do_together(*engine, one);
      REQUIRE(!one.front().failure);
    }
    const ResponseText whole{request.prompts.front().text, true};
    const GenerationRequest asked{engine->text_form()->tokenize_raw("", std::span(&whole, 1), {}).front().response,
                                  *request.seed};
    const Completion drawn = engine->generator()->generate(std::span(&asked, 1), request.sampling).front();
    const nlohmann::ordered_json choice = call.reply()["choices"][0];
    CHECK(choice["text"] == drawn.text);
    CHECK(choice["logprobs"]["tokens"].size() == drawn.text_tokens);
    CHECK(choice["finish_reason"] == (drawn.end == CompletionEnd::kLength ? "length" : "stop"));
  }
}

}  // namespace
}  // namespace endorm
