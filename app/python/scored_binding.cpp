#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/python/scored_record.h"
#include "app/python/token_arrays.h"
#include "core/errors.h"
#include "score/ranking.h"
#include "score/scored_json.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

using SharedRecord = std::shared_ptr<const ScoredRecord>;

// One response of a record.
struct ResponseOf {
  SharedRecord record;
  std::size_t index = 0;

  const ScoredOutcome& outcome() const { return record->scored.responses[index]; }
  // Throws InvalidInput where it has no score.
  const ScoredResponse& scored() const {
    if (!outcome().scored) {
      throw InvalidInput("[ScoredResponse] response " + std::to_string(index) + " of record \"" + record->scored.id +
                         "\" has no score: " + outcome().error);
    }
    return *outcome().scored;
  }
  const Aggregates& aggregates() const {
    if (!scored().aggregates) {
      throw InvalidInput("[ScoredResponse] this judge reads no tokens: there is nothing to aggregate");
    }
    return *scored().aggregates;
  }
  // Throws InvalidInput where tokens were not kept.
  const ScoredResponse& with_tokens() const {
    if (!record->keeps_tokens) {
      throw InvalidInput("[ScoredResponse] tokens were not kept. Call score(..., tokens=True).");
    }
    return scored();
  }
  SharedTokens tokens() const { return {record, &with_tokens().tokens}; }
};

struct RecordOf {
  SharedRecord record;

  ResponseOf response(std::int64_t index) const {
    const auto count = static_cast<std::int64_t>(record->scored.responses.size());
    if (index < -count || index >= count) {
      throw nb::index_error(
          ("record \"" + record->scored.id + "\" has " + std::to_string(count) + " responses").c_str());
    }
    return {record, static_cast<std::size_t>(index < 0 ? index + count : index)};
  }
  // Throws InvalidInput where there are several.
  ResponseOf only() const {
    if (record->scored.responses.size() != 1) {
      throw InvalidInput("[Scored] record \"" + record->scored.id + "\" has " +
                         std::to_string(record->scored.responses.size()) +
                         " responses: say which, e.g. .responses[0].reward, or take .rewards");
    }
    return {record, 0};
  }
};

template <auto kQuantity>
nb::object token_column(const ResponseOf& self) {
  return token_array(self.tokens(), kQuantity);
}

// Of quantities that only raw logits give.
template <auto kQuantity>
nb::object raw_column(const ResponseOf& self) {
  return self.with_tokens().value ? token_column<kQuantity>(self) : nb::none();
}

template <auto kAggregate>
auto aggregate_of(const ResponseOf& self) {
  return self.aggregates().*kAggregate;
}

nb::object ids_of(const ResponseOf& self) {
  return id_array(std::shared_ptr<const Tokens>(self.record, &self.scored().token_ids));
}

std::optional<std::string> error_of(const ResponseOf& self) {
  return self.outcome().scored ? std::nullopt : std::optional(self.outcome().error);
}

std::string finish_of(const ResponseOf& self) {
  return self.scored().finish == Finish::kEndOfTurn ? "end_of_turn" : "truncated";
}

// [T], None where there are none.
nb::object optional_ids(std::optional<Tokens> ids) {
  return ids ? id_array(std::make_shared<Tokens>(std::move(*ids))) : nb::none();
}

nb::object token_turns_of(const ResponseOf& self) { return optional_ids(token_turns(self.scored())); }

// Of the record's ids; none where text was given.
nb::object token_places_of(const ResponseOf& self) {
  return optional_ids(token_places(self.record->request.responses[self.index], self.scored()));
}

std::optional<std::string> context_of(const ResponseOf& self) {
  const std::optional<ResponseContext>& context = self.scored().context;
  return context ? std::optional(std::string(context_name(*context))) : std::nullopt;
}

std::string repr_of(const ResponseOf& self) {
  return self.outcome().scored ? "<endorm.ScoredResponse reward " + std::to_string(self.scored().reward) + ">"
                               : "<endorm.ScoredResponse without a score: " + self.outcome().error + ">";
}

std::vector<ResponseOf> responses_of(const RecordOf& self) {
  std::vector<ResponseOf> responses;
  for (std::size_t i = 0; i < self.record->scored.responses.size(); ++i) {
    responses.push_back({self.record, i});
  }
  return responses;
}

// [responses], NaN where there is no score.
nb::object rewards_of(const RecordOf& self) {
  std::vector<double> rewards;
  for (const ScoredOutcome& outcome : self.record->scored.responses) {
    rewards.push_back(outcome.scored ? outcome.scored->reward : std::numeric_limits<double>::quiet_NaN());
  }
  return number_array(std::move(rewards));
}

