#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/token_stats.h"
#include "engine/content_hash.h"
#include "engine/token_tree.h"

namespace endorm {

// What determines the statistics of a response: nothing else may change them.
Digest stats_key(std::string_view engine_fingerprint, double alpha, std::span<const Token> prompt,
                 std::span<const Token> response);

// Token statistics that were computed before (but for TokenStats::largest, which is not kept), by stats_key, and texts
// that a server was asked for, by keys of who asks, in one SQLite file. Several processes may share a file. Not
// thread-safe. Every function throws EngineError, naming the file and a remedy, where the file is locked for long,
// damaged or on a full disk; nothing is deleted.
class StatsCache {
 public:
  // Without a path, a private temporary database that goes when the cache does. Throws InvalidInput where the file
  // cannot be opened, is another program's or of another version.
  explicit StatsCache(const std::optional<std::string>& path);
  ~StatsCache();
  StatsCache(StatsCache&& other) noexcept;
  StatsCache& operator=(StatsCache&& other) noexcept;

  // Whether what is in it outlives the process.
  bool is_kept() const;

  // Statistics [T], or none where they are not there.
  std::optional<std::vector<TokenStats>> find(const Digest& key);

  // A text, or none where it is not there.
  std::optional<std::string> find_text(const Digest& key);
  // Visible, and durable, at once; must not be called while a Transaction is open. A key that is there keeps its text.
  void keep_text(const Digest& key, std::string_view text);

  // All insertions of a Transaction become visible, and durable, together at commit(); without it they are undone.
  // Other processes wait meanwhile: hold it over the insertions of one window, not over their computation. Must not
  // outlive the cache; one at a time.
  class Transaction {
   public:
    explicit Transaction(StatsCache& cache);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // stats [T]; entropy and uniform_divergence are each present in all or in none (else InternalError). A key that is
    // there keeps its value.
    void insert(const Digest& key, std::span<const TokenStats> stats);
    void erase(const Digest& key);
    void commit();

   private:
    StatsCache& cache_;
    bool open_ = true;
  };

 private:
  struct Database;
  std::unique_ptr<Database> database_;
};

}  // namespace endorm
