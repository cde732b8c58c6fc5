#include "ariascribe/marc.h"

#include <algorithm>
#include <array>

#include "ariascribe/import_text.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr char kSubfield = '\x1F', kFieldEnd = '\x1E';
constexpr std::size_t kLeader = 24, kDirectoryEntry = 12;

/// ANSEL's letters from 0xA1; nothing for those that are none.
constexpr std::array<std::string_view, 40> kLetters = {"Ł", "Ø", "Đ", "Þ", "Æ", "Œ", "ʹ", "·", "♭", "®", "±", "Ơ", "Ư", "ʼ", "",  "ʻ", "ł", "ø", "đ", "þ",
                                                       "æ", "œ", "ʺ", "ı", "£", "ð", "",  "ơ", "ư", "",  "",  "°", "ℓ", "℗", "©", "♯", "¿", "¡", "ß", "€"};
/// Marks from 0xE0, which stand before their letter there and behind it in Unicode.
constexpr std::array<std::string_view, 31> kMarks = {"\u0309", "\u0300", "\u0301", "\u0302", "\u0303", "\u0304", "\u0306", "\u0307", "\u0308", "\u030C", "\u030A", "\uFE20", "\uFE21", "\u0315", "\u030B", "\u0310",
                                                     "\u0327", "\u0328", "\u0323", "\u0324", "\u0325", "\u0333", "\u0332", "\u0326", "\u031C", "\u032E", "\uFE22", "\uFE23", "",       "",       "\u0313"};

Result<std::string> from_marc8(std::string_view text) {
  std::string out, marks;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x1B) return Error{Errc::unsupported, "text in an alphabet of MARC-8 other than Latin; yaz-marcdump -f MARC-8 -t UTF-8 turns it into UTF-8"};
    if (byte >= 0xE0 && byte < 0xE0 + kMarks.size()) {
      marks += kMarks[byte - 0xE0U];
      continue;
    }
    if (byte < 0x80) out += c;
    else if (byte >= 0xA1 && byte < 0xA1 + kLetters.size()) out += kLetters[byte - 0xA1U];
    out += marks;
    marks.clear();
  }
  return out;
}

