#include "ariascribe/audit_service.h"

#include "ariascribe/tag_reader_service.h"

namespace ghost::ariascribe {

Result<AuditSummary> audit_places(const Knowledge& knowledge, const std::vector<std::filesystem::path>& places, const AuditListener& listener) {
  const auto paths = tagged_files(places, [&] { return !listener.go_on || listener.go_on(0); });
  if (!paths) return paths.error();
  if (paths->empty()) return Error{Errc::not_found, "there is no file of FLAC, Ogg Vorbis, Opus, MP3, M4A, WavPack, AIFF or WAV at " + (places.empty() ? "no place" : places.front().string())};
  Audit audit(knowledge.repertoire, knowledge.matcher.performers());
  AuditSummary summary;
  std::string folder;
  std::vector<Audit::Track> tracks;
  const auto tell = [&](const std::vector<Finding>& found) {
    for (const Finding& each : found) listener.on_finding(each);
    summary.findings += found.size();
  };
  const auto close = [&] {
    if (!tracks.empty()) tell(audit.add_folder(folder, tracks));
    tracks.clear();
  };
  for (const auto& path : *paths) {
    const std::string parent = path.parent_path().string();
    if (parent != folder) close();
    folder = parent;
    ++summary.files;
    auto file = read_tags(path);
    if (file) {
      tracks.push_back({path.string(), std::move(file->tags)});
    } else {
      ++summary.unread;
      listener.on_unread(path, file.error());
    }
    if (listener.go_on && !listener.go_on(summary.files)) return Error{Errc::cancelled, "the audit was stopped"};
  }
  close();
  tell(audit.finish());
  return summary;
}

}  // namespace ghost::ariascribe
