// Vocabularies in SKOS: as RDF/XML, Turtle or N-Triples.
#include <expat.h>

#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "ariascribe/importer.h"
#include "ariascribe/turtle.h"

namespace ghost::ariascribe {

namespace {

constexpr std::string_view kSkos = "http://www.w3.org/2004/02/skos/core#";
constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
constexpr std::string_view kNoLabel = "a concept without a label";

struct FreeSkosParser {
  void operator()(XML_ParserStruct* parser) const { XML_ParserFree(parser); }
};

class SkosXmlImporter : public Importer {
 public:
  explicit SkosXmlImporter(ImportSink sink) : Importer(std::move(sink)), parser_(XML_ParserCreateNS(nullptr, '|')) {
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), [](void* self, const char* name, const char** attributes) { static_cast<SkosXmlImporter*>(self)->begin(name, attributes); },
                          [](void* self, const char* name) { static_cast<SkosXmlImporter*>(self)->end(name); });
    XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* text, int size) { static_cast<SkosXmlImporter*>(self)->add_text(std::string_view(text, static_cast<std::size_t>(size))); });
    XML_SetStartDoctypeDeclHandler(parser_.get(), [](void* self, const char*, const char*, const char*, int) { static_cast<SkosXmlImporter*>(self)->refuse(); });
  }
  Status feed(std::string_view bytes) override { return parse(bytes, false); }
  Status finish() override { return parse("", true); }

 private:
  Status parse(std::string_view bytes, bool last) {
    if (XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0) == XML_STATUS_OK) return {};
    const std::string where = "line " + std::to_string(XML_GetCurrentLineNumber(parser_.get())) + ": ";
    return Error{Errc::malformed, where + (refused_ ? "a document type is not read" : XML_ErrorString(XML_GetErrorCode(parser_.get())))};
  }
  void refuse() {
    refused_ = true;
    XML_StopParser(parser_.get(), XML_FALSE);
  }
  static std::string_view in(std::string_view name, std::string_view space) {
    const bool is = name.size() > space.size() && name.starts_with(space) && name[space.size()] == '|';
    return is ? name.substr(space.size() + 1) : std::string_view{};
  }
  void begin(std::string_view name, const char** attributes) {
    std::string_view about, resource, language;
    for (const char** each = attributes; *each; each += 2) {
      const std::string_view key = each[0];
      if (in(key, kRdf) == "about") about = each[1];
      if (in(key, kRdf) == "resource") resource = each[1];
      if (key == "http://www.w3.org/XML/1998/namespace|lang") language = each[1];
    }
    ++depth_;
    text_.clear();
    if (!inside_ && (in(name, kSkos) == "Concept" || in(name, kRdf) == "Description") && !about.empty()) {
      inside_ = depth_;
      is_concept_ = in(name, kSkos) == "Concept";
      concept_ = {};
      concept_.kind = Kind::concept_;
      concept_.refs = {{"iri", std::string(about)}};
      line_ = XML_GetCurrentLineNumber(parser_.get());
    } else if (inside_ && depth_ == inside_ + 1) {
      language_ = language;
      is_concept_ |= in(name, kRdf) == "type" && resource == std::string(kSkos) + "Concept";
      if (in(name, kSkos) == "broader" && !resource.empty()) concept_.say("broader", Ref{"iri", std::string(resource)});
      if (in(name, kSkos) == "inScheme" && !resource.empty()) concept_.say("vocabulary", resource);
    }
  }
  void end(std::string_view name) {
    if (inside_ && depth_ == inside_ + 1) {
      const std::string_view what = in(name, kSkos);
      if (what == "prefLabel") concept_.say("label", text_, 1, language_);
      if (what == "altLabel") concept_.say("label", text_, 0.9, language_);
      if (what == "notation") concept_.say("notation", text_);
    } else if (inside_ && depth_ == inside_) {
      inside_ = 0;
      if (is_concept_ && is_wanted()) {
        const bool labelled = !concept_.value_of("label").empty();
        if (labelled) take({std::move(concept_)}, line_);
        else problem(line_, std::string(kNoLabel));
      }
    }
    --depth_;
    text_.clear();
  }
  void add_text(std::string_view text) {
    if (text_.size() + text.size() <= kMaxImportRecord) text_ += text;
  }

  std::unique_ptr<XML_ParserStruct, FreeSkosParser> parser_;
  Record concept_;
  std::string text_, language_;
  std::uint64_t line_ = 0;
  std::size_t depth_ = 0, inside_ = 0;  ///< inside_: the depth of the concept; 0: in none
  bool is_concept_ = false, refused_ = false;
};

/// As Turtle or N-Triples. What is said of a concept may stand apart: concepts are held back until the end, or until they take kMaxImportRecord; then
/// those that were met first are given away, and what comes of them later is told as a problem.
class SkosTurtleImporter : public Importer {
 public:
  explicit SkosTurtleImporter(ImportSink sink)
      : Importer(std::move(sink)), reader_({[this](std::vector<Triple>&& said, std::uint64_t line) {
                                              for (const Triple& each : said) add(each, line);
                                            },
                                            [this](std::uint64_t line, std::string why) {
                                              if (is_wanted()) problem(line, std::move(why));
                                            }}) {}
  Status feed(std::string_view bytes) override {
    reader_.feed(bytes);
    if (given_.size() > kMostConcepts) return Error{Errc::exhausted, "a vocabulary of more than 5,000,000 concepts"};
    return {};
  }
  Status finish() override {
    const Status ended = reader_.finish();
    while (!order_.empty()) give_first();
    return ended;
  }

