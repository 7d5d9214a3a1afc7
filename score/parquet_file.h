#pragma once

#include <string>

namespace endorm {

// Whether a file's name asks for Parquet.
bool is_parquet_name(const std::string& path);

// For before the work: throws InvalidInput, with what can be done, where the user's Python cannot write Parquet.
void require_parquet_writer(const std::string& path);

// Makes a Parquet file, whole or not at all, by the user's Python with pyarrow; a manifest stands in the file's
// metadata under "endorm.manifest". Throws EngineError where that fails. What it is made of stays.
// Of a file of JSON lines, the first of which may be a manifest: a column a field, lists and objects nested; what is of
// one type in one row and of another in another becomes its JSON text.
void write_parquet_of_lines(const std::string& lines, const std::string& path, bool has_manifest);
// Of a TeacherFile: a row a response, its arrays as lists; "endorm.errors" in the metadata.
void write_parquet_of_arrays(const std::string& arrays, const std::string& path);

}  // namespace endorm
