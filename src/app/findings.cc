#include "app/findings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/command_line.h"
#include "base/terminal.h"
#include "base/text.h"

namespace ghost::app {

namespace {

using FindingLine = nlohmann::ordered_json;

void print(const Finding& finding, std::size_t width, const Terminal& terminal) {
  const bool well = finding.verdict == Verdict::well, note = finding.verdict == Verdict::note;
  const std::string mark = coloured(terminal, well ? Colour::green : note ? Colour::yellow : Colour::red, well ? "✓ ok  " : note ? "! note" : "✗ BAD ");
  std::cout << fmt::format("{}  {:<{}}  {}\n", mark, printable(finding.about), width, printable(finding.what));
  if (!finding.why.empty()) std::cout << fmt::format("        {:<{}}  {}\n", "", width, printable(finding.why));
  if (!finding.remedy.empty()) std::cout << fmt::format("        {:<{}}  → {}\n", "", width, printable(finding.remedy));
}

void print_json(const FindingLine& line) { std::cout << line.dump(-1, ' ', false, FindingLine::error_handler_t::replace) << "\n"; }

}  // namespace

int report_findings(const std::vector<Finding>& findings, std::pair<std::string_view, std::size_t> seen, bool json) {
  std::size_t wrong = 0, width = 0;
  for (const Finding& finding : findings) {
    wrong += finding.verdict == Verdict::wrong ? 1 : 0;
    width = std::max(width, finding.about.size());
  }
  const Exit exit = wrong != 0 ? Exit::failed : Exit::done;
  if (json) {
    for (const Finding& finding : findings) {
      print_json({{"v", 1}, {"event", "finding"}, {"verdict", name(finding.verdict)}, {"about", finding.about}, {"what", finding.what}, {"why", finding.why}, {"remedy", finding.remedy}});
    }
    print_json({{"v", 1}, {"event", "summary"}, {"verdict", wrong != 0 ? "wrong" : "well"}, {"wrong", wrong}, {std::string(seen.first), seen.second}, {"code", code(exit)}});
    return code(exit);
  }
  const Terminal terminal = Terminal::of(STDOUT_FILENO);
  for (const Finding& finding : findings) print(finding, width, terminal);
  std::cout << (wrong != 0 ? fmt::format("{} thing{} to mend.\n", wrong, wrong == 1 ? "" : "s") : "Nothing wrong was found.\n");
  return code(exit);
}

}  // namespace ghost::app
