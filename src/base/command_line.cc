#include "base/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cassert>
#include <iostream>

#include "base/command_texts.h"
#include "base/text.h"

namespace ghost {

Exit exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::refused:
    case Errc::unauthenticated: return Exit::refused;
    case Errc::cancelled: return Exit::interrupted;
    default: return Exit::failed;
  }
}

std::optional<std::string> Arguments::find(const std::string& name) const {
  const auto& texts = all(name);
  if (texts.empty()) return std::nullopt;
  return texts.back();
}

std::string Arguments::text(const std::string& name, std::string_view otherwise) const {
  return find(name).value_or(std::string(otherwise));
}

const std::vector<std::string>& Arguments::all(const std::string& name) const {
  const auto found = values_.find(name);
  assert(found != values_.end());
  static const std::vector<std::string> kNone;
  return found == values_.end() ? kNone : found->second.texts;
}

std::vector<std::pair<std::string, std::string>> Arguments::options_given() const {
  std::vector<std::pair<std::string, std::string>> given;
  for (const auto& [name, value] : values_)
    if (value.is_option)
      for (const std::string& text : value.texts) given.emplace_back(name, text);
  return given;
}

Option json_option() { return {"json", "", "print events as JSON, one a line; the last is the summary"}; }
Option quiet_option() { return {"quiet", "", "print results and errors only", 'q'}; }
Option state_option() { return {"state", "DIR", "where keys, membership and data are kept", 0, false, {}, Complete::directories}; }
Option config_option() { return {"config", "FILE", "the configuration file", 0, false, {}, Complete::files}; }
Option listen_option() { return {"listen", "ADDR", "where to listen, as 127.0.0.1:2203, [::1]:2203 or unix:/path", 0, true}; }

/// Reads the arguments of one verb by CLI11.
class VerbParser {
 public:
  VerbParser(const Program& program, const Verb& verb) : program_(program), verb_(verb) {
    app_.set_help_flag();
    app_.allow_extras();  // what is left over is told by us, with what was probably meant
    for (const Option& option : program.options) declare(option);
    for (const Option& option : verb.options) declare(option);
    for (const Positional& positional : verb.positionals) declare(positional);
  }

  Result<Arguments> parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      return Error{Errc::malformed, printable(error.what())};
    }
    for (const std::string& left : app_.remaining())
      if (left != "--") return unexpected(left);  // CLI11 leaves the mark of "no more options" over as well
    for (const auto& [name, choices] : choices_)
      for (const std::string& value : arguments_.all(name))
        if (std::find(choices->begin(), choices->end(), value) == choices->end()) return no_choice(name, value, *choices);
    return arguments_;
  }

 private:
  void declare(const Option& option) {
    std::string names = "--" + option.name;
    if (option.letter != 0) names += std::string(",-") + option.letter;
    Arguments::Value& value = arguments_.values_[option.name];
    value.is_option = true;
    value.is_switch = option.value.empty();
    if (value.is_switch) {
      app_.add_flag_callback(names, [&value] { value.texts = {"true"}; });
      return;
    }
    CLI::Option* made = app_.add_option(names, value.texts)->type_name(option.value);
    made->allow_extra_args(false);
    if (!option.repeated) made->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (!option.choices.empty()) choices_.emplace_back(option.name, &option.choices);
  }

  void declare(const Positional& positional) {
    using Count = Positional::Count;
    CLI::Option* made = app_.add_option(positional.name, arguments_.values_[positional.name].texts);
    const bool several = positional.count == Count::at_least_one || positional.count == Count::any;
    made->expected(several ? -1 : 1)->allow_extra_args(several);
    if (positional.count == Count::one || positional.count == Count::at_least_one) made->required();
    if (!positional.choices.empty()) choices_.emplace_back(positional.name, &positional.choices);
  }

  Error unexpected(const std::string& word) const {
    if (word.size() < 2 || word[0] != '-') return {Errc::malformed, "'" + printable(word) + "' is one argument too many"};
    std::vector<std::string> known = {"--help", "--version"};
    for (const auto* options : {&program_.options, &verb_.options})
      for (const Option& option : *options) known.push_back("--" + option.name);
    const std::string name = word.substr(0, word.find('='));
    std::string message = "there is no option " + printable(name);
    if (const auto meant = nearest(name, known)) message += "; did you mean " + *meant + "?";
    return {Errc::malformed, message};
  }

  static Error no_choice(const std::string& name, const std::string& value, const std::vector<std::string>& choices) {
    std::string all;
    for (const std::string& choice : choices) all += (all.empty() ? "" : ", ") + choice;
    return {Errc::malformed, name + ": '" + printable(value) + "' is none of " + all};
  }

  const Program& program_;
  const Verb& verb_;
  CLI::App app_;
  Arguments arguments_;
  std::vector<std::pair<std::string, const std::vector<std::string>*>> choices_;
};

