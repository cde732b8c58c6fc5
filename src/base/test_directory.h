#pragma once
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/random.h"

namespace ghost {

/// For tests: an empty directory of its own, 0700, gone with all that is in it when the test ends.
class TestDirectory {
 public:
  TestDirectory() {
    std::array<std::uint8_t, 8> salt{};
    random_bytes(salt);
    path_ = std::filesystem::temp_directory_path() / ("ghost-test-" + to_hex(salt));
    std::filesystem::create_directory(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace ghost