 private:
  static constexpr std::size_t kMostConcepts = 5'000'000;
  struct Held {
    Record record;
    std::uint64_t line = 0;
    std::size_t size = 0;
    bool is_concept = false;
  };

  void add(const Triple& triple, std::uint64_t line) {
    const bool is_type = triple.predicate.starts_with(kRdf) && std::string_view(triple.predicate).substr(kRdf.size()) == "type";
    if ((!is_type && !triple.predicate.starts_with(kSkos)) || triple.subject.starts_with("_:")) return;
    if (given_.contains(std::hash<std::string_view>()(triple.subject))) {
      if (is_wanted()) problem(line, "more is said of " + triple.subject + ", far behind the rest: sort the file by subject");
      return;
    }
    const auto [at, fresh] = held_.try_emplace(triple.subject);
    Held& held = at->second;
    if (fresh) {
      held.record.kind = Kind::concept_;
      held.record.refs = {{"iri", triple.subject}};
      held.line = line;
      order_.push_back(triple.subject);
    }
    if (is_type) held.is_concept |= triple.object.starts_with(kSkos) && std::string_view(triple.object).substr(kSkos.size()) == "Concept";
    else say(held.record, std::string_view(triple.predicate).substr(kSkos.size()), triple);
    const std::size_t size = triple.object.size() + triple.language.size() + 100 + (fresh ? 3 * triple.subject.size() : 0);
    held.size += size;
    size_ += size;
    while (size_ > kMaxImportRecord) give_first();
  }
  static void say(Record& record, std::string_view what, const Triple& triple) {
    if (!triple.is_text && (what == "broader" || what == "inScheme") && !triple.object.starts_with("_:")) {
      if (what == "broader") record.say("broader", Ref{"iri", triple.object});
      else record.say("vocabulary", triple.object);
    }
    if (!triple.is_text) return;
    if (what == "prefLabel") record.say("label", triple.object, 1, triple.language);
    if (what == "altLabel") record.say("label", triple.object, 0.9, triple.language);
    if (what == "notation") record.say("notation", triple.object);
  }
  void give_first() {
    const auto at = held_.find(order_.front());
    if (at->second.is_concept) given_.insert(std::hash<std::string_view>()(at->first));
    size_ -= at->second.size;
    Held held = std::move(at->second);
    held_.erase(at);
    order_.pop_front();
    if (!held.is_concept || !is_wanted()) return;
    if (held.record.value_of("label").empty()) problem(held.line, std::string(kNoLabel));
    else take({std::move(held.record)}, held.line);
  }

  TurtleReader reader_;
  std::unordered_map<std::string, Held> held_;
  std::deque<std::string> order_;            ///< of held_, as they were met
  std::unordered_set<std::size_t> given_;    ///< hashes of the concepts that were given away
  std::size_t size_ = 0;
};

/// Looks at the first bytes and reads on as the one or the other.
class SkosImporter : public Importer {
 public:
  explicit SkosImporter(ImportSink sink) : Importer(sink), sink_(std::move(sink)) {}
  void skip(std::uint64_t count) override { skipped_ = count; }
  std::uint64_t count() const override { return reader_ ? reader_->count() : 0; }
  Status feed(std::string_view bytes) override {
    if (reader_) return reader_->feed(bytes);
    first_ += bytes;
    return decide(false);
  }
  Status finish() override {
    if (const Status decided = reader_ ? Status() : decide(true); !decided) return decided;
    return reader_->finish();
  }

 private:
  enum class Syntax : std::uint8_t { unknown, xml, turtle };
  static Syntax syntax_of(std::string_view text, bool is_all) {
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) return Syntax::xml;  // UTF-16
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    const Syntax unsure = is_all || text.size() > 4096 ? Syntax::turtle : Syntax::unknown;
    if (begin == std::string_view::npos) return unsure;
    text.remove_prefix(begin);
    if (text.front() != '<') return Syntax::turtle;
    if (text.size() < 2) return unsure;
    if (text[1] == '?' || text[1] == '!') return Syntax::xml;
    // An IRI holds no space; the first element has one, before its name spaces.
    const std::size_t end = text.find_first_of("> \t\r\n");
    if (end == std::string_view::npos) return unsure;
    return text[end] == '>' ? Syntax::turtle : Syntax::xml;
  }
  Status decide(bool is_all) {
    if (first_.size() < 4 && !is_all) return {};
    const Syntax syntax = syntax_of(first_, is_all);
    if (syntax == Syntax::unknown) return {};
    if (syntax == Syntax::xml) reader_ = std::make_unique<SkosXmlImporter>(sink_);
    else reader_ = std::make_unique<SkosTurtleImporter>(sink_);
    reader_->skip(skipped_);
    std::string_view text = first_;
    if (syntax == Syntax::turtle && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const Status fed = reader_->feed(text);
    first_ = {};
    return fed;
  }

  ImportSink sink_;
  std::unique_ptr<Importer> reader_;
  std::string first_;  ///< until it is known what they are
  std::uint64_t skipped_ = 0;
};

}  // namespace

std::unique_ptr<Importer> make_skos_importer(ImportSink sink) { return std::make_unique<SkosImporter>(std::move(sink)); }

}  // namespace ghost::ariascribe
