#include "base/command_texts.h"

#include <algorithm>

#include "base/text.h"

namespace ghost {

namespace {

// ---- words of the help, shared by all forms ----

std::string option_words(const Option& option) {
  std::string text = option.letter != 0 ? std::string("-") + option.letter + ", " : "";
  text += "--" + option.name;
  return option.value.empty() ? text : text + " " + option.value;
}

std::string option_meaning(const Option& option) {
  std::string text = option.help;
  std::string all;
  for (const std::string& choice : option.choices) all += (all.empty() ? "" : ", ") + choice;
  if (!all.empty()) text += ": " + all;
  return option.repeated ? text + " (may be given several times)" : text;
}

std::string positional_words(const Positional& positional) {
  switch (positional.count) {
    case Positional::Count::one: return positional.name;
    case Positional::Count::optional: return "[" + positional.name + "]";
    case Positional::Count::at_least_one: return positional.name + "...";
    case Positional::Count::any: return "[" + positional.name + "...]";
  }
  return positional.name;
}

std::string usage_of(const Program& program, const Verb& verb) {
  std::string text = program.name;
  if (!verb.name.empty()) text += " " + verb.name;
  if (!verb.options.empty() || !program.options.empty()) text += " [options]";
  for (const Positional& positional : verb.positionals) text += " " + positional_words(positional);
  return text;
}

const Verb* default_verb(const Program& program) {
  const auto found = std::find_if(program.verbs.begin(), program.verbs.end(), [](const Verb& verb) { return verb.name.empty(); });
  return found == program.verbs.end() ? nullptr : &*found;
}

constexpr std::string_view kExitCodes[][2] = {{"0", "done"},
                                              {"1", "failed, or the verdict is negative"},
                                              {"2", "the command itself is wrong"},
                                              {"3", "partly done, or not enough could be seen; what is missing was printed"},
                                              {"4", "refused: trust or permission"},
                                              {"130", "interrupted; may be started again"}};

// ---- --help ----

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string section(std::string_view title, const Rows& rows) {
  if (rows.empty()) return "";
  constexpr std::size_t kWidest = 28;  // a longer left side stands on a line of its own
  std::size_t left = 0;
  for (const auto& [words, meaning] : rows)
    if (words.size() <= kWidest) left = std::max(left, words.size());
  std::string text = "\n" + std::string(title) + ":\n";
  for (const auto& [words, meaning] : rows) {
    text += "  " + words;
    if (words.size() > left) text += "\n" + std::string(left + 2, ' ');
    else text += std::string(left - words.size(), ' ');
    text += "  " + meaning + "\n";
  }
  return text;
}

std::string example_section(const std::vector<Example>& examples) {
  if (examples.empty()) return "";
  std::string text = "\nExamples:\n";
  for (const Example& example : examples) text += "  " + example.command + "\n      " + example.meaning + "\n";
  return text;
}

Rows option_rows(const std::vector<Option>& options) {
  Rows rows;
  for (const Option& option : options) rows.emplace_back(option_words(option), option_meaning(option));
  return rows;
}

Rows positional_rows(const Verb& verb) {
  Rows rows;
  for (const Positional& positional : verb.positionals) rows.emplace_back(positional.name, positional.help);
  return rows;
}

std::string paragraph(const std::string& text) { return text.empty() ? "" : "\n" + text + "\n"; }

// ---- scdoc ----

std::string scdoc(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins_line = i == 0 || text[i - 1] == '\n';
    const bool special = std::string_view("\\_*`").find(text[i]) != std::string_view::npos;
    const bool special_here = begins_line && std::string_view("#-.;|[]").find(text[i]) != std::string_view::npos;
    if (special || special_here) out += '\\';
    out += text[i];
  }
  return out;
}

std::string scdoc_rows(const Rows& rows) {
  std::string text;
  for (const auto& [words, meaning] : rows) text += "*" + scdoc(words) + "*\n\t" + scdoc(meaning) + "\n\n";
  return text;
}

std::string scdoc_examples(const std::vector<Example>& examples) {
  std::string text;
  for (const Example& example : examples) text += scdoc(example.meaning) + ":\n\n```\n" + example.command + "\n```\n\n";
  return text;
}

std::string scdoc_verb(const Program& program, const Verb& verb) {
  std::string text = "## " + scdoc(usage_of(program, verb)) + "\n\n";
  text += scdoc(verb.description.empty() ? verb.summary + "." : verb.description) + "\n\n";
  return text + scdoc_rows(positional_rows(verb)) + scdoc_rows(option_rows(verb.options)) + scdoc_examples(verb.examples);
}

}  // namespace

