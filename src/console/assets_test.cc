#include "console/assets.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <regex>
#include <string>

#include "console/embedded_files.h"

namespace ghost::console {
namespace {

std::string unpacked(const Asset& asset) {
  std::string text(asset.size + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = const_cast<Bytef*>(asset.gzip.data());
  stream.avail_in = static_cast<uInt>(asset.gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

TEST(ConsoleAssets, TheRootIsThePage) {
  const auto page = find_asset("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(page->immutable);
  EXPECT_TRUE(unpacked(*page).starts_with("<!doctype html>"));
  EXPECT_EQ(find_asset("/index.html")->etag, page->etag);
}

TEST(ConsoleAssets, EveryFileThePageNamesIsThereAndMayBeKept) {
  const std::string page = unpacked(*find_asset("/"));
  const std::regex name("(?:src|href)=\"(/[^\"]+)\"");
  int files = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), name), end; at != end; ++at, ++files) {
    const auto asset = find_asset((*at)[1].str());
    ASSERT_TRUE(asset) << (*at)[1];
    EXPECT_TRUE(asset->immutable) << (*at)[1];
  }
  EXPECT_GE(files, 3);  // script, style, icon
}

TEST(ConsoleAssets, EveryFileUnpacksToItsSizeAndHasATagOfItsOwn) {
  std::string_view before;
  for (const auto& file : embedded_files()) {
    EXPECT_EQ(unpacked(file.asset).size(), file.asset.size) << file.path;
    EXPECT_NE(file.asset.etag, before) << file.path;
    EXPECT_EQ(file.asset.etag.size(), 18u) << file.path;
    EXPECT_EQ(find_asset(file.path)->etag, file.asset.etag);
    before = file.asset.etag;
  }
}

TEST(ConsoleAssets, TheWholeConsoleIsAtMostSixtyKilobytes) {
  std::size_t bytes = 0;
  for (const auto& file : embedded_files()) bytes += file.asset.gzip.size();
  EXPECT_LE(bytes, 60'000u);
}

TEST(ConsoleAssets, WhatIsNotThereIsNothing) {
  for (const auto* path : {"", "//", "/nodes", "/assets", "/assets/", "/../index.html", "index.html"}) EXPECT_FALSE(find_asset(path)) << path;
}

}  // namespace
}  // namespace ghost::console
