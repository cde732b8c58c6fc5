#include "portlight/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/file.h"
#include "portlight/iana_csv.h"

namespace ghost::portlight {
namespace {

const Registry& registry() {
  static const Registry embedded = Registry::embedded();
  return embedded;
}

constexpr std::string_view kHeading =
    "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference,Service "
    "Code,Unauthorized Use Reported,Assignment Notes\n";

TEST(Registry, Knows2256AsPccMfpWhateverIsWrittenElsewhere) {
  for (const Transport transport : {Transport::tcp, Transport::udp}) {
    const Lookup found = registry().lookup(2256, transport);
    ASSERT_EQ(found.status, RegistryStatus::assigned);
    EXPECT_EQ(found.rows[0]->name, "pcc-mfp");
    EXPECT_EQ(found.rows[0]->description, "PCC MFP");
    EXPECT_EQ(found.rows[0]->assignee, "Kunihiko Morota");
    EXPECT_EQ(found.rows[0]->registered, "2005-08");
    EXPECT_TRUE(found.former.empty());
  }
}

TEST(Registry, HasNothingOnTheNumbersThatAreReallyFree) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{1491, 1895, 2194, 2195, 2196, 2693, 2925, 3092, 3126, 3546, 3694}) {
    EXPECT_EQ(registry().lookup(port, Transport::tcp).status, RegistryStatus::unassigned) << port;
  }
}

TEST(Registry, GivesArdusItsFiveNumbers) {
  const std::vector<std::tuple<std::uint16_t, std::string_view, std::string_view>> five = {
      {1115, "ardus-trns", ""}, {1116, "ardus-cntl", ""}, {1117, "ardus-mtrns", "Shinya Abe"}, {1834, "ardusuni", ""}, {1835, "ardusmul", "Toshikatsu Ito"}};
  for (const auto& [port, service, assignee] : five) {
    const Lookup found = registry().lookup(port, Transport::udp);
    ASSERT_EQ(found.names(), std::vector<std::string_view>{service});
    EXPECT_EQ(found.rows[0]->assignee, assignee);
  }
}

TEST(Registry, Remembers2114AsNewheightsBeforeAriascribe) {
  const Lookup found = registry().lookup(2114, Transport::tcp);
  ASSERT_EQ(found.names(), std::vector<std::string_view>{"ariascribe"});
  EXPECT_EQ(found.rows[0]->assignee, "Aria Scribe Software Ltd");
  EXPECT_EQ(found.rows[0]->modified, "2018-02-05");
  ASSERT_EQ(found.former.size(), 1u);
  EXPECT_EQ(found.former[0]->name, "newheights");
  EXPECT_EQ(found.history(), "formerly newheights");
}

TEST(Registry, Has2203WithoutAnAssigneeAnd3643WithOne) {
  EXPECT_EQ(registry().lookup(2203, Transport::tcp).names(), std::vector<std::string_view>{"b2-runtime"});
  EXPECT_EQ(registry().lookup(2203, Transport::tcp).rows[0]->assignee, "");
  const Lookup juggler = registry().lookup(3643, Transport::udp);
  EXPECT_EQ(juggler.names(), std::vector<std::string_view>{"audiojuggler"});
  EXPECT_EQ(juggler.rows[0]->assignee, "Morten Mertner");
  EXPECT_EQ(juggler.rows[0]->registered, "2002-11");
}

TEST(Registry, TellsSeveralReservedDynamicRangesAndWithdrawn) {
  EXPECT_EQ(registry().lookup(80, Transport::tcp).status, RegistryStatus::several);
  EXPECT_EQ(registry().lookup(0, Transport::tcp).status, RegistryStatus::reserved);
  EXPECT_EQ(registry().lookup(230, Transport::udp).status, RegistryStatus::reserved);
  EXPECT_EQ(registry().lookup(49152, Transport::tcp).status, RegistryStatus::dynamic);
  EXPECT_EQ(registry().lookup(6042, Transport::tcp).names(), std::vector<std::string_view>{"x11"});
  EXPECT_EQ(registry().lookup(65535, Transport::udp).status, RegistryStatus::dynamic);
  EXPECT_EQ(registry().lookup(831, Transport::tcp).history(), "withdrawn; once netconf-beep");
  EXPECT_EQ(registry().lookup(631, Transport::tcp).names(), (std::vector<std::string_view>{"ipp", "ipps"}));
}

TEST(Registry, FindsByNameRangeAndWord) {
  ASSERT_EQ(registry().named("B2-Runtime").size(), 1u);
  EXPECT_EQ(registry().named("").size(), 0u);
  std::set<std::string_view> names;
  for (const Registration* row : registry().range(1115, 1117)) names.insert(row->name);
  EXPECT_EQ(names, (std::set<std::string_view>{"ardus-trns", "ardus-cntl", "ardus-mtrns"}));
  EXPECT_EQ(registry().search("classical music").at(0)->first, 2114);
  EXPECT_EQ(registry().search("ssh").at(0)->first, 22);
  EXPECT_FALSE(registry().range(6063, 6063).empty());
  EXPECT_GT(registry().changes().size(), 300u);
}

TEST(Registry, IsTheSameWrittenAndReadAgain) {
  const auto again = Registry::parse(registry().text());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->text(), registry().text());
  EXPECT_EQ(again->rows().size(), registry().rows().size());
}

TEST(Registry, NamesTheLineItCannotRead) {
  const auto broken = Registry::parse("2203\ttcp\t=\tb2-runtime\t\t\t\t\t\t\n70000\ttcp\t=\tx\t\t\t\t\t\t\n");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("line 2"), std::string::npos);
}

