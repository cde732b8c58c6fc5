#include "ariascribe/enhancer_service.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace ghost::ariascribe {

namespace {

/// The number at the beginning of "3", "03" and "3/12"; 0 when there is none.
int leading_digits(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Longer values are pictures: of no use here, and many of them would fill the memory.
constexpr std::size_t kLongestKept = 4096;

struct Order {
  int disc, track;
};
Order order_of(const FileProposal& file) { return {leading_digits(first_value(file.file.tags, "DISCNUMBER")), leading_digits(first_value(file.file.tags, "TRACKNUMBER"))}; }

bool is_written(Band band, Reach reach) { return band == Band::apply || (band == Band::review && reach == Reach::apply_and_review); }

void judge_folder(const Matcher& matcher, std::span<FileProposal*> files, Reach reach) {
  AlbumInput album;
  for (const FileProposal* file : files) album.tracks.push_back(track_of_tags(file->file.tags));
  album.album = album.tracks.front().album;
  const auto found = identify_album(matcher, album);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i]->found = found[i];
    if (is_written(found[i].band, reach)) files[i]->changes = tag_changes(files[i]->file.tags, found[i]);
  }
}

}  // namespace

Result<std::vector<FileProposal>> propose(const Matcher& matcher, const std::vector<std::filesystem::path>& places, Reach reach) {
  const auto paths = tagged_files(places);
  if (!paths) return paths.error();
  std::vector<FileProposal> proposals;
  for (const auto& path : *paths) {
    FileProposal& each = proposals.emplace_back();
    each.path = path;
    auto file = read_tags(path);
    if (!file) {
      each.problem = file.error().message;
      continue;
    }
    each.file = std::move(*file);
    std::erase_if(each.file.tags, [](const Tag& tag) { return tag.value.size() > kLongestKept; });
    each.title_before = first_value(each.file.tags, "TITLE");
  }
  std::sort(proposals.begin(), proposals.end(), [](const FileProposal& a, const FileProposal& b) {
    if (a.path.parent_path() != b.path.parent_path()) return a.path.parent_path() < b.path.parent_path();
    const Order first = order_of(a), second = order_of(b);
    if (first.disc != second.disc) return first.disc < second.disc;
    return first.track != second.track ? first.track < second.track : a.path < b.path;
  });
  std::map<std::filesystem::path, std::vector<FileProposal*>> folders;
  for (FileProposal& each : proposals) {
    if (each.problem.empty()) folders[each.path.parent_path()].push_back(&each);
  }
  for (auto& [folder, files] : folders) judge_folder(matcher, files, reach);
  return proposals;
}

Result<CommitSummary> commit(Journal& journal, const std::vector<FileProposal>& proposals) {
  std::vector<Rewrite> files;
  for (const FileProposal& each : proposals) {
    if (each.changes.empty()) continue;
    files.push_back({each.path, each.file.identity, [&](std::vector<Tag> tags) { return with_changes(std::move(tags), each.changes); }});
  }
  if (files.empty()) return CommitSummary{};
  return journal.commit(files);
}

}  // namespace ghost::ariascribe
