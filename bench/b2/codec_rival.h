#pragma once
#include <cstdlib>
#include <iostream>
#include <string>

#include "codec.h"
#include "rival.h"

/// What the programs have in common that race b2's codec: PROGRAM codec HEX, where HEX is the message as b2 encodes it.
namespace ghost::b2::bench {

/// The message's bytes; ends the program with 2 when the command line has none.
inline std::string read_codec_message(int argc, char** argv) {
  const std::string_view hex = argc == 3 && std::string_view(argv[1]) == "codec" ? argv[2] : "";
  if (hex.empty() || hex.size() % 2 != 0) {
    std::cerr << "usage: " << argv[0] << " codec HEX\n'b2 bench codec --against' runs this program.\n";
    std::exit(2);
  }
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

/// Does the runs that are asked for on standard input, a line of seconds each, and prints a line of CodecTimes for each.
/// @param encode  encodes a message that differs from the last
/// @param decode  into a message that was used before; false when it cannot
/// @param fresh   into one of its own
template <class Encode, class Decode, class Fresh>
int run_codec(Encode encode, Decode decode, Fresh fresh) {
  std::cout << "ready" << std::endl;
  std::string line;
  bool fine = true;
  while (std::getline(std::cin, line)) {
    const Duration span(static_cast<Duration::rep>(std::strtod(line.c_str(), nullptr) * 1e9 / 3));
    const double encoding = time_of(span, encode);
    const double decoding = time_of(span, [&] { fine = fine && decode(); });
    const double decoding_fresh = time_of(span, [&] { fine = fine && fresh(); });
    if (!fine) give_up("the message cannot be read");
    std::cout << encoding << " " << decoding << " " << decoding_fresh << std::endl;
  }
  return 0;
}

}  // namespace ghost::b2::bench
