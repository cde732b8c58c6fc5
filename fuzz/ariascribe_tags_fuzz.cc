// A stranger's music file in any format: read, its tags changed, and read again; turned back it is what it was, and sounds the same.
#include <cstdint>

#include "ariascribe/tag_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghost;
  using namespace ghost::ariascribe;
  const MemorySource file(BytesView(data, size));
  const auto tags = read_tags(file);
  if (!tags) return 0;
  std::vector<Tag> wanted = with_values(with_values(*tags, "WORK", {"a work"}), "MOVEMENT", {"2"});
  wanted = with_values(std::move(wanted), "PERFORMER", {"Ann Lee (piano)", "Bo"});
  const auto splices = splices_for(file, wanted);
  if (!splices) return 0;
  const SplicedSource after(file, *splices);
  const auto sound = audio_digest(file), sound_after = audio_digest(after);
  if (sound && (!sound_after || *sound != *sound_after)) __builtin_trap();
  std::vector<Splice> back;
  std::uint64_t moved = 0;
  for (const Splice& each : *splices) {
    back.push_back({each.offset + moved, each.after, each.before});
    moved += each.after.size() - each.before.size();
  }
  const SplicedSource again(after, back);
  const auto bytes = again.read(0, static_cast<std::size_t>(again.size()));
  if (!bytes || *bytes != to_bytes(BytesView(data, size))) __builtin_trap();
  return 0;
}
