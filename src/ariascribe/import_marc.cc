// MARC 21 in ISO 2709 and in XML.
#include <expat.h>

#include "ariascribe/import_text.h"
#include "ariascribe/marc.h"

namespace ghost::ariascribe {

namespace {

constexpr char kRecordEnd = '\x1D';
constexpr std::size_t kMaxMarc = 99'999, kMostFields = 100'000;

/// ISO 2709: records end with a byte of their own, so a broken one costs no other. It has no lines: places are told by number.
class MarcImporter : public Importer {
 public:
  explicit MarcImporter(ImportSink sink) : Importer(std::move(sink)) {}
  Status feed(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find(kRecordEnd);
      const std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
      if (record_.size() + piece.size() <= kMaxMarc) record_ += piece;
      else overlong_ = true;
      bytes.remove_prefix(piece.size());
      if (end != std::string_view::npos) finish_record();
    }
    return {};
  }
  Status finish() override {
    const bool blank = record_.find_first_not_of(" \r\n\t") == std::string::npos;
    if (!blank || overlong_) return Error{Errc::data_loss, "record " + std::to_string(count() + 1) + ": the file ends in the middle of it"};
    return {};
  }

 private:
  void finish_record() {
    std::string_view text = record_;
    while (!text.empty() && (text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
    if (is_wanted()) {
      if (overlong_) {
        problem(count(), "longer than a MARC record can be");
      } else if (auto marc = parse_marc(text); !marc) {
        problem(count(), marc.error().message);
      } else if (auto records = records_of(*marc); !records) {
        problem(count(), records.error().message);
      } else {
        take(std::move(*records), count());
      }
    }
    record_.clear();
    overlong_ = false;
  }

  std::string record_;
  bool overlong_ = false;
};

struct FreeParser {
  void operator()(XML_ParserStruct* parser) const { XML_ParserFree(parser); }
};

std::string_view local_name(const char* name) {
  std::string_view text(name);
  const std::size_t at = text.rfind('|');
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

class MarcXmlImporter : public Importer {
 public:
  explicit MarcXmlImporter(ImportSink sink) : Importer(std::move(sink)), parser_(XML_ParserCreateNS(nullptr, '|')) {
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), [](void* self, const char* name, const char** attributes) { static_cast<MarcXmlImporter*>(self)->begin(local_name(name), attributes); },
                          [](void* self, const char* name) { static_cast<MarcXmlImporter*>(self)->end(local_name(name)); });
    XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* text, int size) { static_cast<MarcXmlImporter*>(self)->add_text(std::string_view(text, static_cast<std::size_t>(size))); });
    // MARCXML has no document type; one that comes could only define entities to swell.
    XML_SetStartDoctypeDeclHandler(parser_.get(), [](void* self, const char*, const char*, const char*, int) { static_cast<MarcXmlImporter*>(self)->refuse(); });
  }
  Status feed(std::string_view bytes) override { return parse(bytes, false); }
  Status finish() override { return parse("", true); }

 private:
  Status parse(std::string_view bytes, bool last) {
    if (XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0) != XML_STATUS_OK) {
      const std::string where = "line " + std::to_string(XML_GetCurrentLineNumber(parser_.get())) + ": ";
      if (overlong_) return Error{Errc::exhausted, where + "a record of more than " + std::to_string(kMaxImportRecord >> 20) + " MiB"};
      return Error{Errc::malformed, where + (refused_ ? "a document type is not read" : XML_ErrorString(XML_GetErrorCode(parser_.get())))};
    }
    return {};
  }
  void refuse() {
    refused_ = true;
    XML_StopParser(parser_.get(), XML_FALSE);
  }
  void begin(std::string_view name, const char** attributes) {
    const auto attribute = [&](std::string_view wanted) -> std::string_view {
      for (const char** each = attributes; *each; each += 2) {
        if (each[0] == wanted) return each[1];
      }
      return {};
    };
    text_.clear();
    if (name == "record") {
      marc_ = {};
      size_ = 0;
      line_ = XML_GetCurrentLineNumber(parser_.get());
    } else if ((name == "controlfield" || name == "datafield") && marc_.fields.size() < kMostFields) {
      marc_.fields.push_back({std::string(attribute("tag").substr(0, 3)), "", {}});
      marc_.fields.back().tag.resize(3, ' ');
    } else if (name == "subfield" && !marc_.fields.empty()) {
      code_ = attribute("code").empty() ? ' ' : attribute("code").front();
    }
  }
  void end(std::string_view name) {
    if (name == "controlfield" && !marc_.fields.empty()) marc_.fields.back().data = text_;
    if (name == "subfield" && !marc_.fields.empty()) marc_.fields.back().subfields.emplace_back(code_, text_);
    text_.clear();
    if (name != "record" || !is_wanted()) return;
    if (auto records = records_of(marc_); records) take(std::move(*records), line_);
    else problem(line_, records.error().message);
  }
  void add_text(std::string_view text) {
    size_ += text.size();
    if (size_ > kMaxImportRecord) {
      overlong_ = true;
      XML_StopParser(parser_.get(), XML_FALSE);
      return;
    }
    text_ += text;
  }

  std::unique_ptr<XML_ParserStruct, FreeParser> parser_;
  MarcRecord marc_;
  std::string text_;
  std::size_t size_ = 0;
  std::uint64_t line_ = 0;
  char code_ = ' ';
  bool refused_ = false, overlong_ = false;
};

}  // namespace

std::unique_ptr<Importer> make_marc_importer(ImportSink sink) { return std::make_unique<MarcImporter>(std::move(sink)); }
std::unique_ptr<Importer> make_marcxml_importer(ImportSink sink) { return std::make_unique<MarcXmlImporter>(std::move(sink)); }

}  // namespace ghost::ariascribe
