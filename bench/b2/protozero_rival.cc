// protozero: encoding and decoding written by hand over a library of headers. It does not look whether text is UTF-8.
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include <vector>

#include "codec_rival.h"

namespace {

struct Tag {
  std::string name, value;
};

struct Track {
  std::uint64_t id = 0;
  std::string composer, work, key, catalogue;
  std::uint32_t movement = 0, duration_ms = 0;
  std::int32_t year = 0;
  double confidence = 0;
  bool live = false;
  std::vector<std::string> performers;
  std::vector<Tag> tags;
};

void assign(std::string& to, protozero::data_view from) { to.assign(from.data(), from.size()); }

Tag read_tag(protozero::pbf_reader in) {
  Tag tag;
  while (in.next()) {
    if (in.tag() == 1) assign(tag.name, in.get_view());
    else if (in.tag() == 2) assign(tag.value, in.get_view());
    else in.skip();
  }
  return tag;
}

/// Texts keep their memory; lists are made anew.
void read_track(protozero::pbf_reader in, Track& track) {
  track.performers.clear();
  track.tags.clear();
  while (in.next()) {
    switch (in.tag()) {
      case 1: track.id = in.get_uint64(); break;
      case 2: assign(track.composer, in.get_view()); break;
      case 3: assign(track.work, in.get_view()); break;
      case 4: assign(track.key, in.get_view()); break;
      case 5: assign(track.catalogue, in.get_view()); break;
      case 6: track.movement = in.get_uint32(); break;
      case 7: track.duration_ms = in.get_uint32(); break;
      case 8: track.year = in.get_int32(); break;
      case 9: track.confidence = in.get_double(); break;
      case 10: track.live = in.get_bool(); break;
      case 11: assign(track.performers.emplace_back(), in.get_view()); break;
      case 12: track.tags.push_back(read_tag(in.get_message())); break;
      default: in.skip();
    }
  }
}

void write_track(const Track& track, std::string& space) {
  space.clear();
  protozero::pbf_writer out(space);
  out.add_uint64(1, track.id);
  out.add_string(2, track.composer);
  out.add_string(3, track.work);
  out.add_string(4, track.key);
  out.add_string(5, track.catalogue);
  out.add_uint32(6, track.movement);
  out.add_uint32(7, track.duration_ms);
  out.add_int32(8, track.year);
  out.add_double(9, track.confidence);
  out.add_bool(10, track.live);
  for (const std::string& performer : track.performers) out.add_string(11, performer);
  for (const Tag& tag : track.tags) {
    protozero::pbf_writer within(out, 12);
    within.add_string(1, tag.name);
    within.add_string(2, tag.value);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ghost::b2::bench;
  const std::string bytes = read_codec_message(argc, argv);
  Track out, in;
  std::string space;
  read_track(protozero::pbf_reader(bytes), out);
  write_track(out, space);
  if (space != bytes) give_up("protozero does not give back what b2 encoded");
  return run_codec(
      [&] {
        ++out.id;
        write_track(out, space);
      },
      [&] {
        read_track(protozero::pbf_reader(bytes), in);
        return in.id != 0;
      },
      [&] {
        Track fresh;
        read_track(protozero::pbf_reader(bytes), fresh);
        return fresh.id != 0;
      });
}
