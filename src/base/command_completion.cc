#include <algorithm>

#include "base/command_texts.h"

namespace ghost {

namespace {

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool takes_next_word(const Option* option, const std::string& word) {
  return option != nullptr && !option->value.empty() && word.find('=') == std::string::npos;
}

// Indexes of the words that are neither options nor their values.
std::vector<std::size_t> plain_words(const Program& program, const Verb* verb, const std::vector<std::string>& words) {
  std::vector<std::size_t> plain;
  bool options_ended = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!options_ended && words[i] == "--") {
      options_ended = true;
    } else if (options_ended || words[i].size() < 2 || words[i][0] != '-') {
      plain.push_back(i);
    } else if (takes_next_word(find_option(program, verb, words[i]), words[i])) {
      ++i;
    }
  }
  return plain;
}

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

class Candidates {
 public:
  explicit Candidates(std::string begun) : begun_(std::move(begun)) {}
  void add(const std::string& word, const std::string& help) {
    const std::string line = word + '\t' + one_line(help) + '\n';
    if (word.starts_with(begun_) && text_.find(line) == std::string::npos) text_ += line;
  }
  void add_values(const std::vector<std::string>& choices, Complete complete) {
    for (const std::string& choice : choices) add(choice, "");
    if (complete == Complete::files) text_ += ":files\n";
    if (complete == Complete::directories) text_ += ":directories\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string begun_, text_;
};

// The word after `before` in the names of verbs: "join" after "house".
void add_verbs(const Program& program, const std::vector<std::string>& before, Candidates& out) {
  for (const Verb& verb : program.verbs) {
    const auto name = split_words(verb.name);
    if (verb.hidden || name.size() <= before.size() || !std::equal(before.begin(), before.end(), name.begin())) continue;
    const bool last = name.size() == before.size() + 1;
    out.add(name[before.size()], last ? verb.summary : "");
  }
  if (!before.empty()) return;
  out.add("help", "tell more of a verb");
  out.add("completion", "print a script for the shell");
}

void add_options(const Program& program, const Verb* verb, const std::vector<std::string>& given, Candidates& out) {
  const auto add = [&](const Option& option) {
    const bool already = std::find(given.begin(), given.end(), "--" + option.name) != given.end();
    if (!already || option.repeated) out.add("--" + option.name, option.help);
  };
  if (verb != nullptr) std::for_each(verb->options.begin(), verb->options.end(), add);
  std::for_each(program.options.begin(), program.options.end(), add);
  out.add("--help", "tell more");
}

void add_positional(const Verb& verb, std::size_t index, Candidates& out) {
  using Count = Positional::Count;
  if (verb.positionals.empty()) return;
  const Positional& last = verb.positionals.back();
  const bool several = last.count == Count::at_least_one || last.count == Count::any;
  if (index >= verb.positionals.size() && !several) return;
  const Positional& positional = verb.positionals[std::min(index, verb.positionals.size() - 1)];
  out.add_values(positional.choices, positional.complete);
}

}  // namespace

const Option* find_option(const Program& program, const Verb* verb, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  const auto matches = [&](const Option& option) {
    return name == "--" + option.name || (option.letter != 0 && name == std::string("-") + option.letter);
  };
  for (const auto* options : {&program.options, verb != nullptr ? &verb->options : nullptr}) {
    if (options == nullptr) continue;
    const auto found = std::find_if(options->begin(), options->end(), matches);
    if (found != options->end()) return &*found;
  }
  return nullptr;
}

FoundVerb find_verb(const Program& program, const std::vector<std::string>& words) {
  const auto plain = plain_words(program, nullptr, words);
  FoundVerb best;
  const Verb* otherwise = nullptr;
  for (const Verb& verb : program.verbs) {
    const auto name = split_words(verb.name);
    if (name.empty()) otherwise = &verb;
    if (name.empty() || name.size() > plain.size() || name.size() <= best.at.size()) continue;
    const bool here = std::equal(name.begin(), name.end(), plain.begin(), [&](const std::string& part, std::size_t i) { return part == words[i]; });
    if (here) best = {&verb, {plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(name.size())}};
  }
  // What runs without a verb also takes the first word as its own, when it takes any.
  const bool takes_all = otherwise != nullptr && (plain.empty() || !otherwise->positionals.empty());
  if (best.verb == nullptr && takes_all) best.verb = otherwise;
  return best;
}

std::string completions(const Program& program, const std::vector<std::string>& words) {
  const std::string current = words.empty() ? "" : words.back();
  const std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
  const FoundVerb found = find_verb(program, before);
  Candidates out(current);
  const Option* last = before.empty() ? nullptr : find_option(program, found.verb, before.back());
  const auto plain = plain_words(program, found.verb, before);
  if (takes_next_word(last, before.empty() ? "" : before.back())) {
    out.add_values(last->choices, last->complete);
  } else if (current.starts_with("-")) {
    add_options(program, found.verb, before, out);
  } else if (!plain.empty() && before[plain[0]] == "completion") {
    for (const char* shell : {"bash", "zsh", "fish"}) out.add(shell, "");
  } else {
    std::vector<std::string> names;
    for (std::size_t i : plain)
      if (i != plain[0] || before[i] != "help") names.push_back(before[i]);
    if (found.verb != nullptr) add_positional(*found.verb, plain.size() - found.at.size(), out);
    add_verbs(program, names, out);
  }
  return out.take();
}

}  // namespace ghost
