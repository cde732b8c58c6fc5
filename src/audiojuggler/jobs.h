#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audiojuggler/disc.h"
#include "base/bytes.h"
#include "base/time.h"

namespace ghost::audiojuggler {

enum class JobKind : std::uint8_t { grab, convert, verify };
enum class JobState : std::uint8_t { queued, running, done, failed, cancelled };
std::string_view name(JobKind kind);
std::string_view name(JobState state);
constexpr bool has_ended(JobState state) { return state >= JobState::done; }

/// What a job has made of one track or file.
struct JobTrack {
  unsigned number = 0;
  std::string file = {};         ///< absolute, "" until written
  std::string title = {};
  double seconds = 0;            ///< of sound, known once the file is written
  std::uint32_t sectors = 0, sectors_done = 0;
  std::uint32_t crc32 = 0, accuraterip_v1 = 0, accuraterip_v2 = 0;
  std::uint32_t doubts = 0;
  bool verified = false;
  Bytes peaks = {};
  std::string sha256 = {};
};

struct Job {
  std::uint64_t id = 0;
  JobKind kind = JobKind::grab;
  JobState state = JobState::queued;
  std::uint64_t number = 1;      ///< of this state of it: rises with every change
  std::string source, into;
  std::optional<Disc> disc = {};
  std::uint64_t done = 0, total = 0;
  TimePoint started{}, changed{};
  std::vector<JobTrack> tracks = {};
  std::uint32_t ctdb_crc = 0;
  std::string error = {};
  std::uint64_t sectors_read = 0;

  double seconds() const { return std::chrono::duration<double>(changed - started).count(); }
  JobTrack& track(unsigned number_of_it);  ///< made where it is missing, in order
};

/// The jobs of a daemon, those that have ended too, as long as there are not too many. Pure; time comes in.
class JobTable {
 public:
  static constexpr std::size_t kMostRunning = 16;
  static constexpr std::size_t kMostEnded = 100;

  /// A queued one; exhausted when too many wait or run, conflict when one that has not ended works on the same folder.
  Result<std::uint64_t> add(JobKind kind, std::string source, std::string into, TimePoint now);
  const Job* find(std::uint64_t id) const;
  /// Changes a job that has not ended, and numbers its state. False when there is none.
  bool update(std::uint64_t id, const std::function<void(Job&)>& change, TimePoint now);
  /// Ends it: done, cancelled, or failed with the message.
  bool end(std::uint64_t id, const Status& outcome, TimePoint now);
  const std::map<std::uint64_t, Job>& all() const { return jobs_; }

 private:
  void forget_oldest();

  std::map<std::uint64_t, Job> jobs_;
  std::uint64_t next_ = 1;
};

}  // namespace ghost::audiojuggler
