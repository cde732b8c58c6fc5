#include "b2/trace.h"

#include <gtest/gtest.h>

namespace ghost::b2 {

TEST(TraceContext, ReadsAndWritesTheHeaderOfW3c) {
  const std::string text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto context = TraceContext::parse(text);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->text(), text);
  EXPECT_EQ(context->trace_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->span_text(), "00f067aa0ba902b7");
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(TraceContext::from_wire(context->wire()).value(), *context);
}

TEST(TraceContext, TakesLaterVersionsByWhatTheyBeginWith) {
  EXPECT_TRUE(TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-follows"));
  EXPECT_TRUE(TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
  EXPECT_FALSE(TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
}

TEST(TraceContext, RefusesWhatIsNone) {
  for (const char* text : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                           "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                           "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(TraceContext::parse(text)) << text;
  }
  EXPECT_FALSE(TraceContext::from_wire({}));
}

TEST(TraceContext, AChildIsOfTheSameTraceAndHasASpanOfItsOwn) {
  const TraceContext root = TraceContext::begin();
  const TraceContext child = root.child();
  EXPECT_EQ(child.trace, root.trace);
  EXPECT_NE(child.span, root.span);
  EXPECT_EQ(child.flags, root.flags);
  EXPECT_NE(TraceContext::begin().trace, root.trace);
}

}  // namespace ghost::b2
