#include "b2/topic_subject.h"

#include <string>

#include "base/text.h"

namespace ghost::b2 {

namespace {

/// The part before the next dot, which it takes off `rest` together with the dot; `rest` has no data once all are taken.
std::string_view take_subject_token(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  const std::string_view token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return token;
}

Error bad_subject(std::string_view text, const std::string& why) {
  return {Errc::malformed, "the subject '" + printable(text.substr(0, 64)) + (text.size() > 64 ? "…" : "") + "' " + why};
}

enum class Wildcards : unsigned char { allowed, refused };

Status check_subject_text(std::string_view text, Wildcards wildcards) {
  if (text.empty()) return Error{Errc::malformed, "the subject is empty; one looks like archive.disc.42"};
  if (text.size() > kMaxSubject) return bad_subject(text, "is longer than " + std::to_string(kMaxSubject) + " bytes");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = first_code_point(text.substr(at)).bytes;
    if (length == 0) return bad_subject(text, "is not UTF-8");
    if (static_cast<unsigned char>(text[at]) <= ' ' || text[at] == 0x7f) return bad_subject(text, "holds a space or a control character");
    at += length;
  }
  if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) {
    return bad_subject(text, "has an empty token: dots stand between tokens only");
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view token = take_subject_token(rest);
    if (token.find_first_of("*>") == std::string_view::npos) continue;
    if (token.size() != 1) return bad_subject(text, "has '*' or '>' inside a token: they stand alone");
    if (wildcards == Wildcards::refused) return bad_subject(text, "has a wildcard: messages are published under one subject");
    if (token == ">" && !rest.empty()) return bad_subject(text, "has '>' before its end: it stands for all that follows");
  }
  return {};
}

}  // namespace

Status check_subject(std::string_view subject) { return check_subject_text(subject, Wildcards::refused); }
Status check_pattern(std::string_view pattern) { return check_subject_text(pattern, Wildcards::allowed); }

bool covers(std::string_view wide, std::string_view pattern) {
  while (!wide.empty() && !pattern.empty()) {
    const std::string_view wanted = take_subject_token(wide), token = take_subject_token(pattern);
    if (wanted == ">") return true;
    if (wanted == "*" ? token == ">" : wanted != token) return false;
  }
  return wide.empty() && pattern.empty();
}

/// A subject is a pattern that stands for itself alone.
bool matches(std::string_view pattern, std::string_view subject) { return covers(pattern, subject); }

}  // namespace ghost::b2