TEST(Registry, LaysTheNamesOfTheMachineBesideIana) {
  Registry mine = Registry::embedded();
  mine.add_overlay("# comment\nhouse-music 2194/tcp  # ours\nbroken\nworse x/tcp\n\nb2\t2203/tcp\n");
  const Lookup found = mine.lookup(2194, Transport::tcp);
  EXPECT_EQ(found.status, RegistryStatus::unassigned);
  ASSERT_EQ(found.overlay.size(), 1u);
  EXPECT_EQ(found.overlay[0]->name, "house-music");
  EXPECT_EQ(mine.lookup(2203, Transport::tcp).overlay.at(0)->name, "b2");
}

TEST(Registry, TakesANewerCsvAndKeepsWhatItReplaces) {
  const auto old = Registry::parse("10\ttcp,udp\t=\tone\tOne\t\t\t\t\t\n11\ttcp\t=\tkept\tKept\t\t\t\t\t\n12\ttcp\t-\tlong-gone\tGone\t\t\t\t\t\n13\ttcp\t=\t\tReserved\t\t\t\t\t\n");
  ASSERT_TRUE(old);
  const auto fresh = old->updated_from_csv(std::string(kHeading) +
                                           "two,10,tcp,Two,[Some_Body],,2026-01-02,,,,,\"a note, with\ncomma\"\r\n"
                                           "kept,11,tcp,Kept still,,,,,[RFC1],,,\n,13,tcp,Unassigned,,,,,,,,\nnumberless,,,,,,,,,,,\nrun,20-29,,Run,,,,,,,,\n");
  ASSERT_TRUE(fresh) << fresh.error().message;
  const Lookup ten = fresh->lookup(10, Transport::tcp);
  EXPECT_EQ(ten.names(), std::vector<std::string_view>{"two"});
  EXPECT_EQ(ten.history(), "formerly one");
  EXPECT_EQ(ten.rows[0]->assignee, "Some Body");
  EXPECT_EQ(ten.rows[0]->note, "a note, with comma");
  EXPECT_EQ(fresh->lookup(10, Transport::udp).history(), "withdrawn; once one");
  EXPECT_EQ(fresh->lookup(11, Transport::tcp).rows.at(0)->reference, "RFC1");
  EXPECT_EQ(fresh->lookup(11, Transport::tcp).rows.at(0)->era, Era::always);
  EXPECT_EQ(fresh->lookup(12, Transport::tcp).former.at(0)->name, "long-gone");
  EXPECT_EQ(fresh->lookup(13, Transport::tcp).status, RegistryStatus::unassigned);
  EXPECT_EQ(fresh->lookup(25, Transport::udp).names(), std::vector<std::string_view>{"run"});
}

TEST(IanaCsv, SaysWhatIsWrongAndWhere) {
  const auto message = [](std::string_view rows) {
    const auto parsed = parse_iana_csv(std::string(kHeading) + std::string(rows));
    return parsed ? std::string("fine") : parsed.error().message;
  };
  EXPECT_EQ(message("x,1,tcp,,,,,,,,,\ny,70000,tcp,,,,,,,,,\n"), "line 3: '70000' is no port number from 0 to 65535");
  EXPECT_EQ(message("x,9-3,tcp,,,,,,,,,\n"), "line 2: '9-3' is no port number from 0 to 65535");
  EXPECT_EQ(message("x,1,tcp\n"), "line 2: 3 fields, expected 12");
  EXPECT_EQ(message("x,1,tcp,\"open\n"), "line 3: a quoted field is not closed");
  EXPECT_EQ(message("x,1,tcp,\"a\"b,,,,,,,,\n"), "line 2: something stands between a closing quote and the comma");
  EXPECT_EQ(message("x,1,tcp," + std::string(9'000, 'd') + ",,,,,,,,\n"), "line 2: a field longer than 8 KB");
  EXPECT_EQ(message(""), "no row has a port number");
  EXPECT_NE(parse_iana_csv("<html>").error().message.find("line 1: not IANA's"), std::string::npos);
}

/// The edition of IANA's file that GHOSTLIGHT_DATA names, against ours. Editions differ by a few rows a month.
TEST(Registry, AgreesWithIanasOwnFile) {
  const char* folder = std::getenv("GHOSTLIGHT_DATA");
  if (folder == nullptr) GTEST_SKIP() << "GHOSTLIGHT_DATA names no folder with iana-service-names-port-numbers.csv";
  const auto csv = read_file(std::filesystem::path(folder) / "iana-service-names-port-numbers.csv", 16 * 1024 * 1024);
  ASSERT_TRUE(csv) << csv.error().message;
  const auto rows = parse_iana_csv(*csv);
  ASSERT_TRUE(rows) << rows.error().message;
  std::size_t named = 0, same = 0, kept_fields = 0;
  for (const CsvRow& row : *rows) {
    const auto transport = parse_transport(row.transport);
    if (row.name.empty() || !transport) continue;
    ++named;
    for (const Registration* ours : registry().lookup(row.first, *transport).rows) {
      if (ours->name != row.name || ours->last != row.last) continue;
      ++same;
      if (ours->era == Era::always && (ours->registered.empty() || row.registered.empty() || ours->registered == row.registered)) ++kept_fields;
      break;
    }
  }
  EXPECT_GT(named, 11'000u);
  EXPECT_GE(static_cast<double>(same), 0.995 * static_cast<double>(named)) << same << " of " << named;
  EXPECT_GE(static_cast<double>(kept_fields), 0.94 * static_cast<double>(named)) << kept_fields << " of " << named;

  const auto updated = registry().updated_from_csv(*csv);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(updated->lookup(2114, Transport::tcp).history(), "formerly newheights");
  EXPECT_EQ(updated->lookup(2114, Transport::tcp).rows.at(0)->assignee, "Aria Scribe Software Ltd");
}

}  // namespace
}  // namespace ghost::portlight
