// A stranger's catalogue in any format: the first byte tells which, the second how it is cut. However the bytes come, the same is read.
#include <cstdint>

#include "ariascribe/exporter.h"
#include "ariascribe/importer.h"

namespace {

struct Counted {
  std::size_t records = 0, said = 0, problems = 0;
  bool ended = false;
  friend bool operator==(const Counted&, const Counted&) = default;
};

Counted import(std::string_view format, std::string_view text, std::size_t step) {
  using namespace ghost::ariascribe;
  Counted counted;
  auto importer = make_importer(format, {}, {[&](std::vector<Record>&& records, std::uint64_t) {
                                               counted.records += records.size();
                                               for (const Record& each : records) {
                                                 counted.said += each.said.size();
                                                 ExportedWork work;
                                                 work.title = each.value_of("title");
                                                 for (const ExportFormat as : {ExportFormat::jsonld, ExportFormat::csv, ExportFormat::marcxml}) (void)export_work(as, work, true);
                                               }
                                             },
                                             [&](std::uint64_t, std::string) { ++counted.problems; }});
  if (!importer) return counted;
  ghost::Status fed;
  for (std::size_t at = 0; at < text.size() && fed; at += step) fed = (*importer)->feed(text.substr(at, step));
  counted.ended = fed && (*importer)->finish();
  return counted;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto formats = ghost::ariascribe::import_formats();
  const std::string_view format = formats[data[0] % formats.size()].name;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Counted whole = import(format, text, size), cut = import(format, text, std::size_t{1} + data[1] % 61);
  if (whole.ended && !(whole == cut)) __builtin_trap();
  return 0;
}
