#pragma once
#include <string_view>

#include "base/result.h"

namespace ghost::b2 {

/// Subjects and patterns of topics, in NATS's syntax (docs/spec/b2.md §12): tokens between dots, "archive.disc.42". In a pattern "*"
/// stands for one token, and ">", as the last, for one or more.
inline constexpr std::size_t kMaxSubject = 255;  ///< bytes, of a pattern too

/// Whether messages can be published under `subject`; malformed says what is wrong and where.
Status check_subject(std::string_view subject);
/// Whether `pattern` can be subscribed to; every subject is a pattern.
Status check_pattern(std::string_view pattern);
/// Whether `subject` is one of those `pattern` stands for. Both must have been checked.
bool matches(std::string_view pattern, std::string_view subject);
/// Whether `wide` stands for every subject that `pattern` does. Both must have been checked.
bool covers(std::string_view wide, std::string_view pattern);

}  // namespace ghost::b2
