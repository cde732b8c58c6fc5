#include "ariascribe/exporter.h"

#include <array>
#include <nlohmann/json.hpp>

#include "ariascribe/catalogue_number.h"

namespace ghost::ariascribe {

namespace {

using nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& values, std::string_view separator) {
  std::string out;
  for (const std::string& each : values) out += (out.empty() ? "" : std::string(separator)) + each;
  return out;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        // XML 1.0 has no place for the other control characters.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r') out += c;
    }
  }
  return out;
}

std::vector<std::string> iris(const std::vector<Ref>& refs) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSpaces = {{{"musicbrainz-work", "https://musicbrainz.org/work/"}, {"musicbrainz-artist", "https://musicbrainz.org/artist/"},
                                                                                    {"wikidata", "http://www.wikidata.org/entity/"}, {"imslp", "https://imslp.org/?curid="}}};
  std::vector<std::string> out;
  for (const Ref& ref : refs) {
    for (const auto& [scheme, space] : kSpaces) {
      if (ref.scheme == scheme) out.push_back(std::string(space) + ref.key);
    }
  }
  return out;
}

std::vector<std::string> displayed(const ExportedWork& work) {
  std::vector<std::string> out;
  for (const std::string& each : work.catalogue) {
    const auto number = parse_catalogue_number(each);
    out.push_back(number ? display(*number) : each);
  }
  return out;
}

/// schema.org's MusicComposition; what it has no word for is of our own.
std::string jsonld(const ExportedWork& work) {
  ordered_json out = {{"@id", "urn:uuid:" + work.id}, {"@type", "MusicComposition"}, {"name", work.title}};
  if (!work.aliases.empty()) {
    ordered_json names = ordered_json::array();
    for (const auto& [name, language] : work.aliases) names.push_back(language.size() == 2 ? ordered_json{{"@value", name}, {"@language", language}} : ordered_json(name));
    out["alternateName"] = names;
  }
  if (!work.composer.empty()) out["composer"] = {{"@id", "urn:uuid:" + work.composer_id}, {"@type", "Person"}, {"name", work.composer}};
  if (!work.catalogue.empty()) out["identifier"] = displayed(work);
  if (!work.key.empty()) out["musicalKey"] = work.key;
  if (!work.form.empty()) out["musicCompositionForm"] = work.form;
  if (!work.year.empty()) out["dateCreated"] = work.year;
  if (!work.parent.empty()) out["isPartOf"] = {{"@id", "urn:uuid:" + work.parent}};
  if (!work.part_number.empty()) out["position"] = work.part_number;
  if (const auto same = iris(work.refs); !same.empty()) out["sameAs"] = same;
  ordered_json sources = ordered_json::array();
  for (const auto& [name, licence] : work.licences) sources.push_back({{"name", name}, {"license", licence}});
  out["sdPublisher"] = sources;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void add_field(std::string& out, std::string_view tag, std::string_view indicators, const std::vector<std::pair<char, std::string>>& subfields) {
  std::string inside;
  for (const auto& [code, value] : subfields) {
    if (!value.empty()) inside += "<subfield code=\"" + std::string(1, code) + "\">" + xml_text(value) + "</subfield>";
  }
  if (inside.empty()) return;
  out += "<datafield tag=\"" + std::string(tag) + "\" ind1=\"" + indicators[0] + "\" ind2=\"" + indicators[1] + "\">" + inside + "</datafield>\n";
}

std::string marcxml(const ExportedWork& work) {
  std::string out = "<record><leader>00000cjm a2200000 u 4500</leader>\n<controlfield tag=\"001\">" + work.id + "</controlfield>\n";
  for (const std::string& iri : iris(work.refs)) add_field(out, "024", "7 ", {{'a', iri}, {'2', "uri"}});
  add_field(out, "100", "1 ", {{'a', work.composer}, {'e', work.composer.empty() ? "" : "composer"}});
  add_field(out, "240", "10", {{'a', work.title}, {'r', work.key}});
  add_field(out, "245", "10", {{'a', work.title}});
  for (const auto& [name, language] : work.aliases) add_field(out, "246", "3 ", {{'a', name}});
  for (const auto& [instrument, amount] : work.media) {
    const bool solo = amount.ends_with(" solo");
    add_field(out, "382", "  ", {{solo ? 'b' : 'a', instrument}, {'n', amount.substr(0, amount.find(' '))}});
  }
  for (const std::string& each : work.catalogue) {
    const auto number = parse_catalogue_number(each);
    if (number && (number->code == "op" || number->code == "woo")) add_field(out, "383", "  ", {{'b', display(*number)}});
    else add_field(out, "383", "  ", {{'c', number ? display(*number) : each}});
  }
  add_field(out, "384", "  ", {{'a', work.key}});
  return out + "</record>\n";
}

}  // namespace

std::string export_head(ExportFormat format) {
  switch (format) {
    case ExportFormat::jsonld: return "{\"@context\": \"https://schema.org/\", \"@graph\": [\n";
    case ExportFormat::csv: return "id,title,composer,catalogue,key,year,form,parent,part_number,alias,medium,refs,sources\r\n";
    case ExportFormat::marcxml: return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<collection xmlns=\"http://www.loc.gov/MARC21/slim\">\n";
  }
  return "";
}

std::string export_work(ExportFormat format, const ExportedWork& work, bool first) {
  if (format == ExportFormat::jsonld) return (first ? "" : ",\n") + jsonld(work);
  if (format == ExportFormat::marcxml) return marcxml(work);
  std::vector<std::string> aliases, media, refs, sources;
  for (const auto& [name, language] : work.aliases) aliases.push_back(name);
  for (const auto& [instrument, amount] : work.media) media.push_back(instrument);
  for (const Ref& ref : work.refs) refs.push_back(ref.scheme + ":" + ref.key);
  for (const auto& [name, licence] : work.licences) sources.push_back(name + " (" + licence + ")");
  std::string line;
  for (const std::string& each : {work.id, work.title, work.composer, joined(displayed(work), "; "), work.key, work.year, work.form, work.parent, work.part_number, joined(aliases, ";"), joined(media, ";"), joined(refs, ";"), joined(sources, "; ")}) {
    line += (line.empty() ? "" : ",") + csv_cell(each);
  }
  return line + "\r\n";
}

std::string export_tail(ExportFormat format) {
  switch (format) {
    case ExportFormat::jsonld: return "\n]}\n";
    case ExportFormat::csv: return "";
    case ExportFormat::marcxml: return "</collection>\n";
  }
  return "";
}

}  // namespace ghost::ariascribe
