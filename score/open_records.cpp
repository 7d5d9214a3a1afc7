#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "core/errors.h"
#include "score/arrow_lines.h"
#include "score/input_bytes.h"
#include "score/record_input.h"
#include "score/text_records.h"

namespace endorm {
namespace {

using namespace std::string_view_literals;

// A form that is no text, told by how it begins.
struct BinaryForm {
  std::string_view beginning;
  const char* called;
  std::string_view program;  // that unpacks it: PROGRAM -dc -- FILE; kPython: reads it; empty: it is not read
  const char* remedy;        // behind the name of the file
};

constexpr std::string_view kToLines =
    "Convert it with: python3 -c \"import pandas; pandas.read_parquet('FILE').to_json('FILE.jsonl', orient='records', "
    "lines=True)\"";
constexpr std::string_view kPython = "python";  // the caller's
constexpr int kGzipWarns = 2;                   // of what stands behind a whole file

constexpr auto kBinaryForms = std::to_array<BinaryForm>({
    {"\x1f\x8b"sv, "gzip", "gzip", "Unpack it with: gzip -d"},
    {"\x28\xb5\x2f\xfd"sv, "zstd", "zstd", "Unpack it with: zstd -d"},
    {"BZh"sv, "bzip2", "bzip2", "Unpack it with: bzip2 -d"},
    {"\xfd\x37zXZ"sv, "xz", "xz", "Unpack it with: xz -d"},
    {"PAR1"sv, "Parquet", kPython, nullptr},
    {"ARROW1"sv, "Arrow", kPython, nullptr},
    {"\xff\xff\xff\xff"sv, "Arrow", kPython, nullptr},
    {"PK\x03\x04"sv, "a ZIP archive", {}, "Unpack it first."},
    {"SQLite format 3"sv, "an SQLite database", {}, "Export its rows as JSON lines or CSV."},
    {"GGUF"sv, "a model", {}, "Give it with --model."},
    {"\xff\xfe"sv, "UTF-16", {}, "Convert it with: iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff"sv, "UTF-16", {}, "Convert it with: iconv -f UTF-16 -t UTF-8"},
});

const BinaryForm* binary_form(std::string_view beginning) {
  for (const BinaryForm& form : kBinaryForms) {
    if (beginning.starts_with(form.beginning)) {
      return &form;
    }
  }
  return nullptr;
}

std::string remedy_of(const BinaryForm& form) { return form.remedy != nullptr ? form.remedy : std::string(kToLines); }

std::unique_ptr<ChildOutput> started(const BinaryForm& form, const std::string& program, const std::string& path) {
  try {
    return form.program == kPython
               ? std::make_unique<ChildOutput>(
                     std::vector<std::string>{program, "-c", std::string(arrow_lines_py), path})
               : std::make_unique<ChildOutput>(std::vector<std::string>{program, "-dc", "--", path});
  } catch (const EngineError&) {
    throw InvalidInput("[input] " + path + " is " + form.called + ", and " + program +
                       ", which reads it, is not there. " + remedy_of(form));
  }
}

[[noreturn]] void refuse_stream(const std::string& name, const BinaryForm& form) {
  throw InvalidInput("[input] " + name + " is " + form.called +
                     ", which is read from files alone. Give the file's name, or convert it on the way.");
}

}  // namespace

std::unique_ptr<RecordInput> open_records(const std::string& path, std::size_t limit, const std::string& python) {
  auto bytes = std::make_unique<InputBytes>(path);
  const BinaryForm* form = binary_form(bytes->rest());
  if (form == nullptr) {
    return text_records(std::move(bytes), limit);
  }
  if (!std::filesystem::is_regular_file(path)) {
    refuse_stream(path, *form);
  }
  if (form->program.empty()) {
    throw InvalidInput("[input] " + path + " is " + form->called + ", no file of records. " + remedy_of(*form));
  }
  const std::string program = form->program == kPython ? python : std::string(form->program);
  return text_records(std::make_unique<InputBytes>(
                          started(*form, program, path), path,
                          program + " could not read it to its end (its words stand above). " + remedy_of(*form),
                          program == "gzip" ? kGzipWarns : 0),
                      limit);
}

std::unique_ptr<RecordInput> open_records(int descriptor, std::string name, std::size_t limit) {
  auto bytes = std::make_unique<InputBytes>(descriptor, std::move(name));
  if (const BinaryForm* form = binary_form(bytes->rest())) {
    refuse_stream(bytes->name(), *form);
  }
  return text_records(std::move(bytes), limit);
}

}  // namespace endorm
