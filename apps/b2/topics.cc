#include <charconv>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "b2/v1/topics.b2.h"
#include "base/text.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

using nlohmann::ordered_json;

/// One line of JSON; text of strangers that is not UTF-8 is mended.
void say(const ordered_json& line) { std::cout << line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << std::endl; }

int topic_failure(const Arguments& arguments, const Error& error) {
  if (!arguments.has("json")) return complain("b2", error);
  say({{"v", 1}, {"event", "error"}, {"status", name(error.code)}, {"message", error.message}, {"code", code(exit_code_of(error))}});
  return code(exit_code_of(error));
}

Result<std::uint64_t> topic_number(const Arguments& arguments, const std::string& option) {
  const std::string text = arguments.text(option, "0");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || (number == 0 && arguments.has(option))) {
    return Error{Errc::malformed, "--" + option + " " + text + ": a number from 1 on"};
  }
  return number;
}

int wrong_usage(const Error& error) {
  std::cerr << "b2: " << error.message << "\n";
  return code(Exit::usage);
}

int publish(const Arguments& arguments) {
  std::string data = arguments.text("JSON");
  if (data == "-") data.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (!arguments.has("raw") && !data.empty() && !ordered_json::accept(data)) {
    return wrong_usage({Errc::malformed, "the message is no JSON; text stands in quotes, as in '\"hello\"', and --raw sends any bytes as they are"});
  }
  const auto timeout = timeout_of(arguments);
  if (!timeout) return topic_failure(arguments, timeout.error());
  auto session = open_session(arguments, arguments.text("at"));
  if (!session) return topic_failure(arguments, session.error());
  b2::v1::PublishRequest request;
  request.subject = arguments.text("SUBJECT");
  request.data = to_bytes(as_bytes(data));
  std::optional<Result<b2::v1::PublishResponse>> answer;
  b2::CallOptions options;
  options.timeout = *timeout;
  auto call = b2::v1::TopicsClient((*session)->channel()).publish(request, [&](Result<b2::v1::PublishResponse> given) { answer = std::move(given); }, options);
  if (!(*session)->wait([&] { return answer.has_value(); })) {
    call.cancel();
    return code(Exit::interrupted);
  }
  if (!*answer) return topic_failure(arguments, answer->error());
  const b2::v1::PublishResponse& told = **answer;
  if (arguments.has("json")) {
    say({{"v", 1}, {"event", "summary"}, {"subject", request.subject}, {"sequence", told.sequence}, {"delivered", told.delivered}, {"epoch", told.epoch}, {"code", 0}});
  } else {
    std::cout << printable(request.subject) << " #" << told.sequence << " to " << told.delivered << (told.delivered == 1 ? " subscription" : " subscriptions") << "\n";
  }
  return code(Exit::done);
}

/// What `b2 sub` prints, and counts.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}

  void event(const b2::v1::TopicEvent& event) {
    if (event.ack) ack(*event.ack);
    if (event.dropped) dropped(*event.dropped);
    if (event.message) message(*event.message);
  }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t lost() const { return lost_; }
  bool complete() const { return lost_ == 0 && !uncounted_; }

 private:
  void ack(const b2::v1::SubscribeAck& ack) {
    lost_ += ack.missed;
    if (json_) return say({{"v", 1}, {"event", "subscribed"}, {"epoch", ack.epoch}, {"kept", ack.kept}, {"missed", ack.missed}, {"unconfirmed", ack.unconfirmed}});
    std::cerr << "subscribed";
    if (ack.missed != 0) std::cerr << "; " << ack.missed << " asked for are not kept any more";
    for (const std::string& who : ack.unconfirmed) std::cerr << "; without " << printable(who);
    std::cerr << std::endl;
  }
  void dropped(const b2::v1::TopicDropped& dropped) {
    lost_ += dropped.count;
    uncounted_ |= dropped.uncounted;
    if (json_) return say({{"v", 1}, {"event", "dropped"}, {"count", dropped.count}, {"total", dropped.total}, {"uncounted", dropped.uncounted}});
    if (dropped.count != 0) std::cerr << dropped.count << (dropped.count == 1 ? " message" : " messages") << " dropped here: this was too slow, or the way from another node was" << std::endl;
    if (dropped.uncounted) std::cerr << "messages of another node may be missing here: it ended, went silent, or was not known before" << std::endl;
  }
  void message(const b2::v1::TopicMessage& message) {
    ++messages_;
    const std::string_view text = as_text(message.data);
    if (!json_) {
      std::cout << printable(message.subject) << " #" << message.sequence << "  " << printable(text) << std::endl;
      return;
    }
    ordered_json line = {{"v", 1}, {"event", "message"}, {"subject", message.subject}, {"sequence", message.sequence}};
    auto parsed = ordered_json::parse(text, nullptr, false);
    if (parsed.is_discarded()) line["hex"] = to_hex(message.data);
    else line["data"] = std::move(parsed);
    say(line);
  }

  bool json_;
  std::uint64_t messages_ = 0, lost_ = 0;
  bool uncounted_ = false;
};

