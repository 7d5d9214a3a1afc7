#include "score/stats_cache.h"

#include <csignal>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errors.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

Digest key_of(int number) { return sha256(std::to_string(number)); }

std::vector<TokenStats> stats_of(int number, bool entropy = true) {
  std::vector<TokenStats> stats;
  for (int i = 0; i < number % 50 + 1; ++i) {
    stats.push_back({.logit = 1.0 / (number + 3 + i), .log_sum_exp = -0.0 + i, .entropy = std::nullopt});
    if (entropy) {
      stats.back().entropy = 0.1 * i;
    }
    if (number % 3 == 1) {
      stats.back().uniform_divergence = 0.2 * i;
    }
  }
  return stats;
}

bool same(const std::optional<std::vector<TokenStats>>& found, const std::vector<TokenStats>& wanted) {
  return found && std::equal(found->begin(), found->end(), wanted.begin(), wanted.end(),
                             [](const TokenStats& a, const TokenStats& b) {
                               return a.logit == b.logit && a.log_sum_exp == b.log_sum_exp && a.entropy == b.entropy &&
                                      a.uniform_divergence == b.uniform_divergence;
                             });
}

void insert(StatsCache& cache, int first, int last) {
  StatsCache::Transaction transaction(cache);
  for (int i = first; i < last; ++i) {
    transaction.insert(key_of(i), stats_of(i));
  }
  transaction.commit();
}

void execute(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK);
  const int code = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr);
  sqlite3_close(connection);
  REQUIRE(code == SQLITE_OK);
}

template <typename Expected>
std::string open_error(const std::string& path) {
  return message_of<Expected>([&] { StatsCache cache(path); });
}

TEST_CASE("what is inserted is found, now and later") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache");
  {
    StatsCache cache(path);
    CHECK_FALSE(cache.find(key_of(0)).has_value());
    insert(cache, 0, 100);
    StatsCache::Transaction transaction(cache);
    transaction.insert(key_of(200), stats_of(200, false));
    transaction.insert(key_of(201), {});
    transaction.insert(key_of(0), stats_of(1));  // keeps the first value
    transaction.commit();
  }
  StatsCache cache(path);
  for (int i = 0; i < 100; ++i) {
    CHECK(same(cache.find(key_of(i)), stats_of(i)));
  }
  CHECK(same(cache.find(key_of(200)), stats_of(200, false)));
  CHECK(same(cache.find(key_of(201)), {}));
  CHECK_FALSE(cache.find(key_of(100)).has_value());
}

TEST_CASE("texts are found beside statistics, now and later, in files of earlier versions, too") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache.db");
  const std::string text("8\0\xF0\x9F\x98\x80 [[A>B]]", 14);
  {
    StatsCache cache(path);
    CHECK_FALSE(cache.find_text(key_of(1)).has_value());
    cache.keep_text(key_of(1), text);
    cache.keep_text(key_of(1), "another");  // the first stays
    cache.keep_text(key_of(2), "");
    CHECK(cache.find_text(key_of(1)) == text);
    CHECK_FALSE(cache.find(key_of(1)).has_value());
  }
  StatsCache cache(path);
  CHECK(cache.find_text(key_of(1)) == text);
  CHECK(cache.find_text(key_of(2)) == "");
  execute(path, "DROP TABLE texts");
  CHECK_FALSE(StatsCache(path).find_text(key_of(1)).has_value());
}

TEST_CASE("a temporary cache is private") {
  StatsCache first(std::nullopt);
  StatsCache second(std::nullopt);
  insert(first, 0, 10);
  CHECK(same(first.find(key_of(3)), stats_of(3)));
  CHECK_FALSE(second.find(key_of(3)).has_value());
}

TEST_CASE("a transaction that is not committed leaves nothing, and a moved cache goes on") {
  StatsCache first(std::nullopt);
  {
    StatsCache::Transaction transaction(first);
    transaction.insert(key_of(1), stats_of(1));
    CHECK(same(first.find(key_of(1)), stats_of(1)));
  }
  CHECK_FALSE(first.find(key_of(1)).has_value());
  StatsCache moved(std::move(first));
  insert(moved, 1, 2);
  CHECK(same(moved.find(key_of(1)), stats_of(1)));
}

TEST_CASE("values keep infinities and refuse a mix of entropies") {
  StatsCache cache(std::nullopt);
  const std::vector<TokenStats> masked = {{-std::numeric_limits<double>::infinity(), 2.0, 0.0}};
  StatsCache::Transaction transaction(cache);
  transaction.insert(key_of(0), masked);
  CHECK(same(cache.find(key_of(0)), masked));
  const std::vector<TokenStats> mixed = {{1.0, 2.0, 0.5}, {1.0, 2.0, std::nullopt}};
  CHECK_THROWS_AS(transaction.insert(key_of(1), mixed), InternalError);
}

