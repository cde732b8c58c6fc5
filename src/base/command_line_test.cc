#include "base/command_line.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/command_texts.h"

namespace ghost {

namespace {

// A program that writes down what it was asked to do.
struct ToyProgram {
  Program program;
  std::string ran;
  Arguments arguments;
  std::ostringstream out, err;

  ToyProgram() {
    const auto note = [this](std::string name) { return [this, name](const Arguments& given) { ran = name; arguments = given; return 0; }; };
    program.name = "ghostlight";
    program.summary = "the house";
    program.version = "0.1.0";
    program.options = {json_option(), state_option(), listen_option()};
    program.examples = {{"ghostlight up", "start the host"}};
    program.verbs = {
        {"up", "start the host", "", {}, {}, {}, note("up")},
        {"house join", "join a house", "Asks for the code.", {{"ghostlight house join --at a:2203", "join the house of a"}},
         {{"at", "ADDR", "where the house answers", 'a'}, {"force", "", "even if"}, {"role", "ROLE", "a role", 0, true, {"listen", "send"}}},
         {}, note("house join")},
        {"house create", "make a house", "", {}, {}, {{"NAME", "what it is called"}}, note("house create")},
        {"send", "send files", "", {}, {}, {{"TO", "to whom"}, {"FILE", "what", Positional::Count::at_least_one, {}, Complete::files}}, note("send")},
        {"secret", "not shown", "", {}, {}, {}, note("secret"), true},
    };
  }
  int operator()(std::vector<std::string> words) { return run_command_line(program, std::move(words), out, err); }
};

}  // namespace

TEST(CommandLine, RunsTheVerbWithItsArguments) {
  ToyProgram run;
  EXPECT_EQ(run({"house", "join", "--at", "a:2203", "--force", "--role", "listen", "--role=send", "--json"}), 0);
  EXPECT_EQ(run.ran, "house join");
  EXPECT_EQ(run.arguments.text("at"), "a:2203");
  EXPECT_TRUE(run.arguments.has("force"));
  EXPECT_TRUE(run.arguments.has("json"));
  EXPECT_FALSE(run.arguments.find("state"));
  EXPECT_EQ(run.arguments.text("state", "/var"), "/var");
  EXPECT_EQ(run.arguments.all("role"), (std::vector<std::string>{"listen", "send"}));
  EXPECT_EQ(run.err.str(), "");
}

TEST(CommandLine, TakesCommonOptionsBeforeTheVerbToo) {
  ToyProgram run;
  EXPECT_EQ(run({"--state", "/s", "house", "--json", "create", "Archive"}), 0);
  EXPECT_EQ(run.ran, "house create");
  EXPECT_EQ(run.arguments.text("NAME"), "Archive");
  EXPECT_EQ(run.arguments.options_given(), (std::vector<std::pair<std::string, std::string>>{{"json", "true"}, {"state", "/s"}}));
}

TEST(CommandLine, TakesFilesThatLookLikeOptionsAfterTwoDashes) {
  ToyProgram run;
  EXPECT_EQ(run({"send", "all", "a", "--", "--json", "b"}), 0) << run.err.str();
  EXPECT_EQ(run.arguments.text("TO"), "all");
  EXPECT_EQ(run.arguments.all("FILE"), (std::vector<std::string>{"a", "--json", "b"}));
  EXPECT_FALSE(run.arguments.has("json"));
}

TEST(CommandLine, TakesLettersAndTheLastOfWhatIsGivenTwice) {
  ToyProgram run;
  EXPECT_EQ(run({"house", "join", "-a", "x", "--at=y"}), 0);
  EXPECT_EQ(run.arguments.text("at"), "y");
}

TEST(CommandLine, ToldWrongSaysWhatWasProbablyMeantAndRunsNothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"hose"}, "ghostlight: there is no verb 'hose'; did you mean: ghostlight house?\nTry: ghostlight --help\n"},
      {{"house"}, "ghostlight: 'house' needs one of: join, create\nTry: ghostlight --help\n"},
      {{"up", "--jsno"}, "ghostlight: there is no option --jsno; did you mean --json?\nTry: ghostlight up --help\n"},
      {{"up", "now"}, "ghostlight: 'now' is one argument too many\nTry: ghostlight up --help\n"},
      {{"house", "join", "--role", "king"}, "ghostlight: role: 'king' is none of listen, send\nTry: ghostlight house join --help\n"},
      {{"house", "create"}, "ghostlight: NAME is required\nTry: ghostlight house create --help\n"},
      {{"--json"}, "ghostlight: a verb is missing\nTry: ghostlight --help\n"},
      {{"\x1b[2J"}, "ghostlight: there is no verb '\\x1b[2J'\nTry: ghostlight --help\n"},
  };
  for (const auto& [words, message] : wrong) {
    ToyProgram run;
    EXPECT_EQ(run(words), code(Exit::usage));
    EXPECT_EQ(run.err.str(), message);
    EXPECT_EQ(run.out.str(), "");
    EXPECT_EQ(run.ran, "");
  }
}

TEST(CommandLine, SaysWhenAnOptionLacksItsArgument) {
  ToyProgram run;
  EXPECT_EQ(run({"house", "join", "--at"}), code(Exit::usage));
  EXPECT_NE(run.err.str().find("--at"), std::string::npos) << run.err.str();
}

TEST(CommandLine, WithoutAnythingShowsItsHelpAsAUsageError) {
  ToyProgram run;
  EXPECT_EQ(run({}), code(Exit::usage));
  EXPECT_EQ(run.err.str(), program_help(run.program));
}

