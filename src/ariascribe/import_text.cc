#include "ariascribe/import_text.h"

#include <algorithm>

#include "ariascribe/catalogue_number.h"
#include "ariascribe/composer_names.h"
#include "ariascribe/key.h"
#include "ariascribe/repertoire_lines.h"
#include "ariascribe/text_fold.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostBrackets = 256;
constexpr double kFromTitle = 0.9;

}  // namespace

void LineCutter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, newline);
    if (rest_.empty() && newline != std::string_view::npos && !overlong_) {
      // Most lines lie whole in what came.
      each_(piece.ends_with('\r') ? piece.substr(0, piece.size() - 1) : piece, number_++, true);
    } else {
      if (rest_.size() + piece.size() <= kMaxImportRecord) rest_ += piece;
      else overlong_ = true;
      if (newline != std::string_view::npos) end();
    }
    bytes.remove_prefix(newline == std::string_view::npos ? bytes.size() : newline + 1);
  }
}

void LineCutter::end() {
  if (rest_.ends_with('\r')) rest_.pop_back();
  each_(rest_, number_++, !overlong_);
  rest_.clear();
  overlong_ = false;
}

void LineCutter::finish() {
  if (!rest_.empty() || overlong_) end();
}

Status JsonCutter::feed(std::string_view bytes) {
  std::size_t begin = 0;  // of what of the object lies in these bytes
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n') ++line_;
    if (in_text_) {
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') in_text_ = false;
      continue;
    }
    if (c == '"') {
      in_text_ = true;
    } else if (c == '{' || c == '[') {
      const bool begins = c == '{' && (of_ == Of::arrays ? open_.ends_with('[') : open_ == "{");
      if (depth_ > 0) {
        ++depth_;
      } else if (begins) {
        depth_ = 1;
        begin = i;
        object_line_ = line_;
      } else {
        if (open_.size() == kMostBrackets) return Error{Errc::malformed, "line " + std::to_string(line_) + ": too many brackets in each other"};
        open_ += c;
      }
    } else if (c == '}' || c == ']') {
      if (depth_ > 0) {
        if (--depth_ > 0) continue;
        object_ += bytes.substr(begin, i + 1 - begin);
        each_(object_, object_line_);
        object_.clear();
      } else {
        if (open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return Error{Errc::malformed, "line " + std::to_string(line_) + ": a bracket closes that is not open"};
        open_.pop_back();
      }
    }
  }
  if (depth_ > 0) object_ += bytes.substr(begin);
  if (object_.size() > kMaxImportRecord) return Error{Errc::exhausted, "line " + std::to_string(object_line_) + ": a record of more than " + std::to_string(kMaxImportRecord >> 20) + " MiB"};
  return {};
}

Status JsonCutter::finish() const {
  if (depth_ > 0 || !open_.empty() || in_text_) return Error{Errc::data_loss, "line " + std::to_string(line_) + ": the file ends in the middle of a record"};
  return {};
}

std::string year_of(std::string_view date) {
  const std::size_t digit = date.find_first_of("0123456789");
  if (digit == std::string_view::npos) return "";
  std::string year;
  for (const char c : date.substr(digit)) {
    if (c < '0' || c > '9' || year.size() == 4) break;
    year += c;
  }
  return year.size() == 4 && year != "0000" ? year : "";
}

void say_numbers(Record& work, std::string_view text, double confidence) {
  std::vector<std::string> said;
  for (const CatalogueMention& each : find_catalogue_numbers(tokenise(normalised(text)))) {
    if (!each.certain) continue;
    std::string number = each.number.text();
    if (std::find(said.begin(), said.end(), number) != said.end()) continue;
    work.say("catalogue", number, confidence);
    said.push_back(std::move(number));
  }
}

void say_key(Record& work, std::string_view text, double confidence) {
  const auto keys = find_keys(tokenise(normalised(text)));
  if (!keys.empty()) work.say("musical_key", keys.front().key.text(), confidence);
}

void say_from_title(Record& work, std::string_view title) {
  const auto tokens = tokenise(normalised(title));
  for (const CatalogueMention& each : find_catalogue_numbers(tokens)) {
    if (each.certain) work.say("catalogue", each.number.text(), kFromTitle);
  }
  for (const KeyMention& each : find_keys(tokens)) {
    if (!each.explicit_mode) continue;
    work.say("musical_key", each.key.text(), kFromTitle);
    break;
  }
}

Ref person_ref(std::string_view name, std::string_view born) {
  std::string key = fold(normalised(plain_name(name)));
  if (!born.empty()) key += " " + std::string(born);
  if (key.size() > 200) key.resize(200);
  return {"person", key};
}

}  // namespace ghost::ariascribe
