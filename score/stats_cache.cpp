#include "score/stats_cache.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <utility>

#include <sqlite3.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr int kVersion = 2;               // of table and values, in user_version
constexpr int kApplication = 0x456E524D;  // "EnRM", in application_id
constexpr int kWaitMs = 30'000;           // for another process's transaction
constexpr std::size_t kChecksumBytes = 8;
constexpr std::string_view kValueDomain = "endorm stats value 2";
constexpr std::string_view kTextDomain = "endorm text value 1";
constexpr std::string_view kKeyDomain = "endorm stats key 1";

static_assert(std::endian::native == std::endian::little, "values are stored in the byte order of memory");

void put_u64(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_double(std::string& bytes, double number) { put_u64(bytes, std::bit_cast<std::uint64_t>(number)); }

double get_double(std::string_view bytes, std::size_t index) {
  std::uint64_t number = 0;
  std::copy_n(bytes.data() + index * sizeof number, sizeof number, reinterpret_cast<char*>(&number));
  return std::bit_cast<double>(number);
}

// The key is part of the sum: a value that ended up under another key is found out.
std::string checksum(std::string_view domain, const Digest& key, std::string_view payload) {
  Sha256 hash;
  hash.update(domain);
  hash.update(key.data(), key.size());
  hash.update(payload);
  const Digest digest = hash.finish();
  return std::string(reinterpret_cast<const char*>(digest.data()), kChecksumBytes);
}

// What of a token's statistics may be absent, in the order of a value.
constexpr std::optional<double> TokenStats::*kOptional[] = {&TokenStats::entropy, &TokenStats::uniform_divergence};

// Which of kOptional a token has, a bit each.
unsigned presence(const TokenStats& token) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < std::size(kOptional); ++i) {
    bits |= (token.*kOptional[i]).has_value() ? 1U << i : 0U;
  }
  return bits;
}

// checksum, then doubles: presence(), then for each token logit, log_sum_exp and what is present of kOptional.
std::string encode(const Digest& key, std::span<const TokenStats> stats) {
  const unsigned present = stats.empty() ? 0U : presence(stats.front());
  std::string payload;
  payload.reserve((1 + (2 + std::size(kOptional)) * stats.size()) * sizeof(double));
  put_double(payload, present);
  for (const TokenStats& token : stats) {
    if (presence(token) != present) {
      throw InternalError(
          "[StatsCache] some tokens of a response have an entropy or a divergence and others have none. Please report "
          "it.");
    }
    put_double(payload, token.logit);
    put_double(payload, token.log_sum_exp);
    for (const auto quantity : kOptional) {
      if (token.*quantity) {
        put_double(payload, *(token.*quantity));
      }
    }
  }
  return checksum(kValueDomain, key, payload) + payload;
}

// none where the value is not what encode() makes.
std::optional<std::vector<TokenStats>> decode(const Digest& key, std::string_view value) {
  if (value.size() < kChecksumBytes + sizeof(double) || (value.size() - kChecksumBytes) % sizeof(double) != 0) {
    return std::nullopt;
  }
  const std::string_view payload = value.substr(kChecksumBytes);
  if (checksum(kValueDomain, key, payload) != value.substr(0, kChecksumBytes)) {
    return std::nullopt;
  }
  const double present = get_double(payload, 0);
  if (!(present >= 0.0 && present < static_cast<double>(1U << std::size(kOptional)))) {
    return std::nullopt;
  }
  const auto bits = static_cast<unsigned>(present);
  const std::size_t columns = 2 + static_cast<std::size_t>(std::popcount(bits));
  const std::size_t numbers = payload.size() / sizeof(double) - 1;
  if (numbers % columns != 0) {
    return std::nullopt;
  }
  std::vector<TokenStats> stats(numbers / columns);
  std::size_t at = 1;
  for (TokenStats& token : stats) {
    token.logit = get_double(payload, at++);
    token.log_sum_exp = get_double(payload, at++);
    for (std::size_t i = 0; i < std::size(kOptional); ++i) {
      if ((bits >> i & 1U) != 0) {
        token.*kOptional[i] = get_double(payload, at++);
      }
    }
  }
  return stats;
}

// checksum, then the text.
std::string encode_text(const Digest& key, std::string_view text) {
  return checksum(kTextDomain, key, text).append(text);
}