// The numbers of a response, for a class that is one or has a single one.
template <typename Class, typename To>
void define_numbers(Class& bound, To to) {
  using Self = typename Class::Type;
  const auto property = [&](const char* name, auto read, const char* doc) {
    bound.def_prop_ro(
        name, [to, read](const Self& self) { return read(to(self)); }, doc);
  };
  const auto array = [&](const char* name, auto read, const char* type, const char* doc) {
    bound.def_prop_ro(
        name, [to, read](const Self& self) { return read(to(self)); }, nb::sig(type), doc);
  };
  property(
      "reward", [](const ResponseOf& r) { return r.scored().reward; },
      "The aggregation that was chosen; higher is better. Raises ValueError where there is no score.");
  property(
      "log_prob", [](const ResponseOf& r) { return r.scored().log_prob; }, "Sum of log pi, nats.");
  property(
      "value", [](const ResponseOf& r) { return r.scored().value; },
      "V(s_1); None where the engine has no raw logits.");
  property(
      "aggregates", [](const ResponseOf& r) { return r.aggregates(); }, "Every aggregation.");
  property("error", &error_of, "Why there is no score; None where there is one.");
  property("finish", &finish_of, "\"end_of_turn\", or \"truncated\" where no end of the turn was scored.");
  property("context", &context_of,
           "Where it was read: \"as_drawn\", \"continued\", \"closed_by_template\", \"raw\" or \"tokens\".");
  property(
      "spelled_end", [](const ResponseOf& r) { return r.scored().spelled_end; },
      "Whether its text ended with the spelling of the token that ended its turn.");
  property(
      "turns", [](const ResponseOf& r) { return r.scored().turns; },
      "With score_turns=\"all\" each turn of the assistant, with a mask each run of the model's own tokens; else "
      "empty.");
  property(
      "step_turns", [](const ResponseOf& r) { return step_turns(r.scored()); },
      "Of each of aggregates.steps its place in turns; None where those are empty.");
  array("token_turns", &token_turns_of, "def token_turns(self) -> numpy.typing.NDArray[numpy.int32] | None",
        "[T] of each token its place in turns; None where those are empty.");
  array("token_places", &token_places_of, "def token_places(self) -> numpy.typing.NDArray[numpy.int32] | None",
        "[T] where each token stands in response_ids, -1 for those of earlier turns; None where text was given.");
  property(
      "token_texts", [](const ResponseOf& r) { return r.with_tokens().token_texts; },
      "Text of each token; together they spell the response.");
  array("token_ids", &ids_of, "def token_ids(self) -> numpy.typing.NDArray[numpy.int32]", "[T], read-only.");
  array("token_rewards", &raw_column<&TokenReward::reward>,
        "def token_rewards(self) -> numpy.typing.NDArray[numpy.float64] | None",
        "r_h [T], read-only; None where the engine has no raw logits.");
  array("token_log_probs", &token_column<&TokenReward::log_prob>,
        "def token_log_probs(self) -> numpy.typing.NDArray[numpy.float64]", "log pi_h [T], nats, read-only.");
  array("token_q", &raw_column<&TokenReward::q>, "def token_q(self) -> numpy.typing.NDArray[numpy.float64] | None",
        "Q(s_h, a_h) [T], read-only; None where the engine has no raw logits.");
  array("token_values", &raw_column<&TokenReward::value>,
        "def token_values(self) -> numpy.typing.NDArray[numpy.float64] | None",
        "V(s_h) [T], read-only; None where the engine has no raw logits.");
  array("token_entropies", &token_column<&TokenReward::entropy>,
        "def token_entropies(self) -> numpy.typing.NDArray[numpy.float64] | None",
        "Of pi(. | s_h) [T], nats, read-only; None where the engine gives none.");
}

}  // namespace

nb::object python_scored(std::shared_ptr<const ScoredRecord> record) { return nb::cast(RecordOf{std::move(record)}); }

void bind_scored(nb::module_& module) {
  nb::class_<ResponseOf> response(module, "ScoredResponse", "One response and its numbers, in nats.");
  define_numbers(response, [](const ResponseOf& self) -> const ResponseOf& { return self; });
  response.def_ro("index", &ResponseOf::index, "Its place among the record's responses.")
      .def_prop_ro(
          "text", [](const ResponseOf& self) { return self.record->request.responses[self.index].text.text; },
          "As it was given; steps are joined. Empty where token ids were given.")
      .def_prop_ro(
          "skipped", [](const ResponseOf& self) { return self.outcome().skipped; },
          "Left out on purpose: on_overflow=\"skip\".")
      .def_prop_ro(
          "truncated_left", [](const ResponseOf& self) { return self.scored().truncated_left; },
          "Prompt tokens dropped to fit the context.")
      .def(
          "__len__", [](const ResponseOf& self) { return self.scored().token_ids.size(); }, "T, tokens scored.")
      .def("__repr__", &repr_of);

  nb::class_<RecordOf> record(module, "Scored",
                              "One record, scored. reward, log_prob, ... are those of its response where it has one; "
                              "of several, see responses.");
  define_numbers(record, [](const RecordOf& self) { return self.only(); });
  record
      .def_prop_ro(
          "id", [](const RecordOf& self) { return self.record->scored.id; }, "The record's own, or its place from 1.")
      .def_prop_ro("responses", &responses_of)
      .def_prop_ro("rewards", &rewards_of, nb::sig("def rewards(self) -> numpy.typing.NDArray[numpy.float64]"),
                   "[responses], NaN where there is no score.")
      .def_prop_ro(
          "ranking", [](const RecordOf& self) { return ranking(self.record->scored); },
          "Places of the responses from best to worst; those without a score are left out.")
      .def_prop_ro(
          "chosen",
          [](const RecordOf& self) { return self.record->request.chosen_first ? std::optional(0) : std::nullopt; },
          "Place of the chosen response, where the record was a pair.")
      .def(
          "row",
          [](const RecordOf& self) { return scored_row(self.record->request, self.record->scored, self.record->row); },
          "The row that `endorm score` writes for it, as JSON text.")
      .def("__len__", [](const RecordOf& self) { return self.record->scored.responses.size(); })
      .def("__getitem__", &RecordOf::response, "index"_a)
      .def("__repr__", [](const RecordOf& self) {
        std::string text = "<endorm.Scored " + self.record->scored.id + ":";
        for (const ResponseOf& one : responses_of(self)) {
          text += " " + (one.outcome().scored ? std::to_string(one.scored().reward) : std::string("no score"));
        }
        return text + ">";
      });
}

}  // namespace endorm
