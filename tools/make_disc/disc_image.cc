#include "disc_image.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <optional>
#include <thread>

#include "base/file.h"
#include "cue_text.h"
#include "mastering.h"
#include "score_parser.h"
#include "synth.h"

namespace ghost::disc {

namespace {

constexpr std::size_t kBytesPerSector = 2'352;
constexpr std::size_t kMostSectors = 80 * 60 * 75;  ///< what fits on a disc
static_assert(std::endian::native == std::endian::little, "a BIN holds little-endian samples, and they are written as they are");

/// What becomes of one track: read first, rendered by one of the threads.
struct Work {
  const PlannedTrack* plan = nullptr;
  std::string title, composer;
  Performance performance;
  Pcm pcm;
  Status done;
};

Result<Work> prepare(const PlannedTrack& track, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / track.score;
  const auto text = read_file(path, 2 * 1024 * 1024);
  if (!text) return text.error();
  auto score = parse_score(*text);
  if (!score) return score.error().in(path.string());
  auto performance = perform(*score);
  if (!performance) return performance.error().in(path.string());
  return Work{&track, std::move(score->title), std::move(score->composer), std::move(*performance), {}, {}};
}

void render(Work& work, std::uint32_t number, const std::filesystem::path& sound_font) {
  const auto samples = synthesise(work.performance, sound_font);
  if (!samples) work.done = samples.error().in(work.plan->score);
  else work.pcm = master(*samples, work.plan->peak_dbfs, number);
}

/// Longest first, so that no thread is left alone with a long one at the end.
void render_all(std::vector<Work>& works, const Order& order) {
  std::vector<std::size_t> turns(works.size());
  for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = i;
  std::ranges::sort(turns, {}, [&](std::size_t i) { return std::pair(-works[i].performance.length, i); });
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < order.jobs; ++i)
    threads.emplace_back([&] {
      for (std::size_t turn = next++; turn < turns.size(); turn = next++)
        render(works[turns[turn]], static_cast<std::uint32_t>(turns[turn] + 1), order.sound_font);
    });
}

std::uint32_t sectors_of(const Work& work) { return static_cast<std::uint32_t>(work.pcm.size() / (2 * kFramesPerSector)); }

double dbfs(double level) { return 20 * std::log10(std::max(level, 1.0) / 32'768); }

MadeTrack measure(const Work& work, int number) {
  double peak = 0, squares = 0;
  for (const std::int16_t sample : work.pcm) {
    peak = std::max(peak, std::abs(static_cast<double>(sample)));
    squares += static_cast<double>(sample) * sample;
  }
  const double rms = std::sqrt(squares / static_cast<double>(work.pcm.size()));
  return {number, work.title, work.composer, sectors_of(work), dbfs(peak), dbfs(rms)};
}

Bytes image_of(const std::vector<Work>& works) {
  std::size_t sectors = 0;
  for (const Work& work : works) sectors += work.plan->pregap + sectors_of(work);
  Bytes image;
  image.reserve(sectors * kBytesPerSector);
  for (const Work& work : works) {
    image.resize(image.size() + work.plan->pregap * kBytesPerSector, 0);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(work.pcm.data());
    image.insert(image.end(), bytes, bytes + work.pcm.size() * sizeof(std::int16_t));
  }
  return image;
}

Status write(const DiscPlan& plan, const std::vector<Work>& works, const std::filesystem::path& into) {
  std::vector<std::uint32_t> sectors;
  for (const Work& work : works) sectors.push_back(sectors_of(work));
  const auto sheet = cue_text(plan, sectors, "demo.bin", CdText::yes);
  if (!sheet) return sheet.error();
  const auto bare = cue_text(plan, sectors, "demo.bin", CdText::no);
  if (!bare) return bare.error();
  const Bytes image = image_of(works);
  if (image.size() > kMostSectors * kBytesPerSector) return Error{Errc::exhausted, "the tracks do not fit on a disc of 80 minutes"};
  if (Status done = make_directories(into); !done) return done;
  if (Status done = write_file_atomically(into / "demo.bin", image); !done) return done;
  if (Status done = write_file_atomically(into / "demo-bare.cue", as_bytes(*bare)); !done) return done;
  return write_file_atomically(into / "demo.cue", as_bytes(*sheet));
}

}  // namespace

Result<std::vector<MadeTrack>> make_disc_image(const Order& order) {
  const auto text = read_file(order.plan, 256 * 1024);
  if (!text) return text.error();
  const auto plan = parse_disc_plan(*text);
  if (!plan) return plan.error().in(order.plan.string());
  std::error_code missing;
  if (!std::filesystem::exists(order.sound_font, missing))
    return Error{Errc::not_found, order.sound_font.string() + ": no such sound font; install fluid-soundfont-gm or name one with --font"};
  std::vector<Work> works;
  for (const PlannedTrack& track : plan->tracks) {
    auto work = prepare(track, order.plan.parent_path());
    if (!work) return work.error();
    works.push_back(std::move(*work));
  }
  render_all(works, order);
  std::vector<MadeTrack> made;
  for (const Work& work : works) {
    if (!work.done) return work.done.error();
    made.push_back(measure(work, static_cast<int>(made.size() + 1)));
  }
  if (Status done = write(*plan, works, order.into); !done) return done.error();
  return made;
}

}  // namespace ghost::disc
