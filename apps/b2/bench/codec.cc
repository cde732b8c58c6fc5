#include "codec.h"

#include "b2/bench/v1/track.b2.h"

namespace ghost::b2::bench {

namespace {

v1::Track track() {
  v1::Track track;
  track.id = 4'711'000'815;
  track.composer = "Ludwig van Beethoven";
  track.work = "Sonate für Klavier Nr. 14 cis-Moll";
  track.key = "C# minor";
  track.catalogue = "Op. 27 Nr. 2";
  track.movement = 3;
  track.duration_ms = 421'337;
  track.year = 1975;
  track.confidence = 0.97;
  track.live = true;
  track.performers = {"Emil Gilels"};
  track.tags = {{"label", "Deutsche Grammophon"}, {"isrc", "DEF057510030"}};
  return track;
}

}  // namespace

Bytes codec_message() { return encode(track()); }

Result<CodecTimes> time_codec(Duration span) {
  v1::Track out = track(), in;
  Bytes bytes(encoded_size(out) + 16);
  CodecTimes times;
  times.encode_ns = time_of(span / 3, [&] {
    ++out.id;  // or the compiler might do it once for all
    encode_to(out, bytes.data());
  });
  bytes.resize(encoded_size(out));
  bool fine = true;
  times.decode_ns = time_of(span / 3, [&] { fine = fine && decode(bytes, in); });
  times.fresh_ns = time_of(span / 3, [&] { fine = fine && decode<v1::Track>(bytes).has_value(); });
  if (!fine || !(in == out)) return Error{Errc::data_loss, "bench: the codec does not give back what it was given"};
  return times;
}

}  // namespace ghost::b2::bench
