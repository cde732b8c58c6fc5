#include "b2/codegen/names.h"

#include <cctype>
#include <set>

namespace ghost::b2::codegen {

static bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
static char to_lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

static std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result += to_lower(c);
  return result;
}

std::string snake_case(std::string_view camel) {
  std::string result;
  for (std::size_t i = 0; i < camel.size(); ++i) {
    // A word begins at a capital after a small letter, or at the last capital of a run: getURL, URLPath.
    const bool after_small = i > 0 && !is_upper(camel[i - 1]) && camel[i - 1] != '_';
    const bool before_small = i > 0 && camel[i - 1] != '_' && i + 1 < camel.size() && std::islower(static_cast<unsigned char>(camel[i + 1])) != 0;
    if (is_upper(camel[i]) && (after_small || before_small)) result += '_';
    result += to_lower(camel[i]);
  }
  return result;
}

std::string safe(std::string word) {
  static const std::set<std::string_view> reserved = {
      "alignas", "alignof", "and", "and_eq", "asm", "assert", "auto", "bitand", "bitor", "bool", "break", "case", "catch",
      "char", "char8_t", "char16_t", "char32_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
      "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "errno", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "linux", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
      "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short", "signed",
      "sizeof", "static", "static_assert", "static_cast", "stderr", "stdin", "stdout", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unix", "unsigned", "using", "virtual",
      "void", "volatile", "wchar_t", "while", "xor", "xor_eq"};
  if (reserved.contains(word)) word += '_';
  return word;
}

static std::string without_prefix(const pb::EnumValueDescriptor& value) {
  std::string word = lower(value.name());
  const std::string prefix = snake_case(value.type()->name()) + "_";
  if (word.size() > prefix.size() && word.starts_with(prefix)) word.erase(0, prefix.size());
  if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) word.insert(0, 1, '_');
  return safe(word);
}

std::string enumerator_name(const pb::EnumValueDescriptor& value) {
  // FOO_BAR and BAR of enum Foo would be the same without the prefix; such an enum keeps its names as they are.
  std::set<std::string> names;
  for (int i = 0; i < value.type()->value_count(); ++i) names.insert(without_prefix(*value.type()->value(i)));
  const bool distinct = names.size() == static_cast<std::size_t>(value.type()->value_count());
  return distinct ? without_prefix(value) : safe(value.name());
}

static std::string replace_dots(std::string_view text, std::string_view by) {
  std::string result;
  for (char c : text) c == '.' ? result += by : result += c;
  return result;
}

std::string cpp_namespace(const pb::FileDescriptor& file, const std::string& prefix) {
  std::string name = prefix;
  std::string part;
  for (char c : file.package() + ".") {
    if (c != '.') {
      part += c;
      continue;
    }
    if (!part.empty()) name += (name.empty() ? "" : "::") + safe(part);
    part.clear();
  }
  return name;
}

/// What follows the package in a full name, joined by "_".
static std::string flatten(std::string_view full_name, const pb::FileDescriptor& file) {
  if (!file.package().empty()) full_name.remove_prefix(file.package().size() + 1);
  return safe(replace_dots(full_name, "_"));
}

std::string flat_name(const pb::Descriptor& message) { return flatten(message.full_name(), *message.file()); }
std::string flat_name(const pb::EnumDescriptor& enumeration) { return flatten(enumeration.full_name(), *enumeration.file()); }

std::string member_name(const pb::FieldDescriptor& field) {
  std::string word = safe(field.name());
  if (word == flat_name(*field.containing_type())) word += '_';
  return word;
}

std::string function_name(const pb::MethodDescriptor& method) {
  const std::string word = snake_case(method.name());
  if (word == "info" || word == "static_info" || word == "handle") return word + "_";
  return safe(word);
}

std::string stem(const pb::FileDescriptor& file) {
  const std::string& name = file.name();
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(0, dot);
}

}  // namespace ghost::b2::codegen
