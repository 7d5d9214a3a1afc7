#include "app/server/queued_work.h"

#include <algorithm>
#include <utility>

#include "score/together_or_each.h"

namespace endorm {
namespace {

// A part that reads.
struct Reading {
  WorkParts* of = nullptr;
  std::size_t part = 0;
  PartReads reads;
};

// A part that draws.
struct Drawing {
  WorkParts* of = nullptr;
  std::size_t part = 0;
  PartDraw draw;
};

// Takes the items out that may be done with the first.
template <typename Item, typename Alike>
std::vector<Item> take_alike(std::vector<Item>& items, const Alike& alike) {
  const auto others = std::stable_partition(items.begin(), items.end(),
                                            [&](const Item& item) { return &item == &items.front() || alike(item); });
  std::vector<Item> taken(std::make_move_iterator(items.begin()), std::make_move_iterator(others));
  items.erase(items.begin(), others);
  return taken;
}

// Runs `step` for the work of `parts`, whose failure is what it throws; not where that has failed.
template <typename Step>
void or_fail(WorkParts& parts, const Step& step) {
  if (parts.failure) {
    return;
  }
  try {
    step();
  } catch (...) {
    parts.failure = std::current_exception();
  }
}

// Does `compute` on all items; where that fails, on each alone, whose own failure it then is.
template <typename Item, typename Compute>
void all_or_fail_each(std::span<Item> items, const Compute& compute) {
  all_or_each(items.size(), [&](std::size_t begin, std::size_t count) {
    if (count == 1) {
      or_fail(*items[begin].of, [&] { compute(items.subspan(begin, 1)); });
      return true;
    }
    try {
      compute(items.subspan(begin, count));
      return true;
    } catch (...) {
      return false;
    }
  });
}

void read_together(Engine& engine, std::span<Reading> readings) {
  std::vector<TokenPath> paths;
  for (const Reading& reading : readings) {
    for (const Tokens& continuation : reading.reads.continuations) {
      paths.push_back({reading.reads.prefix, continuation});
    }
  }
  EvaluateOptions options;
  options.alphas = {readings.front().reads.temperature};
  options.likeliest = readings.front().reads.likeliest;
  std::vector<std::vector<TokenStats>> stats;
  if (!paths.empty()) {
    stats = std::move(evaluate_paths(engine, paths, options).front());
  }
  auto next = stats.begin();
  for (const Reading& reading : readings) {
    const auto end = next + static_cast<std::ptrdiff_t>(reading.reads.continuations.size());
    or_fail(*reading.of, [&] {
      reading.of->work->take_read(engine, reading.part, {std::make_move_iterator(next), std::make_move_iterator(end)});
    });
    next = end;
  }
}

void draw_together(Engine& engine, std::span<Drawing> drawings) {
  std::vector<GenerationRequest> requests;
  requests.reserve(drawings.size());
  for (const Drawing& drawing : drawings) {
    requests.push_back(drawing.draw.request);
  }
  std::vector<Completion> drawn =
      required(engine.generator(), engine, "generate").generate(requests, drawings.front().draw.sampling);
  for (std::size_t i = 0; i < drawings.size(); ++i) {
    or_fail(*drawings[i].of, [&] { drawings[i].of->work->take_drawn(engine, drawings[i].part, std::move(drawn[i])); });
  }
}

std::size_t read_all(Engine& engine, std::span<WorkParts> parts) {
  std::vector<Reading> readings;
  std::size_t asked = 0;
  for (WorkParts& some : parts) {
    or_fail(some, [&] {
      some.check();
      for (std::size_t part = some.begin; part < some.end; ++part) {
        PartReads reads = some.work->reads(part);
        for (const Tokens& continuation : reads.continuations) {
          asked += reads.prefix.size() + continuation.size();
        }
        readings.push_back({&some, part, std::move(reads)});
      }
    });
  }
  while (!readings.empty()) {
    const PartReads& first = readings.front().reads;
    std::vector<Reading> together =
        take_alike(readings, [temperature = first.temperature, likeliest = first.likeliest](const Reading& reading) {
          return reading.reads.temperature == temperature && reading.reads.likeliest == likeliest;
        });
    all_or_fail_each(std::span(together), [&](std::span<Reading> some) { read_together(engine, some); });
  }
  return asked;
}

// What can be drawn next of each: parts of one completion follow each other.
std::vector<Drawing> next_drawings(std::span<WorkParts> parts, std::span<std::size_t> next) {
  std::vector<Drawing> drawings;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    WorkParts& some = parts[i];
    or_fail(some, [&] {
      some.check();
      std::vector<std::size_t> completions;
      for (; next[i] < some.end; ++next[i]) {
        const std::size_t completion = some.work->completion(next[i]);
        if (std::find(completions.begin(), completions.end(), completion) != completions.end()) {
          return;
        }
        if (std::optional<PartDraw> draw = some.work->draws(next[i])) {
          completions.push_back(completion);
          drawings.push_back({&some, next[i], std::move(*draw)});
        }
      }
    });
  }
  return drawings;
}

}  // namespace

std::size_t do_together(Engine& engine, std::span<WorkParts> parts) {
  const std::size_t asked = read_all(engine, parts);
  std::vector<std::size_t> next;
  for (const WorkParts& some : parts) {
    next.push_back(some.begin);
  }
  for (std::vector<Drawing> drawings = next_drawings(parts, next); !drawings.empty();
       drawings = next_drawings(parts, next)) {
    while (!drawings.empty()) {
      std::vector<Drawing> together =
          take_alike(drawings, [sampling = drawings.front().draw.sampling](const Drawing& drawing) {
            return drawing.draw.sampling == sampling;
          });
      all_or_fail_each(std::span(together), [&](std::span<Drawing> some) { draw_together(engine, some); });
    }
  }
  return asked;
}

}  // namespace endorm
