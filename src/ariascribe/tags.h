#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace ghost::ariascribe {

/// A tag and one of its values, as Vorbis comments have them: names are ASCII without regard to case, a name may come several times.
struct Tag {
  std::string name;   ///< "COMPOSER", as it is written in the file
  std::string value;  ///< UTF-8
  bool bare = false;  ///< stands without "=", which no tag should: kept as it is
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// Whether two names are one, without regard to the case of ASCII letters.
bool same_name(std::string_view a, std::string_view b);
/// "COMPOSER" of "Composer".
std::string upper_name(std::string_view name);

/// The values of a tag, in order.
std::vector<std::string> values_of(const std::vector<Tag>& tags, std::string_view name);
/// The first value, or "".
std::string first_value(const std::vector<Tag>& tags, std::string_view name);
/// `tags` with these values for a name, at the place of its first one or at the end; no values takes the name out.
std::vector<Tag> with_values(std::vector<Tag> tags, std::string_view name, const std::vector<std::string>& values);

/// The names, in capitals and each once, whose values are not the same in both.
std::vector<std::string> names_that_differ(const std::vector<Tag>& before, const std::vector<Tag>& after);

/// "n" and "m" of "n/m", as ID3 and APE write number and total in one; the second is "" where there is none.
struct NumberOfTotal {
  std::string number, total;
};
NumberOfTotal number_of_total(std::string_view text);
/// "n/m", or "n" without a total.
std::string text_of(const NumberOfTotal& numbers);

}  // namespace ghost::ariascribe
