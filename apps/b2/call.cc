#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <tuple>
#include <iterator>

#include "datagram_way.h"
#include "b2/json.h"
#include "b2/message.h"
#include "b2/v1/bridge.b2.h"
#include "b2/v1/core.b2.h"
#include "called.h"
#include "line_stream_service.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

/// Prints each message as JSON when it comes.
class Print : public b2::CallHandler {
 public:
  std::function<void()> ready;  ///< of whoever writes to the call

  void on_ready() override {
    if (ready) ready();
  }
  Print(const b2::JsonCodec& codec, std::string service, std::string method, b2::JsonStyle style, std::optional<Status>& end)
      : codec_(codec), service_(std::move(service)), method_(std::move(method)), style_(style), end_(end) {}
  void on_message(BytesView message) override {
    const auto json = codec_.response_to_json(service_, method_, message, style_);
    if (json) std::cout << *json << std::endl;
    else unreadable_ = json.error();
  }
  void on_end(const Status& status) override { end_ = status && unreadable_ ? Status(*unreadable_) : status; }

 private:
  const b2::JsonCodec& codec_;
  std::string service_, method_;
  b2::JsonStyle style_;
  std::optional<Status>& end_;
  std::optional<Error> unreadable_;
};

int call_by_datagram(const Arguments& arguments, const std::string& at, const std::string& service, const std::string& method, std::string json, Duration timeout) {
  auto way = DatagramWay::open_for(arguments, at, service, method);
  if (!way) return fail_called(arguments, way.error());
  if (json == "-") json.assign(std::istreambuf_iterator<char>(std::cin), {});
  const auto request = (*way)->codec().request_from_json(service, method, json);
  if (!request) return fail_called(arguments, request.error());
  const auto answer = (*way)->call(service, method, *request, timeout);
  if (!answer) return fail_called(arguments, answer.error());
  const auto text = (*way)->codec().response_to_json(service, method, *answer, arguments.has("json") ? b2::JsonStyle::compact : b2::JsonStyle::pretty);
  if (!text) return fail_called(arguments, text.error());
  std::cout << *text << std::endl;
  return code(Exit::done);
}

/// --idempotency-key and --retry: with the latter, a call gets a key of its own where it may.
Status read_key(const Arguments& arguments, b2::v1::MethodKind kind, b2::CallOptions& options) {
  const bool unary = kind == b2::v1::MethodKind::unary;
  const auto told = arguments.find("idempotency-key");
  if (!told) {
    if (unary && arguments.has("retry")) options.key = b2::random_key();
    return {};
  }
  const auto bytes = from_hex(*told);
  if (!bytes || bytes->size() != std::tuple_size_v<b2::IdempotencyKey>) {
    return Error{Errc::malformed, "--idempotency-key " + *told + ": 32 hexadecimal digits, as 'openssl rand -hex 16' makes them"};
  }
  if (!unary) return Error{Errc::malformed, "--idempotency-key: a call that streams takes none"};
  std::copy(bytes->begin(), bytes->end(), options.key.emplace().begin());
  return {};
}

/// One call of another node, by way of the node of `session`.
Result<Bytes> call_node(Session& session, const std::string& node, const std::string& service, const std::string& method, Bytes request, Duration timeout) {
  b2::v1::BridgeCallRequest wish;
  wish.node = node;
  wish.service = service;
  wish.method = method;
  wish.request = std::move(request);
  const auto answer = session.call("b2.v1.Bridge", "CallNode", b2::encode(wish), timeout);
  if (!answer) return answer.error();
  auto told = b2::decode<b2::v1::BridgeCallResponse>(*answer);
  if (!told) return told.error();
  return std::move(told->response);
}

int call_by_nats(const Arguments& arguments, const std::string& at, const std::string& service, const std::string& method, std::string json, Duration timeout) {
  auto session = open_session(arguments, at);
  if (!session) return fail_called(arguments, session.error());
  const std::string node = arguments.text("node");
  b2::v1::DescribeRequest asked;
  asked.service = service;
  asked.descriptors = true;
  const auto described = call_node(**session, node, "b2.v1.Core", "Describe", b2::encode(asked), timeout);
  if (!described) return fail_called(arguments, described.error());
  const auto response = b2::decode<b2::v1::DescribeResponse>(*described);
  if (!response) return fail_called(arguments, response.error());
  const b2::JsonCodec codec(response->file_descriptor_set);
  if (json == "-") json.assign(std::istreambuf_iterator<char>(std::cin), {});
  auto request = codec.request_from_json(service, method, json);
  if (!request) return fail_called(arguments, request.error());
  const auto answer = call_node(**session, node, service, method, std::move(*request), timeout);
  if (!answer) return fail_called(arguments, answer.error());
  const auto text = codec.response_to_json(service, method, *answer, arguments.has("json") ? b2::JsonStyle::compact : b2::JsonStyle::pretty);
  if (!text) return fail_called(arguments, text.error());
  std::cout << *text << std::endl;
  return code(Exit::done);
}

