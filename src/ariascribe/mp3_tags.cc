#include "ariascribe/mp3_tags.h"

#include <algorithm>
#include <optional>

#include "ariascribe/ape_tags.h"
#include "ariascribe/id3_tags.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kLookedAt = 16 * 1024, kId3v1Bytes = 128;
/// Tags at the end that guard a write have at most this.
constexpr std::uint64_t kMaxGuard = 1024 * 1024;

/// Bytes of the layer III frame whose header this is; nothing for what is none (ISO 11172-3, 13818-3 and 2.5).
std::optional<std::size_t> frame_length(BytesView header) {
  const bool sync = header[0] == 0xff && (header[1] & 0xe0) == 0xe0;
  const int version = header[1] >> 3 & 3, layer = header[1] >> 1 & 3, rate = header[2] >> 4, sampling = header[2] >> 2 & 3;
  if (!sync || version == 1 || layer != 1 || rate == 0 || rate == 15 || sampling == 3) return std::nullopt;
  constexpr int kFirst[] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, kSecond[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
  constexpr int kSampling[] = {44100, 48000, 32000};
  const bool first = version == 3;
  const int kilobits = first ? kFirst[rate] : kSecond[rate], hertz = kSampling[sampling] / (first ? 1 : version == 2 ? 2 : 4);
  return static_cast<std::size_t>((first ? 144 : 72) * 1000 * kilobits / hertz + (header[2] >> 1 & 1));
}

/// What the tags at the end say, APE before ID3v1.
Result<std::vector<Tag>> tags_at_end(const ByteSource& file) {
  const auto ape = parse_ape(file);
  if (!ape) return ape.error();
  if (!ape->items.empty()) return ape_tags(*ape);
  if (ape->end == file.size()) return std::vector<Tag>{};
  const auto last = file.read(ape->end, kId3v1Bytes);
  if (!last) return last.error();
  return id3v1_tags(*last);
}

}  // namespace

bool is_mp3(const ByteSource& file, std::uint64_t offset) {
  if (offset >= file.size()) return false;
  const auto bytes = file.read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(kLookedAt, file.size() - offset)));
  if (!bytes) return false;
  const BytesView view(*bytes);
  for (std::size_t at = 0; at + 4 <= view.size(); ++at) {
    const auto length = frame_length(view.subspan(at));
    if (!length || *length < 4) continue;
    const std::size_t next = at + *length;
    // One alone may be chance, unless it stands where it should.
    if (next + 4 <= view.size() ? frame_length(view.subspan(next)).has_value() : at == 0) return true;
  }
  return false;
}

Result<std::vector<Tag>> mp3_tags(const ByteSource& file) {
  const auto tag = parse_id3(file, 0, Id3Load::texts);
  if (!tag) return tag.error();
  return tag->size > 0 ? Result<std::vector<Tag>>(id3_tags(*tag)) : tags_at_end(file);
}

Result<std::vector<Splice>> mp3_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  auto tag = parse_id3(file, 0, Id3Load::all);
  if (!tag) return tag.error();
  auto before = file.read(0, static_cast<std::size_t>(tag->size));
  if (!before) return before.error();
  set_id3_tags(*tag, names_that_differ(id3_tags(*tag), tags), tags);
  auto after = id3_bytes(*tag, before->size());
  if (!after) return after.error();
  std::vector<Splice> splices = {{0, std::move(*before), std::move(*after)}};
  if (const auto ape = parse_ape(file); ape && ape->offset < file.size() && ape->offset >= tag->size && file.size() - ape->offset <= kMaxGuard) {
    auto guard = file.read(ape->offset, static_cast<std::size_t>(file.size() - ape->offset));
    if (!guard) return guard.error();
    splices.push_back({ape->offset, *guard, *guard});
  }
  return splices;
}

}  // namespace ghost::ariascribe
