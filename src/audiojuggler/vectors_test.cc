// docs/spec/vectors/audiojuggler.json against the code. All but the Q frame and the commands are values that others published: each names its source.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "audiojuggler/cd_text.h"
#include "audiojuggler/checksum.h"
#include "audiojuggler/disc_id.h"
#include "audiojuggler/drives/mmc.h"
#include "audiojuggler/noise_testing.h"
#include "audiojuggler/subchannel.h"
#include "audiojuggler/track_checks.h"
#include "base/file.h"

namespace ghost::audiojuggler {
namespace {

using Json = nlohmann::json;

Json vectors(const char* part) {
  const auto text = read_file(GHOST_VECTORS "/audiojuggler.json", 1024 * 1024);
  return text ? Json::parse(*text).at(part) : Json();
}

std::string text_of(const Json& told) { return told.get<std::string>(); }

std::string hex32(std::uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

Toc toc_of(const Json& told) {
  Toc toc;
  for (const Json& start : told.at("starts")) {
    Track track;
    track.number = static_cast<std::uint8_t>(toc.tracks.size() + 1);
    track.start = Lba(start.get<std::int32_t>());
    toc.tracks.push_back(track);
  }
  for (const Json& number : told.value("data", Json::array())) {
    Track& track = toc.tracks.at(number.get<std::size_t>() - 1);
    track.audio = false;
    track.session = 2;
  }
  toc.lead_out = Lba(told.at("lead_out").get<std::int32_t>());
  return toc;
}

TEST(Vectors, OfDiscIdsAreThosePublished) {
  const Json all = vectors("disc_ids");
  ASSERT_GE(all.size(), 3u);
  for (const Json& told : all) {
    const Toc toc = toc_of(told);
    EXPECT_EQ(musicbrainz_id(toc), text_of(told.at("musicbrainz"))) << told.at("source");
    if (told.contains("freedb")) {
      EXPECT_EQ(freedb_id(toc), text_of(told["freedb"])) << told.at("source");
    }
    if (told.contains("accuraterip")) {
      EXPECT_EQ(accuraterip_id(toc), text_of(told["accuraterip"])) << told.at("source");
    }
  }
}

/// What TrackChecks makes of each track, fed in pieces that no sector ends with.
std::vector<RipTrack> tracks_of(const Toc& toc, BytesView disc) {
  std::vector<RipTrack> out(toc.tracks.size());
  for (std::size_t i = 0; i < toc.tracks.size(); ++i) {
    TrackChecks checks(TrackChecks::place_of(toc, i));
    const BytesView samples = disc.subspan(static_cast<std::size_t>(toc.tracks[i].start.value) * kSectorBytes, std::size_t{toc.sectors_of(i)} * kSectorBytes);
    for (std::size_t at = 0; at < samples.size(); at += 40'000) checks.update(samples.subspan(at, std::min<std::size_t>(40'000, samples.size() - at)));
    checks.finish(out[i]);
    out[i].number = toc.tracks[i].number;
  }
  return out;
}

TEST(Vectors, OfChecksumsAreThosePublished) {
  const Json all = vectors("checksums");
  ASSERT_GE(all.size(), 2u);
  for (const Json& told : all) {
    const Toc toc = toc_of(told);
    DotNetNoise noise(told.at("seed").get<std::int32_t>());
    (void)noise.bytes(told.at("skip_frames").get<std::size_t>() * kFrameBytes);
    const Bytes disc = noise.bytes(static_cast<std::size_t>(toc.lead_out.value) * kSectorBytes);
    const std::vector<RipTrack> tracks = tracks_of(toc, disc);
    if (told.contains("crc32_of_all")) {
      EXPECT_EQ(hex32(crc32(disc)), text_of(told["crc32_of_all"]));
    }
    for (std::size_t i = 0; i < tracks.size() && told.contains("crc32"); ++i) {
      EXPECT_EQ(hex32(tracks[i].crc32), text_of(told["crc32"][i])) << i;
      EXPECT_EQ(hex32(tracks[i].accuraterip_v1), text_of(told.at("accuraterip_v1")[i])) << i;
      EXPECT_EQ(hex32(tracks[i].accuraterip_v2), text_of(told.at("accuraterip_v2")[i])) << i;
    }
    if (told.contains("ctdb")) {
      EXPECT_EQ(hex32(combined_ctdb_crc(tracks)), text_of(told["ctdb"])) << told.at("source");
    }
  }
}

TEST(Vectors, OfCdTextHaveTheirChecksum) {
  for (const Json& told : vectors("cd_text")) {
    const auto text = decode_cd_text(*from_hex(told.at("pack").get<std::string>()));
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->bad_packs, 0u);
  }
}

TEST(Vectors, OfQAreWhatIsWritten) {
  for (const Json& told : vectors("q")) {
    const QBytes q = make_q_position({told.at("control").get<std::uint8_t>(), told.at("track").get<std::uint8_t>(), told.at("index").get<std::uint8_t>(),
                                      told.at("relative").get<std::uint32_t>(), Lba(told.at("at").get<std::int32_t>())});
    EXPECT_EQ(to_hex(BytesView(q).first(10)), text_of(told.at("data")));
    EXPECT_TRUE(q_is_sound(q));
  }
}

TEST(Vectors, OfCommandsAreWhatIsSent) {
  using namespace mmc;
  const Json told = vectors("commands");
  const std::map<std::string, Bytes> sent = {{"test_unit_ready", test_unit_ready()},
                                             {"inquiry", inquiry()},
                                             {"read_toc_0", read_toc(TocFormat::toc, 4096)},
                                             {"read_toc_2", read_toc(TocFormat::full, 4096)},
                                             {"read_toc_5", read_toc(TocFormat::cd_text, 0x9000)},
                                             {"mode_sense_2a", mode_sense_capabilities(128)},
                                             {"mcn", read_sub_channel(SubChannelFormat::mcn, 0)},
                                             {"isrc_of_7", read_sub_channel(SubChannelFormat::isrc, 7)},
                                             {"set_speed_highest", set_speed(0xFFFF)},
                                             {"read_cd_24_at_012345_c2_q", read_cd(Lba(0x012345), 24, {true, true})},
                                             {"read_cd_1_at_minus_1", read_cd(Lba(-1), 1, {})}};
  EXPECT_EQ(told.size(), sent.size());
  for (const auto& [name, bytes] : sent) EXPECT_EQ(to_hex(bytes), told.value(name, "")) << name;
}

}  // namespace
}  // namespace ghost::audiojuggler
