#include "audiojuggler/grab_folder_service.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "audiojuggler/formats/output_file_service.h"

namespace ghost::audiojuggler {

namespace {

constexpr std::size_t kMaxRecord = 16 * 1024 * 1024;

bool is_there(const std::filesystem::path& path) {
  struct stat stat {};
  return ::lstat(path.c_str(), &stat) == 0;
}

}  // namespace

std::string GrabIdentity::text() const {
  std::string out = format + " offset " + std::to_string(offset) + "\n";
  for (const Track& track : toc.tracks) out += std::to_string(track.number) + " " + std::to_string(track.start.value) + (track.audio ? " audio\n" : " data\n");
  out += "end " + std::to_string(toc.lead_out.value) + "\n";
  for (const std::string& file : files) out += file + "\n";
  return out;
}

Status GrabFolder::check_free(const GrabIdentity& identity) const {
  std::vector<std::string> names = {"rip.json", "rip.log", "disc.cue"};
  names.insert(names.end(), identity.files.begin(), identity.files.end());
  for (const std::string& name : names) {
    if (!is_there(folder_ / name)) continue;
    if (name == "rip.json") {
      return Error{Errc::exists, folder_.string() + " holds a finished grab (rip.json); 'audiojuggler verify " + folder_.string() + "' checks it, another folder takes this one"};
    }
    return Error{Errc::exists, (folder_ / name).string() + " is there already and is not overwritten; choose another folder"};
  }
  return {};
}

Result<GrabFolder> GrabFolder::open(const std::filesystem::path& folder, const GrabIdentity& identity) {
  if (const Status made = make_target_folder(folder); !made) return made.error();
  const std::filesystem::path work = folder / ".grab";
  const bool goes_on = is_there(work);
  if (!goes_on && ::mkdir(work.c_str(), 0755) != 0 && errno != EEXIST) return write_error(errno, work);
  auto lock = FileLock::acquire(work / "lock");
  if (!lock) return lock.error().code == Errc::busy ? lock.error().in("another grab into " + folder.string() + " is under way") : lock.error();
  GrabFolder out(folder, std::move(*lock));
  const std::filesystem::path identity_file = work / "of";
  if (goes_on && is_there(identity_file)) {
    const auto before = read_file(identity_file, kMaxRecord);
    if (!before) return before.error();
    if (*before != identity.text()) {
      return Error{Errc::conflict, folder.string() + " holds an unfinished grab of another disc, or by other options; go on with that one, remove " + work.string() + ", or choose another folder"};
    }
    return out;
  }
  if (const Status free = out.check_free(identity); !free) {
    std::error_code ignored;
    std::filesystem::remove_all(work, ignored);
    return free.error();
  }
  if (const Status written = write_file_atomically(identity_file, as_bytes(identity.text())); !written) return written.error();
  return out;
}

std::optional<RipTrack> GrabFolder::finished(unsigned number) const {
  const auto text = read_file(record(number), kMaxRecord);
  if (!text) return std::nullopt;
  auto track = parse_track_json(*text);
  if (!track || track->number != number) return std::nullopt;
  if (track->file.empty() || is_there(named(track->file))) return std::move(*track);
  // It ended between keeping the record and giving the name.
  if (is_there(unnamed(number)) && rename_without_replacing(unnamed(number), named(track->file))) return std::move(*track);
  return std::nullopt;
}

Status GrabFolder::finish_track(const RipTrack& track) {
  if (const Status kept = write_file_atomically(record(track.number), as_bytes(track_json(track))); !kept) return kept;
  if (!track.file.empty()) {
    if (const Status named_it = rename_without_replacing(unnamed(track.number), named(track.file)); !named_it) return named_it;
  }
  ::unlink(samples(track.number).c_str());
  ::unlink(evidence(track.number).c_str());
  return {};
}

Status GrabFolder::finish(const Rip& rip) {
  const std::vector<std::pair<std::string, std::string>> documents = {{"disc.cue", rip_cue(rip)}, {"rip.log", rip_log(rip)}, {"rip.json", rip_json(rip)}};
  for (const auto& [name, text] : documents) {
    // Made in .grab/, which goes as a whole: a kill right here leaves nothing beside the tracks. One stopped here before has moved
    // some of them already, so a file of that name is replaced.
    if (const Status written = write_file_atomically(work_ / name, as_bytes(text)); !written) return written;
    if (::rename((work_ / name).c_str(), (folder_ / name).c_str()) != 0) return write_error(errno, folder_ / name);
  }
  std::error_code failed;
  std::filesystem::remove_all(work_, failed);
  if (failed) return Error{Errc::io, "remove " + work_.string() + ": " + failed.message()};
  return {};
}

}  // namespace ghost::audiojuggler
