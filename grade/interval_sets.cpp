#include "grade/interval_sets.h"

#include <algorithm>
#include <string>
#include <utility>

namespace endorm {
namespace {

// An end is no real number, or the node is no set.
struct NoSet {};

Node infinity() { return Node{Kind::kConstant, "infinity", {}, {}}; }
Node minus_infinity() { return Node{Kind::kNegative, "", {infinity()}, {}}; }

class Reader {
 public:
  explicit Reader(Budget& budget) : budget_(budget) {}

  RealSet read(const Node& node) const {
    switch (node.kind) {
      case Kind::kTuple:
        if (node.children.size() != 2) {
          throw NoSet{};
        }
        return interval(node.children[0], node.children[1], node.name[0] == '[', node.name[1] == ']');
      case Kind::kSet: {
        RealSet points;
        for (const Node& child : node.children) {
          append(points, interval(child, child, true, true));
        }
        return merged(std::move(points));
      }
      case Kind::kUnionOf:
      case Kind::kList: {
        RealSet parts;
        for (const Node& child : node.children) {
          if (node.kind == Kind::kList && child.kind != Kind::kRelation && !is_real_set(child)) {
            throw NoSet{};
          }
          append(parts, read(child));
        }
        return merged(std::move(parts));
      }
      case Kind::kDifference:
        return without(read_whole(node.children[0]), read(node.children[1]));
      case Kind::kRelation:
        return relation(node);
      default:
        throw NoSet{};
    }
  }

  RealSet merged(RealSet parts) const {
    std::stable_sort(parts.begin(), parts.end(), [&](const RealInterval& left, const RealInterval& right) {
      const int by_low = compare(left.low, right.low);
      return by_low < 0 || (by_low == 0 && left.low_in && !right.low_in);
    });
    RealSet result;
    for (RealInterval& part : parts) {
      const int gap = result.empty() ? 1 : compare(part.low, result.back().high);
      const bool touches = gap < 0 || (gap == 0 && (part.low_in || result.back().high_in));
      if (result.empty() || !touches) {
        result.push_back(std::move(part));
        continue;
      }
      RealInterval& last = result.back();
      const int beyond = compare(part.high, last.high);
      if (beyond > 0) {
        last.high = std::move(part.high);
        last.high_in = part.high_in;
      } else if (beyond == 0) {
        last.high_in = last.high_in || part.high_in;
      }
    }
    return result;
  }

  int compare(const Node& left, const Node& right) const {
    const std::optional<int> found = order(left, right, budget_);
    if (!found) {
      throw NoSet{};
    }
    return *found;
  }

 private:
  static void append(RealSet& set, RealSet parts) { std::move(parts.begin(), parts.end(), std::back_inserter(set)); }

  RealSet interval(const Node& low, const Node& high, bool low_in, bool high_in) const {
    const int size = compare(high, low);
    if (size < 0) {
      throw NoSet{};
    }
    if (size == 0 && !(low_in && high_in)) {
      return {};
    }
    return {{low, high, low_in, high_in}};
  }

  // The real numbers as they are written: \mathbb{R} is the symbol R here.
  RealSet read_whole(const Node& node) const {
    if (node.kind == Kind::kSymbol && node.name == "R") {
      return {{minus_infinity(), infinity(), false, false}};
    }
    return read(node);
  }

  RealSet without(const RealSet& whole, const RealSet& removed) const {
    RealSet rest = whole;
    for (const RealInterval& hole : removed) {
      RealSet next;
      for (const RealInterval& part : rest) {
        const bool before = compare(hole.high, part.low) < 0;
        const bool after = compare(hole.low, part.high) > 0;
        if (before || after) {
          next.push_back(part);
          continue;
        }
        if (compare(part.low, hole.low) < 0) {
          next.push_back({part.low, hole.low, part.low_in, !hole.low_in});
        }
        if (compare(hole.high, part.high) < 0) {
          next.push_back({hole.high, part.high, !hole.high_in, part.high_in});
        }
      }
      rest = std::move(next);
    }
    return merged(std::move(rest));
  }

  static bool is_name(const Node& node) {
    return node.kind == Kind::kSymbol ||
           (node.kind == Kind::kProduct && node.children.size() == 2 && node.children[0].kind == Kind::kSymbol &&
            node.children[1].kind == Kind::kSymbol && node.children[0].name.size() == 1);
  }

  RealSet relation(const Node& node) const {
    const std::string& signs = node.name;
    if (signs == ":") {
      return read_whole(node.children[1]);
    }
    if (signs.size() == 2 && is_name(node.children[1])) {
      const bool rising = (signs[0] == '<' || signs[0] == 'l') && (signs[1] == '<' || signs[1] == 'l');
      const bool falling = (signs[0] == '>' || signs[0] == 'g') && (signs[1] == '>' || signs[1] == 'g');
      const bool first_in = signs[0] == 'l' || signs[0] == 'g';
      const bool last_in = signs[1] == 'l' || signs[1] == 'g';
      if (rising) {
        return interval(node.children[0], node.children[2], first_in, last_in);
      }
      if (falling) {
        return interval(node.children[2], node.children[0], last_in, first_in);
      }
      throw NoSet{};
    }
    if (signs.size() != 1) {
      throw NoSet{};
    }
    const bool name_first = is_name(node.children[0]);
    if (!name_first && !is_name(node.children[1])) {
      throw NoSet{};
    }
    const Node& end = node.children[name_first ? 1 : 0];
    const bool in = signs == "l" || signs == "g";
    const bool above = (signs == ">" || signs == "g") == name_first;
    if (signs == "!") {
      return without({{minus_infinity(), infinity(), false, false}}, interval(end, end, true, true));
    }
    if (signs == "=") {
      return interval(end, end, true, true);
    }
    return above ? interval(end, infinity(), in, false) : interval(minus_infinity(), end, false, in);
  }

  Budget& budget_;
};

}  // namespace

bool is_real_set(const Node& node) {
  if (node.kind == Kind::kTuple) {
    return node.name == "[)" || node.name == "(]";
  }
  return node.kind == Kind::kUnionOf || node.kind == Kind::kDifference;
}

std::optional<RealSet> real_set(const Node& node, Budget& budget) {
  try {
    return Reader(budget).read(node);
  } catch (const NoSet&) {
    return std::nullopt;
  }
}

bool same_real_sets(const RealSet& left, const RealSet& right, Budget& budget) {
  const Reader reader(budget);
  const auto equal = [&](const RealInterval& a, const RealInterval& b) {
    return a.low_in == b.low_in && a.high_in == b.high_in && reader.compare(a.low, b.low) == 0 &&
           reader.compare(a.high, b.high) == 0;
  };
  try {
    return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(), equal);
  } catch (const NoSet&) {
    return false;
  }
}

}  // namespace endorm
