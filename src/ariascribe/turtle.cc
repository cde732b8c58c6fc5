#include "ariascribe/turtle.h"

#include <algorithm>

#include "ariascribe/importer.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostNested = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// May stand inside a name: then a '.' before it does not end the statement.
bool is_in_name(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_digit(c) || is_letter || static_cast<unsigned char>(c) >= 0x80 || c == '_' || c == '-' || c == ':' || c == '%' || c == '\\';
}

/// Begins with a directive as SPARQL writes it: that ends with its IRI, and without a dot.
bool is_sparql_directive(std::string_view statement) {
  for (const std::string_view word : {"prefix", "base"}) {
    if (statement.size() <= word.size() || !(is_space(statement[word.size()]) || statement[word.size()] == '<')) continue;
    if (std::ranges::equal(statement.substr(0, word.size()), word, [](char a, char b) { return (a | 0x20) == b; })) return true;
  }
  return false;
}

}  // namespace

void TurtleReader::keep(char c) {
  if (first_line_ == 0) {
    if (is_space(c)) return;
    first_line_ = line_;
  }
  if (statement_.size() < kMaxImportRecord) statement_ += c;
  else overlong_ = true;
}

/// Whether the dots before `c` ended a statement: "a.b" and "1.5" are one word.
bool TurtleReader::take_dots(char c) {
  const bool ended = !is_in_name(c) || (!is_in_name(before_) && !is_digit(c));
  for (std::size_t i = 0; i < dots_; ++i) keep('.');
  dots_ = 0;
  if (ended) end_statement();
  return ended;
}

void TurtleReader::take(char c) {
  switch (in_) {
    case In::statement:
      if (c == '.' && !escaped_) {
        ++dots_;
        return;
      }
      if (dots_ > 0) take_dots(c);
      if (c == '#' && !escaped_) {
        in_ = In::comment;
        return;
      }
      keep(c);
      before_ = c;
      if (std::exchange(escaped_, false)) return;
      if (c == '\\') escaped_ = true;
      if (c == '[' || c == '(') too_deep_ |= ++depth_ > kMostNested;
      if ((c == ']' || c == ')') && depth_ > 0) --depth_;
      if (c == '<') in_ = In::iri;
      if (c == '"' || c == '\'') {
        in_ = In::text;
        quote_ = c;
        quotes_ = 1;
        opening_ = true;
      }
      return;
    case In::iri:
      keep(c);
      before_ = ' ';
      if (c == '>' || c == '\n') in_ = In::statement;
      if (c == '\n' || (c == '>' && is_sparql_directive(statement_))) end_statement();  // not closed: that costs no other statement
      return;
    case In::comment:
      if (c != '\n') return;
      in_ = In::statement;
      keep(c);
      before_ = c;
      return;
    case In::text:
      if (opening_ && c == quote_) {
        keep(c);
        if (++quotes_ < 3) return;
        in_ = In::long_text;
        quotes_ = 0;
        opening_ = false;
        return;
      }
      if (opening_ && quotes_ == 2) {  // "" is a whole text
        opening_ = false;
        in_ = In::statement;
        before_ = ' ';
        return take(c);
      }
      opening_ = false;
      keep(c);
      if (std::exchange(escaped_, false) && c != '\n') return;
      if (c == '\\') escaped_ = true;
      if (c == quote_ || c == '\n') {
        in_ = In::statement;
        before_ = ' ';
        escaped_ = false;
        if (c == '\n') end_statement();
      }
      return;
    case In::long_text:
      if (quotes_ >= 3 && c != quote_) {
        in_ = In::statement;
        before_ = ' ';
        return take(c);
      }
      keep(c);
      if (std::exchange(escaped_, false)) return;
      quotes_ = c == quote_ ? quotes_ + 1 : 0;
      if (c == '\\') escaped_ = true;
      return;
  }
}

void TurtleReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    take(c);
    if (c == '\n') ++line_;
  }
}

void TurtleReader::end_statement() {
  const std::uint64_t line = std::exchange(first_line_, 0);
  std::string text = std::exchange(statement_, {});
  before_ = ' ';
  depth_ = 0;
  if (std::exchange(too_deep_, false)) {
    overlong_ = false;
    return sink_.problem(line, "brackets stand more than 64 deep");
  }
  if (std::exchange(overlong_, false)) return sink_.problem(line, "a statement of more than " + std::to_string(kMaxImportRecord >> 20) + " MiB");
  std::uint64_t at = line;
  auto said = statements_.read(text, at);
  if (said) sink_.take(std::move(*said), line);
  else sink_.problem(at, said.error().message);
}

Status TurtleReader::finish() {
  if (in_ == In::long_text && quotes_ >= 3) in_ = In::statement;
  if (in_ == In::statement && dots_ > 0) take_dots(' ');
  if (first_line_ == 0) return {};
  return Error{Errc::data_loss, "line " + std::to_string(first_line_) + ": the file ends in the middle of a statement"};
}

}  // namespace ghost::ariascribe
