// libprotobuf: the classes that protoc generates, as most programs use them.
#include "b2/bench/v1/track.pb.h"
#include "codec_rival.h"

int main(int argc, char** argv) {
  using namespace ghost::b2::bench;
  const std::string bytes = read_codec_message(argc, argv);
  b2::bench::v1::Track out, in;
  if (!out.ParseFromString(bytes) || out.SerializeAsString() != bytes) give_up("libprotobuf does not give back what b2 encoded");
  std::string space(bytes.size() + 16, '\0');
  return run_codec(
      [&] {
        out.set_id(out.id() + 1);
        out.SerializeToArray(space.data(), static_cast<int>(out.ByteSizeLong()));
      },
      [&] { return in.ParseFromString(bytes); },
      [&] {
        b2::bench::v1::Track fresh;
        return fresh.ParseFromString(bytes);
      });
}