b2::v1::TopicPolicy policy_named(const std::string& word) {
  if (word == "drop-newest") return b2::v1::TopicPolicy::drop_newest;
  if (word == "block") return b2::v1::TopicPolicy::block;
  if (word == "disconnect") return b2::v1::TopicPolicy::disconnect;
  return b2::v1::TopicPolicy::drop_oldest;
}

int subscribe(const Arguments& arguments) {
  const auto from = topic_number(arguments, "from");
  if (!from) return wrong_usage(from.error());
  const auto most = topic_number(arguments, "count");
  if (!most) return wrong_usage(most.error());
  b2::v1::SubscribeRequest request;
  request.patterns = arguments.all("PATTERN");
  request.group = arguments.text("queue");
  request.policy = policy_named(arguments.text("policy"));
  request.last = arguments.has("last");
  request.from = *from;

  auto session = open_session(arguments, arguments.text("at"));
  if (!session) return topic_failure(arguments, session.error());
  Printer printer(arguments.has("json"));
  std::optional<Status> end;
  bool enough = false;
  auto call = b2::v1::TopicsClient((*session)->channel()).subscribe(
      request,
      [&](const b2::v1::TopicEvent& event) {
        if (enough) return;
        printer.event(event);
        enough = !std::cout || (*most != 0 && printer.messages() >= *most);
      },
      [&](const Status& status) { end = status; });
  const bool done = (*session)->wait([&] { return enough || end.has_value(); });
  if (!end) call.cancel();
  else if (!*end && !enough) return topic_failure(arguments, end->error());
  if (!std::cout) return code(Exit::failed);  // whoever read the output is gone
  const Exit exit = !done ? Exit::interrupted : !printer.complete() ? Exit::partly : Exit::done;
  if (arguments.has("json")) say({{"v", 1}, {"event", "summary"}, {"messages", printer.messages()}, {"lost", printer.lost()}, {"code", code(exit)}});
  return code(exit);
}

}  // namespace

Verb pub_verb() {
  Verb verb;
  verb.name = "pub";
  verb.summary = "publish a message under a subject";
  verb.description = "Ends when the node has given the message its number and a place in the queue of each subscription. JSON '-' is read from standard input.";
  verb.examples = {{"b2 pub studio.lights '{\"on\": true}'", "to all who subscribed"},
                   {"b2 pub studio.note --raw < note.txt -", "any bytes, at most 1 MiB"},
                   {"b2 pub --at 10.0.0.7:2203 studio.lights", "an empty message, on another node of the house"}};
  verb.options = connection_options();
  verb.options.push_back(Option{"raw", "", "send the bytes as they are, whether they are JSON or not"});
  verb.positionals = {{"SUBJECT", "tokens between dots, as studio.lights", Positional::Count::one, {}, Complete::nothing},
                      {"JSON", "the message; empty when left out", Positional::Count::optional, {}, Complete::nothing}};
  verb.run = publish;
  return verb;
}

Verb sub_verb() {
  Verb verb;
  verb.name = "sub";
  verb.summary = "print the messages published under subjects";
  verb.description =
      "A line a message until Ctrl-C. In a pattern '*' stands for one token and a last '>' for one or more. What was lost, because this was too slow or on "
      "the way from another node, is told on stderr where it was lost; then the exit status is 3.";
  verb.examples = {{"b2 sub 'studio.*'", "what is published from here on"},
                   {"b2 sub '>' --last", "first the last message of each subject"},
                   {"b2 sub studio.lights --from 17 --json", "from a number on, as far as it is kept; for a script"},
                   {"b2 sub jobs.encode --queue encoders --policy block", "one of several that share the work"}};
  verb.options = connection_options();
  verb.options.push_back(Option{"queue", "GROUP", "each message goes to one of the subscriptions of this group"});
  verb.options.push_back(Option{.name = "policy", .value = "POLICY", .help = "when this is too slow: what waits longest is dropped (the default), what comes is dropped, publishers wait, or this ends", .choices = {"drop-oldest", "drop-newest", "block", "disconnect"}});
  verb.options.push_back(Option{"last", "", "first the last message of each subject"});
  verb.options.push_back(Option{"from", "SEQ", "first what is kept from this number on"});
  verb.options.push_back(Option{"count", "N", "end after so many messages"});
  verb.positionals = {{"PATTERN", "one or more", Positional::Count::at_least_one, {}, Complete::nothing}};
  verb.run = subscribe;
  return verb;
}

}  // namespace ghost::app
