#pragma once
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ghost {

/// What every program of ours ends with.
enum class Exit : int {
  done = 0,
  failed = 1,        ///< or a negative verdict
  usage = 2,         ///< the command itself is wrong
  partly = 3,        ///< partly done, or not enough could be seen; what is missing was printed
  refused = 4,       ///< trust or permission
  interrupted = 130  ///< by a signal; may be started again
};
constexpr int code(Exit exit) { return static_cast<int>(exit); }
/// refused for refused and unauthenticated, interrupted for cancelled, failed for the rest.
Exit exit_code_of(const Error& error);

/// What the shell offers for an argument.
enum class Complete : unsigned char { nothing, files, directories };

struct Option {
  std::string name;   ///< "listen": given as --listen
  std::string value;  ///< what the argument is called in help, "ADDR"; "" for a switch
  std::string help;
  char letter = 0;    ///< 'l': also -l
  bool repeated = false;
  std::vector<std::string> choices = {};  ///< the only values allowed; empty for any
  Complete complete = Complete::nothing;
};

struct Positional {
  enum class Count : unsigned char { one, optional, at_least_one, any };
  std::string name;  ///< "FILE"
  std::string help;
  Count count = Count::one;  ///< only the last of a verb may take several
  std::vector<std::string> choices = {};
  Complete complete = Complete::nothing;
};

struct Example {
  std::string command;  ///< "ghostlight house invite --roles listen"
  std::string meaning;
};

/// The arguments of one run, by the names they were declared with. Asking for one that was not declared is a bug.
class Arguments {
 public:
  bool has(const std::string& name) const { return !all(name).empty(); }
  std::optional<std::string> find(const std::string& name) const;
  std::string text(const std::string& name, std::string_view otherwise = "") const;
  const std::vector<std::string>& all(const std::string& name) const;

  /// Every option given and its value ("true" for a switch): what ConfigSources::flags takes.
  std::vector<std::pair<std::string, std::string>> options_given() const;

 private:
  friend class VerbParser;
  struct Value {
    bool is_option = false;
    bool is_switch = false;
    std::vector<std::string> texts;
  };
  std::map<std::string, Value> values_;
};

struct Verb {
  std::string name;     ///< "join", or "house join" for one of a group; "" for what runs when no verb is given
  std::string summary;  ///< one line, lower case, no full stop
  std::string description = {};
  std::vector<Example> examples = {};
  std::vector<Option> options = {};
  std::vector<Positional> positionals = {};
  std::function<int(const Arguments&)> run;  ///< gives the exit code
  bool hidden = false;
};

struct Program {
  std::string name;
  std::string summary;
  std::string version;
  std::vector<Verb> verbs;
  std::vector<Option> options = {};   ///< taken by every verb, before or after its name
  std::vector<Example> examples = {};
  std::string description = {};
};

/// The options every program spells alike.
Option json_option();    ///< --json: NDJSON events, the last is the summary
Option quiet_option();   ///< --quiet
Option state_option();   ///< --state DIR
Option config_option();  ///< --config FILE
Option listen_option();  ///< --listen ADDR, repeated

/// Does what the arguments (without the program's name) say: runs a verb, or prints help, version, completions or the manual.
/// Usage errors go to `err`, with what was probably meant, and give Exit::usage.
int run_command_line(const Program& program, std::vector<std::string> arguments, std::ostream& out, std::ostream& err);
/// For main(): with stdout and stderr. An exception, which is a bug of ours or a lack of memory, becomes a message and Exit::failed.
int run_command_line(const Program& program, int argc, const char* const* argv);

}  // namespace ghost
