// Records docs/spec/vectors/exchanges.json anew: the acts in it are played on real channels, the frames written between them.
//
//   make_vectors docs/spec/vectors/exchanges.json
//
// For a new exchange, add its name and acts to the file and run this; for a change of the wire, run it and look at the difference.
#include <cstdio>

#include "base/file.h"
#include "exchange_player.h"

namespace {

using namespace ghost;

Status record(const char* path) {
  const auto text = read_file(path, 16 * 1024 * 1024);
  if (!text) return text.error();
  const auto exchanges = b2::conformance::Json::parse(*text, nullptr, false);
  if (!exchanges.is_array()) return Error{Errc::malformed, std::string(path) + ": not a JSON list"};
  b2::conformance::Json played = b2::conformance::Json::array();
  for (const auto& exchange : exchanges) {
    auto one = b2::conformance::play(exchange);
    if (!one) return Error{one.error().code, std::string(path) + ": " + one.error().message};
    played.push_back(std::move(*one));
  }
  return write_file_atomically(path, as_bytes(b2::conformance::to_text(played)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_vectors docs/spec/vectors/exchanges.json\n");
    return 2;
  }
  if (const Status done = record(argv[1]); !done) {
    std::fprintf(stderr, "make_vectors: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}
