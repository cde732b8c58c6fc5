#include "ardus/path_rules.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>

#include "base/text.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kLongestPart = 255;
constexpr std::size_t kLongestPath = 4096;

Error bad_path(std::string_view path, std::string_view why) {
  return {Errc::malformed, "path '" + printable(path.substr(0, 200)) + "': " + std::string(why)};
}

Status check_part(std::string_view path, std::string_view part) {
  if (part.empty()) return bad_path(path, "it is absolute, ends with a slash, or has two in a row");
  if (part == "." || part == "..") return bad_path(path, "'" + std::string(part) + "' could lead out of the target folder");
  if (part.size() > kLongestPart) return bad_path(path, "a part of it is longer than 255 bytes");
  return {};
}

std::string folded(std::string_view path) {
  if (std::all_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    std::string lower(path);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return lower;
  }
  utf8proc_uint8_t* made = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(path.data()), static_cast<utf8proc_ssize_t>(path.size()), &made, options);
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(made, std::free);
  if (size < 0) return std::string(path);  // no UTF-8: nothing folds it
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

}  // namespace

Status check_path(std::string_view path) {
  if (path.empty()) return bad_path(path, "it is empty");
  if (path.size() > kLongestPath) return bad_path(path, "it is longer than 4096 bytes");
  if (path.find('\0') != std::string_view::npos) return bad_path(path, "it holds a NUL");
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    if (Status checked = check_part(path, part); !checked) return checked;
    if (at == 0 && part == kStagingName) return bad_path(path, "'.ardus' belongs to the receiver");
    at = slash + 1;
  }
  return {};
}

bool path_less(std::string_view a, std::string_view b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)); };
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] != b[i]) return rank(a[i]) < rank(b[i]);
  }
  return a.size() < b.size();
}

Status TreeOrder::add(EntryKind kind, std::string_view path) {
  if (Status checked = check_path(path); !checked) return checked;
  if (!last_.empty() && path == last_) return bad_path(path, "it is there twice");
  if (!last_.empty() && !path_less(last_, path)) return bad_path(path, "it is out of order, after '" + printable(last_.substr(0, 200)) + "'");
  const std::size_t slash = path.rfind('/');
  const std::string_view parent = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  while (!folders_.empty() && folders_.back() != parent) {
    if (parent.starts_with(folders_.back()) && parent.size() > folders_.back().size() && parent[folders_.back().size()] == '/') break;
    folders_.pop_back();
  }
  if (!parent.empty() && (folders_.empty() || folders_.back() != parent)) {
    return bad_path(path, "'" + printable(parent.substr(0, 200)) + "', which it would be in, is no folder of this manifest");
  }
  if (kind == EntryKind::directory) folders_.emplace_back(path);
  last_ = path;
  return {};
}

std::vector<std::pair<std::string, std::string>> case_collisions(std::span<const std::string_view> paths) {
  // By hashes: the folded paths of a million files would take as much room again as the paths.
  std::vector<std::pair<std::size_t, std::size_t>> hashes;
  hashes.reserve(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) hashes.emplace_back(std::hash<std::string>()(folded(paths[i])), i);
  std::sort(hashes.begin(), hashes.end());
  std::vector<std::pair<std::string, std::string>> collisions;
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i].first != hashes[i - 1].first) continue;
    const std::string_view a = paths[hashes[i - 1].second], b = paths[hashes[i].second];
    if (folded(a) == folded(b)) collisions.emplace_back(a, b);
  }
  return collisions;
}

}  // namespace ghost::ardus
