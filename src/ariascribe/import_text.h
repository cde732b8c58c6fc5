#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/importer.h"

namespace ghost::ariascribe {

/// Cuts bytes into lines; `each` gets a line without its end and its number from 1. A line longer than kMaxImportRecord is given cut off, `whole` false.
class LineCutter {
 public:
  using Each = std::function<void(std::string_view line, std::uint64_t number, bool whole)>;
  explicit LineCutter(Each each) : each_(std::move(each)) {}
  void feed(std::string_view bytes);
  void finish();

 private:
  void end();
  Each each_;
  std::string rest_;
  std::uint64_t number_ = 1;
  bool overlong_ = false;
};

/// Cuts the objects out of one JSON text without reading it: those that stand in an array that is in none of them, or, `members`, those that
/// are the members of the outermost object. Each comes with the line it begins in.
class JsonCutter {
 public:
  enum class Of : std::uint8_t { arrays, members };
  using Each = std::function<void(std::string_view object, std::uint64_t line)>;
  JsonCutter(Of of, Each each) : of_(of), each_(std::move(each)) {}
  /// malformed when brackets do not fit, exhausted for an object longer than kMaxImportRecord.
  Status feed(std::string_view bytes);
  Status finish() const;

 private:
  Of of_;
  Each each_;
  std::string object_;
  std::string open_;          ///< brackets that are open outside the object
  std::uint64_t line_ = 1, object_line_ = 0;
  std::size_t depth_ = 0;     ///< inside the object; 0: outside
  bool in_text_ = false, escaped_ = false;
};

/// A year in front of a date, "1801" of "1801-03" and "+1801-00-00T…"; "" when there is none.
std::string year_of(std::string_view date);
/// Adds to a work the catalogue numbers and the key its title tells, a little less sure than what a field says.
void say_from_title(Record& work, std::string_view title);
/// Adds the numbers a text about numbers has, "Op. 27 No. 2; BWV 1007".
void say_numbers(Record& work, std::string_view text, double confidence);
/// Adds the key a text is, "C-sharp minor", as the catalogue writes it.
void say_key(Record& work, std::string_view text, double confidence);
/// How a person without an identifier is called: name, folded, and year of birth where it is known.
Ref person_ref(std::string_view name, std::string_view born = "");

}  // namespace ghost::ariascribe