std::optional<std::string> decode_text(const Digest& key, std::string_view value) {
  if (value.size() < kChecksumBytes) {
    return std::nullopt;
  }
  const std::string_view text = value.substr(kChecksumBytes);
  return checksum(kTextDomain, key, text) == value.substr(0, kChecksumBytes) ? std::optional<std::string>(text)
                                                                             : std::nullopt;
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct Close {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

// Ends a use of a prepared statement on every way out, which also ends its lock.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  ~Use() { sqlite3_reset(statement_); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  sqlite3_stmt* statement_;
};

const char* remedy_for(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "Another process holds it; wait for that or give another --cache.";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "The file is damaged or no cache; move it away or give another --cache.";
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return "Free disk space or check the disk, then run the same command again.";
    default:
      return "Check the file and its directory, or give another --cache.";
  }
}

}  // namespace

struct StatsCache::Database {
  std::string name;
  std::unique_ptr<sqlite3, Close> connection;
  Statement select;
  Statement insert;
  Statement erase;
  Statement select_text;
  Statement insert_text;
  bool is_kept = false;

  [[noreturn]] void fail(const char* action) const {
    const int code = sqlite3_extended_errcode(connection.get());
    throw EngineError(std::string("[StatsCache] cannot ") + action + " " + name + ": " +
                      sqlite3_errmsg(connection.get()) + " (SQLite code " + std::to_string(code) + "). " +
                      remedy_for(code));
  }

  void execute(const char* sql, const char* action) const {
    if (sqlite3_exec(connection.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      fail(action);
    }
  }

  // The busy timeout does not hold for a change of the journal, which another process may be making at this moment.
  void execute_when_free(const char* sql, const char* action) const {
    constexpr int kPauseMs = 5;
    for (int waited = 0; waited < kWaitMs; waited += kPauseMs) {
      if ((sqlite3_exec(connection.get(), sql, nullptr, nullptr, nullptr) & 0xFF) != SQLITE_BUSY) {
        break;
      }
      sqlite3_sleep(kPauseMs);
    }
    execute(sql, action);
  }

  Statement prepare(const char* sql) const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      fail("read");
    }
    return Statement(statement);
  }

  int number(const char* sql) const {
    const Statement statement = prepare(sql);
    if (sqlite3_step(statement.get()) != SQLITE_ROW) {
      fail("read");
    }
    return sqlite3_column_int(statement.get(), 0);
  }

  void open(const std::optional<std::string>& path) {
    if (path && path->empty()) {
      throw InvalidInput("[StatsCache] the path of the cache is empty. Give a file, or none for a temporary cache.");
    }
    name = path ? "the cache " + *path : "the temporary cache";
    // SQLite takes "" for a temporary file and a leading ':' for its own names.
    const std::string file = !path ? "" : path->front() == ':' ? "./" + *path : *path;
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    connection.reset(opened);
    if (code != SQLITE_OK) {
      throw InvalidInput("[StatsCache] cannot open " + name + ": " + sqlite3_errstr(code) +
                         ". Check that its directory exists and is writable, or give another --cache.");
    }
    sqlite3_busy_timeout(opened, kWaitMs);
    create_or_check();
    // A lost last window is computed again: durability is worth less here than waiting for the disk.
    execute_when_free("PRAGMA journal_mode = WAL", "open");
    execute("PRAGMA synchronous = NORMAL", "open");
    select = prepare("SELECT value FROM stats WHERE key = ?1");
    erase = prepare("DELETE FROM stats WHERE key = ?1");
    is_kept = path.has_value();
    insert = prepare("INSERT OR IGNORE INTO stats (key, value) VALUES (?1, ?2)");
    select_text = prepare("SELECT value FROM texts WHERE key = ?1");
    insert_text = prepare("INSERT OR IGNORE INTO texts (key, value) VALUES (?1, ?2)");
  }

  void create_or_check() const {
    execute("BEGIN IMMEDIATE", "open");
    const int version = number("PRAGMA user_version");
    if (version == 0 && number("SELECT count(*) FROM sqlite_master") == 0) {
      const std::string sql =
          "CREATE TABLE stats (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
          "PRAGMA application_id = " +
          std::to_string(kApplication) + "; PRAGMA user_version = " + std::to_string(kVersion);
      execute(sql.c_str(), "write");
    } else if (number("PRAGMA application_id") != kApplication) {
      throw InvalidInput("[StatsCache] " + name + " is another program's database. Give another --cache.");
    } else if (version != kVersion) {
      throw InvalidInput("[StatsCache] " + name + " has version " + std::to_string(version) + ", this EndoRM uses " +
                         std::to_string(kVersion) + ". Move the file away or give another --cache.");
    }
    // Files of versions that kept no texts get the table now.
    execute("CREATE TABLE IF NOT EXISTS texts (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID", "write");
    execute("COMMIT", "write");
  }

  // The value under a key, read by `decode`, which gives none where it is damaged; none where there is no such key.
  template <typename Value>
  std::optional<Value> find(sqlite3_stmt* statement, const Digest& key,
                            std::optional<Value> (*decoded)(const Digest& key, std::string_view value)) const {
    const Use use(statement);
    sqlite3_bind_blob(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
      return std::nullopt;
    }
    if (code != SQLITE_ROW) {
      fail("read");
    }
    const char* bytes = static_cast<const char*>(sqlite3_column_blob(statement, 0));
    const std::size_t size = bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    std::optional<Value> value = decoded(key, std::string_view(bytes, size));
    if (!value) {
      throw EngineError("[StatsCache] " + name + " holds a damaged value of " + std::to_string(size) +
                        " bytes under key " + hex(key) + ". Move the file away or give another --cache.");
    }
    return value;
  }

  void keep(sqlite3_stmt* statement, const Digest& key, std::string_view value) const {
    const Use use(statement);
    sqlite3_bind_blob(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 2, value.data(), value.size(), SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) {
      fail("write");
    }
  }
};

