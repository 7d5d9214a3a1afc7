#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace endorm {

// Joins the result files of all shards of a run, in any order, to the file that the whole run would have written, but
// for the manifest's "run": its lines go to the sink one by one, without newline. Memory is a row a file. Throws
// InvalidInput where a file is no result, of another run, of a whole run or there twice, where a shard is missing, and
// where a shard has not as many rows as the others say it must.
void merge_shards(std::span<const std::string> paths, const std::function<void(std::string_view line)>& sink);

}  // namespace endorm
