#include "workflow/command_service.h"

#include <gtest/gtest.h>

namespace ghost::workflow {
namespace {

TEST(RunCommand, GivesWhatTheProgramWrote) {
  const auto out = run_command({"cat"}, "one\ntwo\n");
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, "one\ntwo\n");
}

TEST(RunCommand, TellsWhatAFailedProgramSaid) {
  const auto out = run_command({"sh", "-c", "echo no such thing >&2; exit 3"});
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message.find("no such thing"), std::string::npos);
}

TEST(RunCommand, NamesAProgramThatIsNotInstalled) {
  const auto out = run_command({"no-such-program-of-ours"});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::not_found);
}

}  // namespace
}  // namespace ghost::workflow
