#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::ariascribe {

/// What a statement says. A node without a name is "_:" and a label.
struct Triple {
  std::string subject, predicate, object;
  std::string language;      ///< of a text: "de"; ""
  bool is_text = false;      ///< the object is a literal, not a node
};

/// Reads statements, each with what the directives before it have said.
class TurtleStatements {
 public:
  TurtleStatements();
  ~TurtleStatements();
  /// One statement, directives in front of it included, with the '.' it ends by, without comments, and with brackets that stand 64 deep at most. What its
  /// names stand for is bounded by kMaxImportRecord. Errors: malformed, exhausted.
  /// @param line  the text's first; where it is wrong, afterwards
  Result<std::vector<Triple>> read(const std::string& text, std::uint64_t& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Turtle (https://www.w3.org/TR/turtle/), and so N-Triples, statement by statement as the bytes come. One that is wrong is told and passed by, one longer than
/// kMaxImportRecord too. Pure.
class TurtleReader {
 public:
  struct Sink {
    std::function<void(std::vector<Triple>&& said, std::uint64_t line)> take;
    std::function<void(std::uint64_t line, std::string why)> problem;
  };
  explicit TurtleReader(Sink sink) : sink_(std::move(sink)) {}
  void feed(std::string_view bytes);
  /// data_loss when a statement is not ended.
  Status finish();

 private:
  enum class In : std::uint8_t { statement, iri, text, long_text, comment };
  bool take_dots(char c);
  void take(char c);
  void keep(char c);
  void end_statement();

  Sink sink_;
  TurtleStatements statements_;
  std::string statement_;
  std::uint64_t line_ = 1, first_line_ = 0;  ///< first_line_: of what statement_ has; 0: nothing yet
  In in_ = In::statement;
  char quote_ = 0, before_ = ' ';  ///< before_: the last byte of a statement, outside texts
  std::size_t quotes_ = 0;         ///< in a row: """ begins a long text and ends it
  std::size_t dots_ = 0;           ///< in a row, of which the last may end the statement
  std::size_t depth_ = 0;          ///< of brackets
  bool too_deep_ = false;
  bool escaped_ = false, overlong_ = false, opening_ = false;
};

}  // namespace ghost::ariascribe
