#include "portlight/verdict.h"

#include <gtest/gtest.h>

namespace ghost::portlight {
namespace {

using R = RegistryStatus;
using I = IdentityStatus;
using O = OwnerStatus;
using E = Exposure;
using N = Novelty;
using V = Verdict;

struct Row {
  Axes axes;
  Verdict expected;
};

/// The table of docs/spec/portlight.md §6.
const std::vector<Row> kTable = {
    {{R::assigned, I::confirmed, O::package_verified, E::any, N::none}, V::ok},
    {{R::assigned, I::confirmed, O::unpackaged, E::any, N::none}, V::ok},
    {{R::several, I::confirmed, O::container, E::published, N::baseline}, V::ok},
    {{R::assigned, I::owner_only, O::package_verified, E::any, N::none}, V::ok},
    {{R::assigned, I::owner_only, O::kernel, E::any, N::none}, V::ok},
    {{R::assigned, I::silent, O::package_verified, E::loopback, N::none}, V::ok},
    {{R::assigned, I::silent, O::package_verified, E::any, N::none}, V::notice},
    {{R::assigned, I::contradicts, O::package_verified, E::loopback, N::none}, V::notice},
    {{R::assigned, I::contradicts, O::package_verified, E::blocked, N::none}, V::notice},
    {{R::assigned, I::contradicts, O::package_verified, E::lan, N::none}, V::warn},
    {{R::assigned, I::contradicts, O::unpackaged, E::published, N::none}, V::warn},
    {{R::reserved, I::confirmed, O::package_verified, E::loopback, N::none}, V::notice},
    {{R::reserved, I::confirmed, O::package_verified, E::any, N::none}, V::warn},
    {{R::unassigned, I::confirmed, O::package_verified, E::any, N::none}, V::notice},
    {{R::unassigned, I::confirmed, O::unpackaged, E::loopback, N::none}, V::notice},
    {{R::dynamic, I::confirmed, O::unpackaged, E::loopback, N::none}, V::ok},
    {{R::dynamic, I::not_probed, O::package_verified, E::any, N::none}, V::ok},
    {{R::dynamic, I::silent, O::unpackaged, E::any, N::none}, V::notice},
    {{R::assigned, I::not_probed, O::package_verified, E::loopback, N::none}, V::unknown},
    {{R::assigned, I::confirmed, O::not_visible, E::loopback, N::none}, V::unknown},
    {{R::dynamic, I::not_probed, O::not_visible, E::loopback, N::none}, V::unknown},
    {{R::assigned, I::contradicts, O::not_visible, E::any, N::none}, V::warn},
    {{R::assigned, I::confirmed, O::package_modified, E::loopback, N::none}, V::alert},
    {{R::assigned, I::confirmed, O::memory, E::loopback, N::none}, V::alert},
    {{R::assigned, I::confirmed, O::deleted, E::loopback, N::none}, V::warn},
    {{R::assigned, I::silent, O::no_descriptor, E::any, N::none}, V::warn},
    {{R::assigned, I::confirmed, O::package_verified, E::any, N::fresh}, V::notice},
    {{R::assigned, I::confirmed, O::package_verified, E::any, N::owner_changed}, V::warn},
    {{R::assigned, I::confirmed, O::package_verified, E::any, N::hash_changed}, V::notice},
    {{R::assigned, I::confirmed, O::unpackaged, E::any, N::hash_changed}, V::warn},
};

TEST(Verdict, FollowsTheTable) {
  for (std::size_t i = 0; i < kTable.size(); ++i) EXPECT_EQ(name(judge(kTable[i].axes)), name(kTable[i].expected)) << "row " << i;
}

TEST(Verdict, IsNeverOkForWhatCannotBeSeen) {
  for (const R registry : {R::assigned, R::several, R::reserved, R::unassigned, R::dynamic}) {
    for (const I identity : {I::confirmed, I::contradicts, I::owner_only, I::silent, I::not_probed}) {
      for (const E exposure : {E::loopback, E::lan, E::any, E::published, E::blocked}) {
        for (const N novelty : {N::none, N::baseline, N::fresh, N::owner_changed, N::hash_changed}) {
          const Verdict verdict = judge({registry, identity, O::not_visible, exposure, novelty});
          EXPECT_NE(verdict, V::ok);
          EXPECT_NE(verdict, V::notice);
        }
      }
    }
  }
}

TEST(Verdict, IsToldInOneSentence) {
  Findings f;
  f.axes = {R::assigned, I::contradicts, O::package_verified, E::loopback, N::none};
  f.port = 2256;
  f.registered = "PCC MFP";
  f.identity = "redis 7.0.15";
  f.owner = "redis-server (pid 812)";
  f.package = "redis-server";
  EXPECT_EQ(sentence(f), "2256 is registered to PCC MFP; this is redis 7.0.15 instead: redis-server (pid 812) from package redis-server, unmodified, on "
                         "loopback only: squatting, harmless");
  f.axes = {R::unassigned, I::silent, O::not_visible, E::any, N::none};
  f.owner = "a process";
  f.port = 1491;
  EXPECT_EQ(sentence(f), "1491 is registered to nobody; it says nothing: an owner not visible to me: need root, open on all addresses: unknown");
  f.axes = {R::assigned, I::confirmed, O::unpackaged, E::loopback, N::none};
  f.port = 2114;
  f.registered = "ariascribe";
  f.history = "formerly newheights";
  f.identity = "ariascribe 0.1.0";
  f.owner = "ariascribe (pid 9)";
  EXPECT_EQ(sentence(f), "2114 is registered to ariascribe (formerly newheights); this is ariascribe 0.1.0: ariascribe (pid 9), which no package brought, "
                         "on loopback only: as it should be");
}

}  // namespace
}  // namespace ghost::portlight
