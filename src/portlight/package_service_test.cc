#include "portlight/package_service.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::portlight {
namespace {

void put(const std::filesystem::path& path, std::string_view text) { ASSERT_TRUE(write_file_atomically(path, as_bytes(text))); }

TEST(Packages, TellVerifiedModifiedAndUnpackaged) {
  const TestDirectory directory;
  const std::filesystem::path root = directory.path(), database = root / "info";
  ASSERT_TRUE(make_directories(database));
  for (const char* program : {"good", "changed", "bare", "alien"}) put(root / program, program);
  const std::string place = root.string() + "/";
  put(database / "tools:amd64.list", "/.\n" + place + "good\n" + place + "changed\n" + place + "bare\n");
  // md5 of "good", and of something that "changed" is not.
  put(database / "tools:amd64.md5sums", "755f85c2723bb39381c7379a604160d8  " + (place + "good").substr(1) + "\n00000000000000000000000000000000  " + (place + "changed").substr(1) + "\n");
  put(database / "other.list", place + "good2\n" + place + "alienated\n");

  PackageService packages(database, root / "cache" / "packages");
  const auto found = packages.look_up({place + "good", place + "changed", place + "bare", place + "alien", place + "absent"});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found.at(place + "good").status, OwnerStatus::package_verified);
  EXPECT_EQ(found.at(place + "good").package, "tools");
  EXPECT_EQ(found.at(place + "changed").status, OwnerStatus::package_modified);
  EXPECT_EQ(found.at(place + "bare").status, OwnerStatus::package_unverified);
  EXPECT_EQ(found.at(place + "alien").status, OwnerStatus::unpackaged);

  // Remembered in the file, for as long as the program's own file stays as it is.
  PackageService again("/nowhere", root / "cache" / "packages");
  EXPECT_EQ(again.look_up({place + "good"}).at(place + "good").status, OwnerStatus::package_verified);
  put(root / "good", "worse");
  EXPECT_EQ(again.look_up({place + "good"}).at(place + "good").status, OwnerStatus::unpackaged);
}

}  // namespace
}  // namespace ghost::portlight