std::optional<std::size_t> digits(std::string_view text) {
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

/// Without the punctuation that the rules of cataloguing put at a field's end.
std::string clean(std::string_view text) {
  text = trimmed(text);
  while (!text.empty() && (text.back() == '/' || text.back() == ',' || text.back() == ';' || text.back() == ':' || text.back() == '=')) text = trimmed(text.substr(0, text.size() - 1));
  if (text.ends_with('.') && text.size() > 3 && text[text.size() - 3] != ' ' && text[text.size() - 3] != '.' && text.find(' ', text.size() - 4) == std::string_view::npos) text.remove_suffix(1);
  return std::string(trimmed(text));
}

/// Instruments and roles by relator codes and terms of MARC.
std::string role_of(const MarcField& field) {
  std::string said;
  for (const char code : {'4', 'e'}) {
    for (const auto& [each, value] : field.subfields) {
      if (each == code && said.empty()) said = fold(clean(value.substr(value.rfind('/') == std::string::npos ? 0 : value.rfind('/') + 1)));
    }
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kRoles = {{{"cnd", "conductor"}, {"conductor", "conductor"}, {"prf", "performer"}, {"performer", "performer"}, {"sng", "soloist:voice"}, {"singer", "soloist:voice"},
                                                                                     {"itr", "performer"}, {"instrumentalist", "performer"}, {"lbt", "librettist"}, {"librettist", "librettist"}, {"arr", "arranger"}, {"arranger", "arranger"}}};
  for (const auto& [code, role] : kRoles) {
    if (said == code) return std::string(role);
  }
  return "";
}

Record agent_of(const MarcField& field) {
  Record record;
  record.kind = Kind::agent;
  const std::string name = clean(field.sub('a')), dates = clean(field.sub('d')), born = year_of(dates);
  for (const char code : {'0', '1'}) {
    const std::string_view id = field.sub(code);
    if (id.starts_with("(DE-588)")) record.refs.push_back({"gnd", std::string(id.substr(8))});
    const std::size_t viaf = id.find("viaf.org/viaf/");
    if (viaf != std::string_view::npos) record.refs.push_back({"viaf", std::string(id.substr(viaf + 14))});
  }
  record.refs.push_back(person_ref(name, born));
  const bool group = field.tag[1] == '1';
  const std::size_t comma = name.find(',');
  record.say("name", group || comma == std::string::npos ? name : std::string(trimmed(std::string_view(name).substr(comma + 1))) + " " + name.substr(0, comma));
  record.say("sort_name", name);
  record.say("kind", group ? "group" : "person");
  record.say("born", born);
  const std::size_t dash = dates.find('-');
  if (dash != std::string::npos) record.say("died", year_of(dates.substr(dash)));
  return record;
}

/// "Sonatas, piano, no. 14, op. 27, no. 2, C# minor" out of a uniform title's parts.
std::string uniform_title(const MarcField& field, std::string_view codes) {
  std::string out;
  for (const auto& [code, value] : field.subfields) {
    if (codes.find(code) == std::string_view::npos) continue;
    const std::string part = clean(value);
    if (!part.empty()) out += (out.empty() ? "" : ", ") + part;
  }
  return out;
}

void say_382(const MarcField& field, Record& work) {
  // Each $a or $b (a soloist) goes with the $n that follows.
  for (std::size_t i = 0; i < field.subfields.size(); ++i) {
    const auto& [code, value] = field.subfields[i];
    if (code != 'a' && code != 'b') continue;
    const bool counted = i + 1 < field.subfields.size() && field.subfields[i + 1].first == 'n';
    work.say("medium", fold(clean(value)), 1, std::string(counted ? clean(field.subfields[i + 1].second) : "1") + (code == 'b' ? " solo" : ""));
  }
}

void say_383(const MarcField& field, Record& work) {
  for (const auto& [code, value] : field.subfields) {
    const std::string text = clean(value);
    if (code == 'b') say_numbers(work, text.find_first_not_of("0123456789/ ") == std::string::npos ? "Op. " + text : text, 1);
    if (code == 'c') {
      const std::string catalogue(clean(field.sub('d')));
      say_numbers(work, text.find_first_not_of("0123456789") == std::string::npos ? catalogue + " " + text : text, 1);
    }
  }
}

}  // namespace

std::string_view MarcField::sub(char code) const {
  for (const auto& [each, value] : subfields) {
    if (each == code) return value;
  }
  return {};
}

const MarcField* MarcRecord::first(std::string_view tag) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const MarcField& each) { return each.tag == tag; });
  return found == fields.end() ? nullptr : &*found;
}

Result<MarcRecord> parse_marc(std::string_view bytes) {
  const auto base = bytes.size() >= kLeader ? digits(bytes.substr(12, 5)) : std::nullopt;
  if (!base || *base <= kLeader || *base > bytes.size()) return Error{Errc::malformed, "the leader of a MARC record says no place where the data begins"};
  const bool is_utf8 = bytes[9] == 'a';
  const std::string_view directory = bytes.substr(kLeader, *base - kLeader - 1), data = bytes.substr(*base);
  MarcRecord record;
  for (std::size_t at = 0; at + kDirectoryEntry <= directory.size(); at += kDirectoryEntry) {
    const std::string_view entry = directory.substr(at, kDirectoryEntry);
    const auto length = digits(entry.substr(3, 4)), start = digits(entry.substr(7, 5));
    if (!length || !start || *start > data.size() || *length > data.size() - *start) return Error{Errc::malformed, "field " + std::string(entry.substr(0, 3)) + " lies outside of its record"};
    std::string_view body = data.substr(*start, *length);
    while (body.ends_with(kFieldEnd) || body.ends_with('\x1D')) body.remove_suffix(1);
    MarcField field;
    field.tag = entry.substr(0, 3);
    const auto text = [&](std::string_view raw) -> Result<std::string> { return is_utf8 ? std::string(raw) : from_marc8(raw); };
    if (field.tag < "010") {
      auto read = text(body);
      if (!read) return read.error();
      field.data = std::move(*read);
    } else {
      for (std::size_t mark = body.find(kSubfield); mark != std::string_view::npos && mark + 1 < body.size();) {
        const std::size_t next = body.find(kSubfield, mark + 1);
        auto read = text(body.substr(mark + 2, next == std::string_view::npos ? next : next - mark - 2));
        if (!read) return read.error();
        field.subfields.emplace_back(body[mark + 1], std::move(*read));
        mark = next;
      }
    }
    record.fields.push_back(std::move(field));
  }
  return record;
}

