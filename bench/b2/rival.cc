#include "rival.h"

#include <sys/prctl.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace ghost::b2::bench {

Task read_task(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() != 8) {
    std::cerr << "usage: " << argv[0] << " server|client PLACE calls|stream SIZE CONNECTIONS IN_FLIGHT plain|spin|tls DIRECTORY\n"
              << "'b2 bench --against' runs this program.\n";
    std::exit(2);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto number = [&](std::size_t at) { return static_cast<std::size_t>(std::strtoull(argv[at + 1], nullptr, 10)); };
  Task task;
  task.server = words[0] == "server";
  task.place = words[1];
  task.work = {words[2] == "calls" ? Work::Kind::calls : Work::Kind::stream, number(3), number(4), number(5)};
  task.spin = words[6] == "spin";
  task.tls = words[6] == "tls";
  task.directory = words[7];
  task.message.assign(task.work.size, 'Z');
  return task;
}

void tell(const std::string& place) { std::cout << place << std::endl; }

int run_asked(Load& load) {
  std::cout << "ready" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto figures = load.run(Duration(static_cast<Duration::rep>(std::strtod(line.c_str(), nullptr) * 1e9)));
    if (!figures) give_up(figures.error().message);
    std::cout << figures->per_second << " " << figures->p50_us << " " << figures->p99_us << std::endl;
  }
  std::_Exit(0);  // what the library still has under way does not matter
}

void give_up(std::string_view what) {
  std::cout << "!" << what << std::endl;
  std::_Exit(1);
}

}  // namespace ghost::b2::bench