TEST(CommandLine, RunsTheVerbWithoutANameWhenNoneIsGiven) {
  ToyProgram run;
  run.program.verbs.push_back({"", "status", "", {}, {}, {}, [&](const Arguments&) { run.ran = "status"; return 3; }});
  EXPECT_EQ(run({"--json"}), 3);
  EXPECT_EQ(run.ran, "status");
  EXPECT_EQ(run({"hose"}), code(Exit::usage));
}

TEST(Help, ShowsExamplesFirstAndEveryOption) {
  ToyProgram run;
  EXPECT_EQ(run({"house", "join", "--help"}), 0);
  EXPECT_EQ(run.out.str(),
            "ghostlight house join: join a house\n"
            "\nExamples:\n"
            "  ghostlight house join --at a:2203\n"
            "      join the house of a\n"
            "\nUsage: ghostlight house join [options]\n"
            "\nAsks for the code.\n"
            "\nOptions:\n"
            "  -a, --at ADDR  where the house answers\n"
            "  --force        even if\n"
            "  --role ROLE    a role: listen, send (may be given several times)\n"
            "\nOptions of every verb:\n"
            "  --json         print events as JSON, one a line; the last is the summary\n"
            "  --state DIR    where keys, membership and data are kept\n"
            "  --listen ADDR  where to listen, as 127.0.0.1:2203, [::1]:2203 or unix:/path (may be given several times)\n");
  ToyProgram other;
  EXPECT_EQ(other({"help", "house", "join"}), 0);
  EXPECT_EQ(other.out.str(), run.out.str());
}

TEST(Help, OfTheProgramListsItsVerbsButNoHiddenOnes) {
  ToyProgram run;
  EXPECT_EQ(run({"--help"}), 0);
  const std::string help = run.out.str();
  EXPECT_LT(help.find("Examples:"), help.find("Usage:"));
  EXPECT_NE(help.find("  house create  make a house\n"), std::string::npos);
  EXPECT_EQ(help.find("secret"), std::string::npos);
}

TEST(Version, IsPrintedWithTheName) {
  ToyProgram run;
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(run.out.str(), "ghostlight 0.1.0\n");
}

TEST(Completion, OffersVerbsOptionsChoicesAndFiles) {
  const ToyProgram run;
  const auto offered = [&](std::vector<std::string> words) { return completions(run.program, words); };
  EXPECT_EQ(offered({"u"}), "up\tstart the host\n");
  EXPECT_EQ(offered({"h"}), "house\t\nhelp\ttell more of a verb\n");
  EXPECT_EQ(offered({"house", ""}), "join\tjoin a house\ncreate\tmake a house\n");
  EXPECT_EQ(offered({"--state", "/s", "house", "j"}), "join\tjoin a house\n");
  EXPECT_EQ(offered({"house", "join", "--role", ""}), "listen\t\nsend\t\n");
  EXPECT_EQ(offered({"house", "join", "--force", "--f"}), "");
  EXPECT_EQ(offered({"house", "join", "--f"}), "--force\teven if\n");
  EXPECT_EQ(offered({"up", "--state", ""}), ":directories\n");
  EXPECT_EQ(offered({"send", ""}), "");
  EXPECT_EQ(offered({"send", "all", ""}), ":files\n");
  EXPECT_EQ(offered({"send", "all", "a", "b"}), ":files\n");
  EXPECT_EQ(offered({"completion", "z"}), "zsh\t\n");
  EXPECT_EQ(offered({"help", "house", "c"}), "create\tmake a house\n");
  EXPECT_EQ(offered({"sec"}), "");
  EXPECT_FALSE(offered({}).empty());
}

TEST(Completion, IsAskedForByAHiddenVerbAndAScript) {
  ToyProgram run;
  EXPECT_EQ(run({"__complete", "--", "u"}), 0);
  EXPECT_EQ(run.out.str(), "up\tstart the host\n");
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(run.program, shell).value();
    EXPECT_NE(script.find("ghostlight __complete -- "), std::string::npos);
    EXPECT_EQ(script.find("PROGRAM"), std::string::npos);
  }
  EXPECT_EQ(run({"completion", "tcsh"}), code(Exit::usage));
}

TEST(Manual, IsScdocWithEveryVerb) {
  ToyProgram run;
  EXPECT_EQ(run({"__man"}), 0);
  const std::string page = run.out.str();
  EXPECT_EQ(page.find("ghostlight(1)\n\n# NAME\n\nghostlight - the house\n"), 0u);
  EXPECT_NE(page.find("## ghostlight house join [options]\n\nAsks for the code.\n"), std::string::npos);
  EXPECT_NE(page.find("*\\-a, --at ADDR*\n\twhere the house answers\n"), std::string::npos);
  EXPECT_NE(page.find("# EXIT STATUS"), std::string::npos);
  EXPECT_EQ(page.find("secret"), std::string::npos);
}

TEST(ExitCode, OfAnErrorTellsRefusalAndInterruptionApart) {
  EXPECT_EQ(exit_code_of({Errc::refused, ""}), Exit::refused);
  EXPECT_EQ(exit_code_of({Errc::unauthenticated, ""}), Exit::refused);
  EXPECT_EQ(exit_code_of({Errc::cancelled, ""}), Exit::interrupted);
  EXPECT_EQ(exit_code_of({Errc::io, ""}), Exit::failed);
}

}  // namespace ghost