Result<std::vector<Record>> records_of(const MarcRecord& marc) {
  const MarcField* own = marc.first("245");
  const MarcField* uniform = marc.first("240");
  std::string title = own ? clean(std::string(own->sub('a')) + " " + std::string(own->sub('b'))) : "";
  std::string name = uniform ? uniform_title(*uniform, "amnrop") : "";
  if (name.empty()) name = title;
  if (name.empty()) return Error{Errc::malformed, "neither 240 nor 245 has a title"};
  const MarcField* id = marc.first("001");
  const MarcField* whose = marc.first("003");
  const std::string key = (whose ? std::string(trimmed(whose->data)) + "/" : "") + (id ? std::string(trimmed(id->data)) : "");
  std::vector<Record> out;
  Record work;
  work.say("title", name);
  if (title != name) work.say("alias", title);
  const MarcField* by = marc.first("100");
  Ref composer;
  if (by && !by->sub('a').empty()) {
    out.push_back(agent_of(*by));
    composer = out.back().refs.back();
    work.say("composer", composer);
  }
  // The same work has many records: where a cataloguer gave it a uniform title, that is what it is called.
  const std::string called = composer.key + "/" + fold(normalised(name));
  work.refs = {uniform && by ? Ref{"marc-work", called.substr(0, 600)} : !key.empty() ? Ref{"marc", key} : Ref{"marc-title", called.substr(0, 600)}};
  bool performed = false;
  for (const MarcField& field : marc.fields) {
    if (field.tag == "246") work.say("alias", clean(field.sub('a')));
    if (field.tag == "382") say_382(field, work);
    if (field.tag == "383") say_383(field, work);
    if (field.tag == "384") say_key(work, field.sub('a'), 1);
    performed |= field.tag == "511" || ((field.tag == "700" || field.tag == "710") && field.sub('t').empty() && role_of(field).find("libr") != 0);
  }
  if (uniform) say_key(work, uniform->sub('r'), 1);
  say_from_title(work, name);
  Record performance, recording;
  performance.kind = Kind::performance;
  recording.kind = Kind::recording;
  performance.refs = {{"marc-performance", key}};
  recording.refs = {{"marc-recording", key}};
  performance.say("work", work.refs.front());
  recording.say("performance", performance.refs.front());
  recording.say("title", title);
  for (const MarcField& field : marc.fields) {
    if ((field.tag != "700" && field.tag != "710") || field.sub('a').empty()) continue;
    Record agent = agent_of(field);
    const Ref ref = agent.refs.back();
    if (!field.sub('t').empty()) {
      // A further work that the record holds.
      Record further;
      const std::string further_name = uniform_title(field, "tmnrop");
      further.refs = {{"marc-work", (ref.key + "/" + fold(normalised(further_name))).substr(0, 600)}};
      further.say("title", further_name);
      further.say("composer", ref);
      say_from_title(further, further_name);
      out.push_back(std::move(further));
    } else {
      const std::string role = role_of(field);
      const bool of_work = role == "librettist" || role == "arranger";
      (of_work ? work : performance).say("credit", ref, 1, role.empty() ? (field.tag == "710" ? "ensemble" : "performer") : role);
    }
    out.push_back(std::move(agent));
  }
  for (const MarcField& field : marc.fields) {
    if (field.tag == "511") performance.say("note", clean(field.sub('a')));
  }
  out.push_back(std::move(work));
  if (performed && !key.empty()) {
    out.push_back(std::move(performance));
    out.push_back(std::move(recording));
  }
  return out;
}

}  // namespace ghost::ariascribe
