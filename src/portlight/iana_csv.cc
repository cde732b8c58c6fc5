#include "portlight/iana_csv.h"

#include <array>

#include "portlight/number.h"

namespace ghost::portlight {

namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024, kMaxRecords = 200'000, kMaxField = 8 * 1024, kMaxFields = 32;
constexpr std::array<std::string_view, 12> kHeadings = {
    "Service Name", "Port Number", "Transport Protocol", "Description", "Assignee", "Contact", "Registration Date", "Modification Date", "Reference",
    "Service Code", "Unauthorized Use Reported", "Assignment Notes"};

/// Reads record after record; keeps the line for messages.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  std::size_t line() const { return record_line_; }

  Status next(std::vector<std::string>& fields) {
    fields.clear();
    record_line_ = line_;
    for (;;) {
      fields.emplace_back();
      if (fields.size() > kMaxFields) return wrong("more than 32 fields");
      if (const Status status = field(fields.back()); !status) return status;
      if (at_end()) return {};
      const char c = text_[at_++];
      if (c == ',') continue;
      if (c == '\r' && !at_end() && text_[at_] == '\n') ++at_;
      ++line_;
      return {};
    }
  }

 private:
  Error wrong(std::string_view what) const { return Error{Errc::malformed, "line " + std::to_string(line_) + ": " + std::string(what)}; }

  Status field(std::string& out) {
    if (!at_end() && text_[at_] == '"') return quoted(out);
    const auto end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    if (end - at_ > kMaxField) return wrong("a field longer than 8 KB");
    out.assign(text_.substr(at_, end - at_));
    at_ = end;
    return {};
  }

  Status quoted(std::string& out) {
    for (++at_; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          if (at_end() || text_[at_] == ',' || text_[at_] == '\r' || text_[at_] == '\n') return {};
          return wrong("something stands between a closing quote and the comma");
        }
        ++at_;
      } else if (c == '\n') {
        ++line_;
      }
      if (out.size() >= kMaxField) return wrong("a field longer than 8 KB");
      out += c;
    }
    return wrong("a quoted field is not closed");
  }

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1, record_line_ = 1;
};

bool parse_ports(std::string_view text, CsvRow& row) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return parse_number(text, row.first) && parse_number(text, row.last);
  return parse_number(text.substr(0, dash), row.first) && parse_number(text.substr(dash + 1), row.last) && row.first <= row.last;
}

CsvRow row_of(const std::vector<std::string>& fields) {
  CsvRow row;
  row.name = plain_text(fields[0]);
  row.transport = plain_text(fields[2]);
  row.description = plain_text(fields[3]);
  row.assignee = plain_text(fields[4]);
  row.registered = plain_text(fields[6]);
  row.modified = plain_text(fields[7]);
  row.reference = plain_text(fields[8]);
  row.note = plain_text(fields[10].empty() || fields[11].empty() ? fields[10] + fields[11] : fields[10] + " " + fields[11]);
  return row;
}

}  // namespace

std::string plain_text(std::string_view field) {
  constexpr std::size_t kLongest = 240;
  std::string out;
  bool in_brackets = false;
  for (const char c : field) {
    if (c == '[') in_brackets = true;
    else if (c == ']') in_brackets = false;
    else if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || (c == '_' && in_brackets)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() <= kLongest) return out;
  const auto cut = out.rfind(' ', kLongest - 4);
  return cut == std::string::npos ? out.substr(0, kLongest - 4) : out.substr(0, cut) + " …";
}

Result<std::vector<CsvRow>> parse_iana_csv(std::string_view csv) {
  if (csv.size() > kMaxBytes) return Error{Errc::exhausted, "longer than 16 MB: the registry is not"};
  if (csv.starts_with("\xef\xbb\xbf")) csv.remove_prefix(3);
  CsvReader reader(csv);
  std::vector<std::string> fields;
  if (const Status status = reader.next(fields); !status) return status.error();
  if (fields.size() < kHeadings.size() || !std::equal(kHeadings.begin(), kHeadings.end(), fields.begin())) {
    return Error{Errc::malformed, "line 1: not IANA's service-names-port-numbers.csv, which begins 'Service Name,Port Number,Transport Protocol,…'"};
  }
  std::vector<CsvRow> rows;
  for (std::size_t count = 0; !reader.at_end(); ++count) {
    if (count == kMaxRecords) return Error{Errc::exhausted, "more than 200,000 records"};
    if (const Status status = reader.next(fields); !status) return status.error();
    const std::string where = "line " + std::to_string(reader.line()) + ": ";
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() < kHeadings.size()) return Error{Errc::malformed, where + std::to_string(fields.size()) + " fields, expected 12"};
    if (fields[1].empty()) continue;  // a name without a number
    CsvRow row = row_of(fields);
    if (!parse_ports(fields[1], row)) return Error{Errc::malformed, where + "'" + fields[1] + "' is no port number from 0 to 65535"};
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return Error{Errc::malformed, "no row has a port number"};
  return rows;
}

}  // namespace ghost::portlight