TEST_CASE("the key depends on everything that the statistics depend on, and on where the response begins") {
  const Tokens a = {1, 2};
  const Tokens b = {3};
  const Tokens ab = {1, 2, 3};
  const std::set<Digest> keys = {stats_key("m", 1.0, a, b),  stats_key("n", 1.0, a, b),   stats_key("m", 0.5, a, b),
                                 stats_key("m", 1.0, b, a),  stats_key("m", 1.0, ab, {}), stats_key("m", 1.0, {}, ab),
                                 stats_key("m", 1.0, ab, b), stats_key("", 1.0, a, b)};
  CHECK(keys.size() == 8);
  CHECK(stats_key("m", 1.0, a, b) == stats_key("m", 1.0, Tokens{1, 2}, Tokens{3}));
}

TEST_CASE("files that are no cache of this version are named and left alone") {
  const TemporaryDirectory directory;
  CHECK(contains(open_error<InvalidInput>(""), "path of the cache is empty"));
  CHECK(contains(open_error<InvalidInput>(directory.file("absent/cache")), "unable to open database file"));
  CHECK(contains(open_error<InvalidInput>(directory.file("")), "cannot open the cache " + directory.file("")));

  const std::string text = directory.file("text");
  write_file(text, std::string(5000, 'x'));
  CHECK(contains(open_error<EngineError>(text), text + ": file is not a database"));
  CHECK(read_file(text) == std::string(5000, 'x'));

  const std::string other = directory.file("other");
  execute(other, "CREATE TABLE notes (note TEXT)");
  CHECK(contains(open_error<InvalidInput>(other), "another program's database"));

  const std::string newer = directory.file("newer");
  { StatsCache cache(newer); }
  execute(newer, "PRAGMA user_version = 9");
  CHECK(contains(open_error<InvalidInput>(newer), "has version 9, this EndoRM uses 2"));
}

TEST_CASE("a damaged value is found out") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache");
  const std::string damages[] = {"substr(value, 1, length(value) - 8)",
                                 "substr(value, 1, length(value) - 1)",
                                 "x''",
                                 "x'00'",
                                 "CAST(substr(value, 1, 20) || x'FF' || substr(value, 22) AS BLOB)",
                                 "(SELECT value FROM stats WHERE key = x'" + hex(key_of(2)) + "')"};
  for (const std::string& damage : damages) {
    CAPTURE(damage);
    std::filesystem::remove(path);
    {
      StatsCache cache(path);
      insert(cache, 0, 3);
    }
    execute(path, "UPDATE stats SET value = " + damage + " WHERE key = x'" + hex(key_of(1)) + "'");
    StatsCache cache(path);
    CHECK(contains(message_of<EngineError>([&] { cache.find(key_of(1)); }), "damaged value"));
    CHECK(same(cache.find(key_of(2)), stats_of(2)));
  }
}

TEST_CASE("a damaged page is the world's error") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache");
  {
    StatsCache cache(path);
    insert(cache, 0, 2000);
  }
  std::string bytes = read_file(path);
  REQUIRE(bytes.size() > 100'000);
  std::fill(bytes.begin() + 4096, bytes.end(), '\x5A');
  write_file(path, bytes);
  const std::string message = message_of<EngineError>([&] {
    StatsCache cache(path);
    for (int i = 0; i < 2000; ++i) {
      cache.find(key_of(i));
    }
  });
  CHECK(contains(message, path));
  CHECK(contains(message, "damaged or no cache"));
  CHECK(read_file(path) == bytes);
}

TEST_CASE("a full disk is the world's error, and what was committed stays") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache");
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit size{300'000, 300'000};
    ::setrlimit(RLIMIT_FSIZE, &size);
    int status = 2;
    try {
      StatsCache cache(path);
      for (int window = 0; window < 100; ++window) {
        insert(cache, window * 100, window * 100 + 100);
      }
      status = 3;
    } catch (const EngineError& error) {
      status = contains(error.what(), path) && contains(error.what(), "Free disk space") ? 0 : 4;
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  StatsCache cache(path);
  CHECK(same(cache.find(key_of(99)), stats_of(99)));
}

TEST_CASE("four processes share one file") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("cache");
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    children.push_back(::fork());
    if (children.back() == 0) {
      try {
        StatsCache cache(path);
        for (int window = 0; window < 20; ++window) {
          insert(cache, (window + child) * 10, (window + child) * 10 + 20);  // windows overlap
        }
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  StatsCache cache(path);
  for (int i = 0; i < 240; ++i) {
    CHECK(same(cache.find(key_of(i)), stats_of(i)));
  }
}

}  // namespace
}  // namespace endorm
