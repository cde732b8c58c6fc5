#include "ariascribe/importer.h"

#include <array>

namespace ghost::ariascribe {

std::span<const ImportFormat> import_formats() {
  static constexpr std::array<ImportFormat, 10> kFormats = {{
      {"musicbrainz", "MusicBrainz JSON dump, `work` or `artist`: the .tar.xz as it is, or the lines inside", "musicbrainz", "CC0-1.0"},
      {"openopus", "Open Opus dump (dump.json)", "openopus", "unknown"},
      {"wikidata", "Wikidata JSON dump, an entity a line", "wikidata", "CC0-1.0"},
      {"marc", "MARC 21 in ISO 2709", "marc", "unknown"},
      {"marcxml", "MARC 21 in XML", "marc", "unknown"},
      {"csv", "a table, columns by --map or by their headings", "table", "unknown"},
      {"tsv", "the same with tabs", "table", "unknown"},
      {"imslp", "IMSLP's list of works (API.ISCR.php, type=2, JSON)", "imslp", "unknown"},
      {"nyphil", "New York Philharmonic performance history, JSON", "nyphil", "CC0-1.0"},
      {"skos", "a vocabulary in SKOS: RDF/XML, Turtle or N-Triples", "skos", "unknown"},
  }};
  return kFormats;
}

Result<std::unique_ptr<Importer>> make_importer(std::string_view format, const ImportOptions& options, ImportSink sink) {
  if (format == "csv") return make_table_importer(',', options, std::move(sink));
  if (format == "tsv") return make_table_importer('\t', options, std::move(sink));
  if (format == "marc") return make_marc_importer(std::move(sink));
  if (format == "marcxml") return make_marcxml_importer(std::move(sink));
  if (format == "skos") return make_skos_importer(std::move(sink));
  return make_json_importer(format, std::move(sink));
}

}  // namespace ghost::ariascribe