int call(const Arguments& arguments) {
  const auto called = Called::read(arguments, "call");
  if (!called) {
    std::cerr << "b2: " << called.error().message << "\n";
    return code(Exit::usage);
  }
  const auto& [at, service, method, told, has_json] = *called;
  std::string json = told;

  const auto timeout = timeout_of(arguments);
  if (!timeout) return complain("b2", timeout.error());
  if (arguments.has("node")) return call_by_nats(arguments, at, service, method, json, *timeout);
  if (arguments.has("udp") && !arguments.has("example")) return call_by_datagram(arguments, at, service, method, json, *timeout);
  auto session = open_session(arguments, at);
  if (!session) return fail_called(arguments, session.error());
  const auto codec = schema_of(**session, service);
  if (!codec) return fail_called(arguments, codec.error());
  if (arguments.has("example")) {
    const auto example = codec->example_request(service, method);
    if (!example) return fail_called(arguments, example.error());
    std::cout << *example;
    return code(Exit::done);
  }
  const auto kind = kind_of((*session)->hello(), *called);
  const bool sends = kind == b2::v1::MethodKind::client_stream || kind == b2::v1::MethodKind::bidirectional;
  const bool lines = sends && (!has_json || json == "-");
  if (json == "-" && !lines) json.assign(std::istreambuf_iterator<char>(std::cin), {});
  Result<Bytes> request = Bytes();
  if (!lines) request = codec->request_from_json(service, method, json);
  if (!request) return fail_called(arguments, request.error());

  b2::CallOptions options;
  options.streams_request = sends;
  options.timeout = kind != b2::v1::MethodKind::unary && !arguments.has("timeout") ? Duration::max() : *timeout;
  if (const auto text = arguments.find("traceparent")) {
    const auto parent = b2::TraceContext::parse(*text);
    if (!parent) {
      std::cerr << "b2: --traceparent: " << parent.error().message << "\n";
      return code(Exit::usage);
    }
    options.trace = parent->child();
  }
  if (const Status read = read_key(arguments, kind, options); !read) {
    std::cerr << "b2: " << read.error().message << "\n";
    return code(Exit::usage);
  }
  const bool prints_one = kind == b2::v1::MethodKind::unary || kind == b2::v1::MethodKind::client_stream;
  const auto style = arguments.has("json") || !prints_one ? b2::JsonStyle::compact : b2::JsonStyle::pretty;
  std::optional<Status> end;
  LineStream input((*session)->network(), *codec, service, method, STDIN_FILENO);
  auto print = std::make_unique<Print>(*codec, service, method, style, end);
  if (lines) print->ready = [&input] { input.on_ready(); };
  b2::Caller& caller = arguments.has("retry") ? (*session)->steady() : (*session)->channel();
  auto started = caller.start(service, method, sends ? b2::Payload() : b2::Payload(BytesView(*request)), options, std::move(print));
  if (lines && !end) {
    input.start(started);
  } else if (sends) {
    started.write(b2::Payload(BytesView(*request)));
    started.finish();
  }
  if (!(*session)->wait([&] { return end.has_value(); })) {
    started.cancel();
    return code(Exit::interrupted);
  }
  if (input.failure()) return fail_called(arguments, *input.failure());
  return *end ? code(Exit::done) : fail_called(arguments, end->error());
}

}  // namespace

Verb call_verb() {
  Verb verb;
  verb.name = "call";
  verb.summary = "call a method with JSON and print the answer";
  verb.description = "A stream prints one line a message until it ends. JSON '-' is read from standard input. A method that takes a stream "
                     "gets a message for each line of standard input, or the one that is told.";
  verb.examples = {{"b2 call b2.v1.Core/Health '{}'", "this machine's host"},
                   {"b2 call 127.0.0.1:2114 b2.v1.Core/Health", "a daemon, by address"},
                   {"b2 call b2.v1.Host/Watch '{\"intervalMs\": 500}'", "a stream, until Ctrl-C"},
                   {"b2 call 127.0.0.1:7000 acme.v1.Store/Add < lines.ndjson", "a stream of the caller's: a message a line"},
                   {"b2 call --udp 127.0.0.1:2203 b2.v1.Core/Health", "by datagram: look-ups open to everyone"},
                   {"b2 call --udp tls:127.0.0.1:2203 b2.v1.Core/Stats", "by datagram, with keys from a TLS connection"},
                   {"b2 call --retry --timeout 30 acme.v1.Store/Post '{}'", "over restarts and lost connections, done once"},
                   {"b2 call --node beta b2.v1.Core/Health", "another node of the house, by NATS"},
                   {"b2 call --example b2.v1.Core/Describe", "a request to start from"}};
  verb.options = connection_options();
  Option example;
  example.name = "example";
  example.help = "print an empty request instead of calling";
  verb.options.push_back(example);
  verb.options.push_back(Option{"node", "NAME", "by NATS: the other node to call, by name, words or id ('b2 ls --house' lists them)"});
  verb.options.push_back(udp_option("call by datagram (UDP); --at or ADDR is HOST:PORT, by default 127.0.0.1:2203"));
  Option retry;
  retry.name = "retry";
  retry.help = "make the call again when its connection is lost or the server restarts, within --timeout, and where that cannot do it twice";
  Option key;
  key.name = "idempotency-key";
  key.value = "HEX";
  key.help = "32 digits that name the call: sent again with them within a minute, it is answered as before and not done again";
  verb.options.insert(verb.options.end(), {retry, key,
                                            Option{"traceparent", "TEXT", "the trace this call is part of, as W3C's header of that name has it"}});
  verb.positionals = {{"WORDS", "[ADDR] SERVICE/METHOD [JSON]", Positional::Count::at_least_one, {}, Complete::nothing}};
  verb.run = call;
  return verb;
}

}  // namespace ghost::app
