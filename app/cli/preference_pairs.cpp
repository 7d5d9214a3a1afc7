#include "app/cli/preference_pairs.h"

#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/cli/record_output.h"
#include "core/errors.h"
#include "report/terminal_text.h"
#include "score/json_field.h"
#include "score/ranking.h"
#include "score/record_edit.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

struct PairCounts {
  std::size_t records = 0;
  std::size_t written = 0;
  std::size_t labelled = 0;  // of those written
  std::size_t flips = 0;     // the rejected response has the higher reward
  std::size_t ties = 0;
  std::size_t unscored = 0;
  std::size_t without_text = 0;
  std::size_t several_labels = 0;  // several chosen or rejected texts
};

Json rewards_of(double chosen, double rejected) {
  return {{"chosen_reward", chosen},
          {"rejected_reward", rejected},
          {"margin", chosen - rejected},
          {"probability", preference_probability(chosen, rejected)}};
}

// The entry of a ranking for one of the record's responses; nullptr where it has no reward.
const Json* entry_of(const Json& row, std::size_t index) {
  for (const Json& entry : row.at("ranking")) {
    if (entry.at("index") == index) {
      return &entry;
    }
  }
  return nullptr;
}

Json messages_of(const Json& entry) {
  Json message{{"role", "assistant"}, {"content", entry.at("text")}};
  message.update(entry.value("fields", Json::object()));
  return Json::array({std::move(message)});
}

class PairMaker {
 public:
  PairMaker(const Json& row, const std::string& record, double minimum_margin, PairCounts& counts)
      : row_(row), record_(record), minimum_margin_(minimum_margin), counts_(counts) {}

  // The pair's text; none where the record gives none.
  std::optional<std::string> make() const { return row_.contains("chosen") ? labelled() : best_against_worst(); }

 private:
  std::optional<std::string> labelled() const {
    const Json* chosen = entry_of(row_, 0);
    const Json* rejected = entry_of(row_, 1);
    if (chosen == nullptr || rejected == nullptr) {
      ++counts_.unscored;
      return std::nullopt;
    }
    const double margin = chosen->at("reward").get<double>() - rejected->at("reward").get<double>();
    if (minimum_margin_ > 0 && std::abs(margin) <= minimum_margin_) {
      return std::nullopt;
    }
    Json fields = texts_that_lack(*chosen, *rejected);
    fields.update(rewards_of(chosen->at("reward"), rejected->at("reward")));
    fields["agrees"] = margin > 0;
    ++counts_.labelled;
    counts_.flips += margin < 0 ? 1 : 0;
    counts_.ties += margin == 0 ? 1 : 0;
    return with_fields(record_, fields);
  }

  // What trainers read and a record of another layout does not call so.
  Json texts_that_lack(const Json& chosen, const Json& rejected) const {
    const Json record = parse_object(record_);
    Json fields = Json::object();
    if (record.contains("chosen") && record.contains("rejected")) {
      return fields;
    }
    const bool in_texts = record.contains("prompt") && record.at("prompt").is_string();
    if (!record.contains("prompt")) {
      fields["prompt"] = row_.at("messages");
    }
    for (const auto& [name, entry] : {std::pair("chosen", &chosen), std::pair("rejected", &rejected)}) {
      if (!record.contains(name) && entry->contains("text")) {
        fields[name] = in_texts ? entry->at("text") : messages_of(*entry);
      }
    }
    return fields;
  }

  std::optional<std::string> best_against_worst() const {
    const Json& ranking = row_.at("ranking");
    if (ranking.size() < 2) {
      counts_.unscored += ranking.empty() ? 1 : 0;
      return std::nullopt;
    }
    const Json& best = ranking.front();
    const Json& worst = ranking.back();
    if (!best.contains("text") || !worst.contains("text")) {
      ++counts_.without_text;
      return std::nullopt;
    }
    const double chosen = best.at("reward");
    const double rejected = worst.at("reward");
    if (chosen - rejected <= minimum_margin_) {
      return std::nullopt;
    }
    const Json record = parse_object(record_);
    if (record.contains("chosen") || record.contains("rejected")) {
      ++counts_.several_labels;
      return std::nullopt;
    }
    Json pair = Json::object();
    pair["id"] = record.value("id", row_.at("id"));  // or the line's number
    pair["prompt"] = row_.at("messages");
    pair["chosen"] = messages_of(best);
    pair["rejected"] = messages_of(worst);
    for (const char* name : {"tools", "chat_template_kwargs"}) {
      if (record.contains(name)) {
        pair[name] = record.at(name);
      }
    }
    const Json columns = row_.value("columns", Json::object());
    for (const auto& [name, value] : columns.items()) {
      pair[name] = value;
    }
    return with_fields(pair.dump(), rewards_of(chosen, rejected));
  }

  const Json& row_;
  const std::string& record_;
  double minimum_margin_;
  PairCounts& counts_;
};

void tell(const PairCounts& counts, const std::string& path) {
  if (counts.without_text > 0) {
    std::fprintf(stderr, "endorm: no pair of %s whose responses are token ids alone: take those from the ranking\n",
                 counted(counts.without_text, "record").c_str());
  }
  if (counts.several_labels > 0) {
    std::fprintf(stderr, "endorm: no pair of %s with several chosen or rejected texts: which two is not said\n",
                 counted(counts.several_labels, "record").c_str());
  }
  if (counts.unscored > 0) {
    std::fprintf(stderr, "endorm: no pair of %s without a reward\n", counted(counts.unscored, "record").c_str());
  }
  std::fprintf(stderr, "%s from %s in %s", counted(counts.written, "pair").c_str(),
               counted(counts.records, "record").c_str(), path.c_str());
  if (counts.labelled > 0) {
    std::fprintf(stderr, "; of %zu with a label the reward prefers the chosen response in %zu, the rejected one in %zu",
                 counts.labelled, counts.labelled - counts.flips - counts.ties, counts.flips);
    if (counts.ties > 0) {
      std::fprintf(stderr, ", neither in %zu", counts.ties);
    }
  }
  std::fprintf(stderr, "\n");
}

}  // namespace

void write_preference_pairs(std::istream& ranking, RecordInput& records, const std::string& path,
                            double minimum_margin) {
  RecordOutput pairs("rank", path);
  PairCounts counts;
  for (std::string line; std::getline(ranking, line);) {
    const Json row = Json::parse(line);
    if (row.contains("manifest")) {
      write_file("rank", row.dump(2) + "\n", path + ".manifest.json");
      continue;
    }
    ++counts.records;
    if (!row.contains("ranking")) {
      ++counts.unscored;
      continue;
    }
    std::optional<InputLine> record = records.next();
    while (record && record->key != row.at("key")) {  // of another shard, or without a row
      record = records.next();
    }
    const std::string where = "[rank] line " + row.at("line").dump() + ": ";
    if (!record) {
      throw InvalidInput(where +
                         "the record of this row is not in the input, which is another now. The ranking is "
                         "whole; for its pairs give the input that it is of.");
    }
    try {
      if (const std::optional<std::string> pair = PairMaker(row, record->text, minimum_margin, counts).make()) {
        pairs.write(*pair);
        ++counts.written;
      }
    } catch (const InvalidInput& error) {
      throw InvalidInput(where + error.what());
    }
  }
  pairs.finish();
  tell(counts, path);
}

}  // namespace endorm
