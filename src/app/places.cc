#include "app/places.h"

#include <unistd.h>

#include <iostream>

#include "base/file.h"
#include "base/text.h"

namespace ghost::app {

Result<Places> places(const Arguments& arguments) {
  if (const auto named = arguments.find("state")) {
    const std::filesystem::path directory = std::filesystem::absolute(*named).lexically_normal();
    return Places{directory, directory};
  }
  const auto standard = standard_directories(::geteuid(), process_environment);
  if (!standard) return standard.error();
  return Places{standard->state, standard->runtime};
}

int complain(std::string_view program, const Error& error) {
  std::cerr << program << ": " << printable(error.message) << "\n";  // a peer may have written it
  return code(exit_code_of(error));
}

}  // namespace ghost::app
