#include "portlight/identify_service.h"

#include <gtest/gtest.h>

namespace ghost::portlight {

TEST(Identify, AProgramOfOursThatDoesNotAnswerContradictsNoPortOfOurs) {
  const Hearing nothing;
  for (const std::string_view service : {"ardus-mtrns", "ardusmul", "ariascribe", "b2-runtime"}) {
    EXPECT_EQ(conclude(nothing, std::vector{service}, "b2").status, IdentityStatus::owner_only) << service;
  }
  EXPECT_EQ(conclude(nothing, std::vector<std::string_view>{"ssh"}, "b2").status, IdentityStatus::contradicts);
}

TEST(Identify, WhatWasHeardContradictsWhateverTheProgramIsCalled) {
  Hearing hearing;
  hearing.found = Recognition{};
  hearing.found->protocol = "redis";
  EXPECT_EQ(conclude(hearing, std::vector<std::string_view>{"ardus-mtrns"}, "b2").status, IdentityStatus::contradicts);
}

}  // namespace ghost::portlight
