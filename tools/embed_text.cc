// Writes a text file as a C++ source that defines `extern const std::string_view NAME`.
//
//   embed_text FILE ghost::portlight::kRegistryText OUT.cc
//
// The same file always gives the same source.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "embed_text: %s\n", why.c_str());
  std::exit(1);
}

/// A compiler takes long string literals whole but not without end: the text is an array of characters made of short ones.
void write_literal(std::ostream& out, const std::string& text) {
  constexpr std::size_t kLine = 96;
  for (std::size_t at = 0; at < text.size(); at += kLine) {
    out << "\n  \"";
    for (const char c : text.substr(at, kLine)) {
      char escaped[8];
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '?') out << c;
      else std::snprintf(escaped, sizeof escaped, "\\%03o", byte), out << escaped;
    }
    out << '"';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) give_up("usage: embed_text FILE NAMESPACE::NAME OUT.cc");
  std::ifstream in(argv[1], std::ios::binary);
  if (!in) give_up(std::string("cannot read ") + argv[1]);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const std::string qualified = argv[2];
  const auto colon = qualified.rfind("::");
  if (colon == std::string::npos) give_up(qualified + ": a namespace and a name, as in ghost::x::kText");
  std::ofstream out(argv[3], std::ios::binary | std::ios::trunc);
  out << "// Made by tools/embed_text.\n#include <string_view>\n\nnamespace " << qualified.substr(0, colon) << " {\n\nextern const std::string_view "
      << qualified.substr(colon + 2) << ";\nconst std::string_view " << qualified.substr(colon + 2) << "(";
  write_literal(out, text);
  out << ",\n  " << text.size() << ");\n\n}  // namespace " << qualified.substr(0, colon) << "\n";
  out.flush();
  if (!out) give_up(std::string("cannot write ") + argv[3]);
}
