#include "portlight/package_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <sstream>

#include "base/file.h"

namespace ghost::portlight {

namespace {

constexpr std::size_t kLongestList = 16 * 1024 * 1024, kLongestCache = 4 * 1024 * 1024, kMostKnown = 10'000;
constexpr std::string_view kCacheHeading = "portlight packages 1\n";

/// Device, inode, times and length: other bytes mean another stamp (ctime can't be set by hand).
std::string stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return "";
  std::ostringstream text;
  text << facts.st_dev << ':' << facts.st_ino << ':' << facts.st_size << ':' << facts.st_mtim.tv_sec << '.' << facts.st_mtim.tv_nsec << ':'
       << facts.st_ctim.tv_sec << '.' << facts.st_ctim.tv_nsec;
  return text.str();
}

/// How a package may have listed the file: /usr/bin/x as /bin/x on a system with merged /usr.
std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names = {path};
  for (const std::string_view top : {"/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/"}) {
    if (path.starts_with(top)) names.push_back(path.substr(4));
    if (path.starts_with(top.substr(4))) names.push_back("/usr" + path);
  }
  return names;
}

std::optional<std::string> md5_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!file || !context || EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1) return std::nullopt;
  std::vector<std::uint8_t> buffer(256 * 1024);
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(count));
  }
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  return to_hex(BytesView(digest).first(length));
}

bool has_line(std::string_view text, std::string_view line) {
  for (auto at = text.find(line); at != std::string_view::npos; at = text.find(line, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == '\n';
    const auto end = at + line.size();
    if (begins && (end == text.size() || text[end] == '\n')) return true;
  }
  return false;
}

/// What NAME.md5sums says of the file, "" when nothing.
std::string listed_md5(const std::filesystem::path& sums, const std::vector<std::string>& names) {
  const auto text = read_file(sums, kLongestList);
  if (!text) return "";
  for (const std::string& path : names) {
    const std::string wanted = "  " + path.substr(1) + "\n";
    const auto at = text->find(wanted);
    if (at != std::string::npos && at >= 32) return text->substr(at - 32, 32);
  }
  return "";
}

struct Wanted {
  std::string path;
  std::vector<std::string> names;
  PackageService::Found found;
};

void verify(const std::filesystem::path& database, const std::string& package, Wanted& wanted) {
  const std::string listed = listed_md5(database / (package + ".md5sums"), wanted.names);
  const auto measured = listed.empty() ? std::nullopt : md5_of(wanted.path);
  wanted.found.package = package.substr(0, package.find(':'));
  wanted.found.status = !measured             ? OwnerStatus::package_unverified
                        : *measured == listed ? OwnerStatus::package_verified
                                              : OwnerStatus::package_modified;
}

void search(const std::filesystem::path& database, std::vector<Wanted>& wanted) {
  std::error_code failed;
  std::filesystem::directory_iterator at(database, failed), end;
  for (; !failed && at != end; at.increment(failed)) {
    if (at->path().extension() != ".list") continue;
    const auto list = read_file(at->path(), kLongestList);
    if (!list) continue;
    for (Wanted& file : wanted) {
      if (!file.found.package.empty()) continue;
      const bool here = std::any_of(file.names.begin(), file.names.end(), [&](const std::string& listed) { return has_line(*list, listed); });
      if (here) verify(database, at->path().stem().string(), file);
    }
  }
}

}  // namespace

PackageService::PackageService(std::filesystem::path database, std::filesystem::path cache) : database_(std::move(database)), cache_(std::move(cache)) { load(); }

void PackageService::load() {
  if (cache_.empty()) return;
  const auto text = read_file(cache_, kLongestCache);
  if (!text || !text->starts_with(kCacheHeading)) return;
  std::istringstream lines(text->substr(kCacheHeading.size()));
  Known known;
  int status = 0;
  for (std::string path; lines >> known.stamp >> status >> known.found.package && std::getline(lines.ignore(1), path);) {
    if (status < 0 || status > static_cast<int>(OwnerStatus::unpackaged)) continue;
    known.found.status = static_cast<OwnerStatus>(status);
    if (known.found.package == "-") known.found.package.clear();
    known_[path] = known;
  }
}

void PackageService::save() const {
  if (cache_.empty()) return;
  std::string text(kCacheHeading);
  for (const auto& [path, known] : known_) {
    if (path.find('\n') != std::string::npos) continue;
    text += known.stamp + " " + std::to_string(static_cast<int>(known.found.status)) + " " + (known.found.package.empty() ? "-" : known.found.package) + " " + path + "\n";
  }
  // Without it the next look-up takes longer, and that is all.
  if (const Status made = make_directories(cache_.parent_path(), 0700); !made) return;
  (void)write_file_atomically(cache_, as_bytes(text), 0600);
}

std::map<std::string, PackageService::Found> PackageService::look_up(const std::vector<std::string>& files) {
  std::map<std::string, Found> answer;
  std::vector<Wanted> wanted;
  std::map<std::string, std::string> stamps;
  for (const std::string& path : files) {
    const std::string stamp = stamp_of(path);
    if (stamp.empty() || stamps.count(path) != 0 || answer.count(path) != 0) continue;
    const auto known = known_.find(path);
    if (known != known_.end() && known->second.stamp == stamp) answer[path] = known->second.found;
    else wanted.push_back({path, names_of(path), {}}), stamps[path] = stamp;
  }
  if (wanted.empty()) return answer;
  search(database_, wanted);
  if (known_.size() > kMostKnown) known_.clear();
  for (const Wanted& file : wanted) {
    answer[file.path] = file.found;
    known_[file.path] = {stamps[file.path], file.found};
  }
  save();
  return answer;
}

}  // namespace ghost::portlight