namespace {

bool asks_for(const std::vector<std::string>& words, std::string_view option, std::string_view letter) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::any_of(words.begin(), end, [&](const std::string& word) { return word == option || word == letter; });
}

int usage_error(const Program& program, const std::string& about, const std::string& message, std::ostream& err) {
  err << program.name << ": " << message << "\nTry: " << program.name << about << " --help\n";
  return code(Exit::usage);
}

int unknown_verb(const Program& program, const std::string& word, std::ostream& err) {
  std::vector<std::string> known = {"help", "completion"};
  for (const Verb& verb : program.verbs)
    if (!verb.hidden) known.push_back(verb.name.substr(0, verb.name.find(' ')));
  std::string message = "there is no verb '" + printable(word) + "'";
  if (const auto meant = nearest(word, known)) message += "; did you mean: " + program.name + " " + *meant + "?";
  return usage_error(program, "", message, err);
}

// "house" or "house jion", where "house create" and "house join" are.
int incomplete_group(const Program& program, const std::vector<std::string>& group, const std::string& word, std::ostream& err) {
  std::string message = "'" + word + "' needs one of: ", all;
  for (const std::string& verb : group) all += (all.empty() ? "" : ", ") + verb;
  return usage_error(program, "", message + all, err);
}

std::vector<std::string> verbs_of_group(const Program& program, const std::string& word) {
  std::vector<std::string> group;
  for (const Verb& verb : program.verbs)
    if (!verb.hidden && verb.name.starts_with(word + " ")) group.push_back(verb.name.substr(word.size() + 1));
  return group;
}

// The first word that is no option and no option's value; "" for none.
std::string first_plain_word(const Program& program, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() < 2 || words[i][0] != '-') return words[i];
    const Option* option = find_option(program, nullptr, words[i]);
    if (option != nullptr && !option->value.empty() && words[i].find('=') == std::string::npos) ++i;
  }
  return "";
}

int no_verb(const Program& program, const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
  const std::string word = first_plain_word(program, words);
  if (asks_for(words, "--help", "-h")) {
    out << program_help(program);
    return code(Exit::done);
  }
  if (const auto group = verbs_of_group(program, word); !word.empty() && !group.empty()) return incomplete_group(program, group, word, err);
  if (!word.empty()) return unknown_verb(program, word, err);
  if (!words.empty()) return usage_error(program, "", "a verb is missing", err);
  err << program_help(program);
  return code(Exit::usage);
}

int print_completion_script(const Program& program, const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
  const auto script = completion_script(program, words.size() == 2 ? words[1] : "");
  if (!script) return usage_error(program, "", script.error().message, err);
  out << *script;
  return code(Exit::done);
}

int print_help(const Program& program, const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
  const std::vector<std::string> asked(words.begin() + 1, words.end());
  const FoundVerb found = find_verb(program, asked);
  if (found.verb == nullptr && !asked.empty()) return no_verb(program, asked, out, err);
  out << (asked.empty() ? program_help(program) : verb_help(program, *found.verb));
  return code(Exit::done);
}

}  // namespace

int run_command_line(const Program& program, std::vector<std::string> words, std::ostream& out, std::ostream& err) {
  const std::string first = words.empty() ? "" : words[0];
  if (first == "__complete") {
    out << completions(program, {words.begin() + (words.size() > 1 && words[1] == "--" ? 2 : 1), words.end()});
    return code(Exit::done);
  }
  if (first == "__man") {
    out << manual(program);
    return code(Exit::done);
  }
  if (first == "completion") return print_completion_script(program, words, out, err);
  if (first == "help") return print_help(program, words, out, err);

  const FoundVerb found = find_verb(program, words);
  if (asks_for(words, "--version", "--version")) {
    out << program.name << ' ' << program.version << '\n';
    return code(Exit::done);
  }
  if (found.verb == nullptr) return no_verb(program, words, out, err);
  if (asks_for(words, "--help", "-h")) {
    out << (found.verb->name.empty() ? program_help(program) : verb_help(program, *found.verb));
    return code(Exit::done);
  }
  for (auto at = found.at.rbegin(); at != found.at.rend(); ++at) words.erase(words.begin() + static_cast<std::ptrdiff_t>(*at));
  VerbParser parser(program, *found.verb);
  const auto arguments = parser.parse(std::move(words));
  const std::string about = found.verb->name.empty() ? "" : " " + found.verb->name;
  if (!arguments) return usage_error(program, about, arguments.error().message, err);
  return found.verb->run(*arguments);
}

int run_command_line(const Program& program, int argc, const char* const* argv) {
  try {
    return run_command_line(program, std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), std::cout, std::cerr);
  } catch (const std::exception& error) {
    std::cerr << program.name << ": internal error: " << error.what() << '\n';
    return code(Exit::failed);
  }
}

}  // namespace ghost