Digest stats_key(std::string_view engine_fingerprint, double alpha, std::span<const Token> prompt,
                 std::span<const Token> response) {
  Sha256 hash;
  hash.update(kKeyDomain);
  std::string sizes;
  put_u64(sizes, engine_fingerprint.size());
  put_double(sizes, alpha);
  put_u64(sizes, prompt.size());
  put_u64(sizes, response.size());
  hash.update(sizes);
  hash.update(engine_fingerprint);
  hash.update(prompt.data(), prompt.size_bytes());
  hash.update(response.data(), response.size_bytes());
  return hash.finish();
}

StatsCache::StatsCache(const std::optional<std::string>& path) : database_(std::make_unique<Database>()) {
  database_->open(path);
}

StatsCache::~StatsCache() = default;
StatsCache::StatsCache(StatsCache&& other) noexcept = default;
StatsCache& StatsCache::operator=(StatsCache&& other) noexcept = default;

bool StatsCache::is_kept() const { return database_->is_kept; }

std::optional<std::vector<TokenStats>> StatsCache::find(const Digest& key) {
  return database_->find<std::vector<TokenStats>>(database_->select.get(), key, decode);
}

std::optional<std::string> StatsCache::find_text(const Digest& key) {
  return database_->find<std::string>(database_->select_text.get(), key, decode_text);
}

void StatsCache::keep_text(const Digest& key, std::string_view text) {
  database_->keep(database_->insert_text.get(), key, encode_text(key, text));
}

StatsCache::Transaction::Transaction(StatsCache& cache) : cache_(cache) {
  cache_.database_->execute("BEGIN IMMEDIATE", "write");
}

StatsCache::Transaction::~Transaction() {
  if (open_) {  // an error that undid it already, such as a full disk, makes this fail: nothing is lost by that
    sqlite3_exec(cache_.database_->connection.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void StatsCache::Transaction::insert(const Digest& key, std::span<const TokenStats> stats) {
  cache_.database_->keep(cache_.database_->insert.get(), key, encode(key, stats));
}

void StatsCache::Transaction::erase(const Digest& key) {
  sqlite3_stmt* statement = cache_.database_->erase.get();
  const Use use(statement);
  sqlite3_bind_blob(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
  if (sqlite3_step(statement) != SQLITE_DONE) {
    cache_.database_->fail("write");
  }
}

void StatsCache::Transaction::commit() {
  cache_.database_->execute("COMMIT", "write");
  open_ = false;
}

}  // namespace endorm