std::string verb_help(const Program& program, const Verb& verb) {
  std::string text = program.name + (verb.name.empty() ? "" : " " + verb.name) + ": " + verb.summary + "\n";
  text += example_section(verb.examples);
  text += "\nUsage: " + usage_of(program, verb) + "\n";
  text += paragraph(verb.description);
  text += section("Arguments", positional_rows(verb));
  text += section("Options", option_rows(verb.options));
  return text + section("Options of every verb", option_rows(program.options));
}

std::string program_help(const Program& program) {
  std::string text = program.name + ": " + program.summary + "\n";
  text += example_section(program.examples);
  const Verb* otherwise = default_verb(program);
  Rows verbs;
  for (const Verb& verb : program.verbs)
    if (!verb.hidden && !verb.name.empty()) verbs.emplace_back(verb.name, verb.summary);
  text += "\nUsage: " + (otherwise != nullptr ? usage_of(program, *otherwise) : program.name + " VERB [options]") + "\n";
  text += paragraph(program.description);
  text += section("Verbs", verbs);
  if (otherwise != nullptr) text += section("Arguments", positional_rows(*otherwise)) + section("Options", option_rows(otherwise->options));
  text += section("Options of every verb", option_rows(program.options));
  return text + "\n" + program.name + " VERB --help tells more of one; " + program.name + " completion bash|zsh|fish prints a script for the shell.\n";
}

std::string manual(const Program& program) {
  std::string text = program.name + "(1)\n\n# NAME\n\n" + program.name + " - " + scdoc(program.summary) + "\n\n# SYNOPSIS\n\n";
  for (const Verb& verb : program.verbs)
    if (!verb.hidden) text += "*" + scdoc(usage_of(program, verb)) + "*++\n";
  text.erase(text.size() - (text.ends_with("++\n") ? 3 : 0));
  text += "\n\n";
  if (!program.examples.empty()) text += "# EXAMPLES\n\n" + scdoc_examples(program.examples);
  if (!program.description.empty()) text += "# DESCRIPTION\n\n" + scdoc(program.description) + "\n\n";
  text += "# VERBS\n\n";
  for (const Verb& verb : program.verbs)
    if (!verb.hidden) text += scdoc_verb(program, verb);
  if (!program.options.empty()) text += "# OPTIONS OF EVERY VERB\n\n" + scdoc_rows(option_rows(program.options));
  text += "# EXIT STATUS\n\n";
  for (const auto& [number, meaning] : kExitCodes) text += "*" + std::string(number) + "*\n\t" + scdoc(meaning) + "\n\n";
  text += "# ENVIRONMENT\n\nEach key of the configuration file can be set by GHOSTLIGHT\\_SECTION\\_KEY. NO\\_COLOR, when set and not "
          "empty, takes the colours out of what is printed.\n";
  return text;
}

Result<std::string> completion_script(const Program& program, std::string_view shell) {
  static constexpr std::string_view kBash = R"(_PROGRAM() {
  local word help
  COMPREPLY=()
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}") ;;
      :directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${COMP_WORDS[COMP_CWORD]}") ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <(PROGRAM __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
)";
  static constexpr std::string_view kZsh = R"(#compdef PROGRAM
_PROGRAM() {
  local -a candidates
  local word help
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) _files; return ;;
      :directories) _files -/; return ;;
      *) candidates+=("${word//:/\\:}:$help") ;;
    esac
  done < <(PROGRAM __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe PROGRAM candidates
}
if [ "$funcstack[1]" = "_PROGRAM" ]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
)";
  static constexpr std::string_view kFish = R"(function __PROGRAM_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  for line in (PROGRAM __complete -- $words[2..-1] "$current" 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path "$current"
      case ':directories'
        __fish_complete_directories "$current"
      case '*'
        echo $line
    end
  end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
)";
  const std::string_view script = shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
  if (script.empty()) return Error{Errc::not_found, "completion is for one of bash, zsh and fish: " + program.name + " completion bash"};
  constexpr std::string_view kName = "PROGRAM";
  std::string text(script);
  for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName, at + program.name.size()))
    text.replace(at, kName.size(), program.name);
  return text;
}

}  // namespace ghost
