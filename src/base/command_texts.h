#pragma once
#include <string>
#include <string_view>

#include "base/command_line.h"

namespace ghost {

/// All that a program says of itself, made from one table so that help, manual and shells cannot disagree.

std::string program_help(const Program& program);
std::string verb_help(const Program& program, const Verb& verb);

/// The manual page in scdoc(5).
std::string manual(const Program& program);

/// The script that asks `PROGRAM __complete` for completions; not_found for another shell than bash, zsh and fish.
Result<std::string> completion_script(const Program& program, std::string_view shell);

/// Completions of the last of `words` (those after the program's name, the last may be ""): lines of candidate, tab and help, or
/// ":files" or ":directories" alone.
std::string completions(const Program& program, const std::vector<std::string>& words);

/// The verb that `words` begin with, options among them skipped, and how many words it took.
struct FoundVerb {
  const Verb* verb = nullptr;          ///< null when there is none
  std::vector<std::size_t> at = {};    ///< indexes of the words that name it
};
FoundVerb find_verb(const Program& program, const std::vector<std::string>& words);

/// "--listen" or "-l" among the verb's and the program's options; null when it is none. `verb` may be null.
const Option* find_option(const Program& program, const Verb* verb, std::string_view word);

}  // namespace ghost
