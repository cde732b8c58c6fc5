#include "exchange_player.h"

#include "b2/channel.h"
#include "b2/test_service.h"

namespace ghost::b2::conformance {

namespace {

struct FakeClock : Clock {
  TimePoint time{std::chrono::seconds(1000)};
  TimePoint now() const override { return time; }
};

std::string_view type_name(FrameType type) {
  constexpr std::string_view kNames[] = {"",       "HELLO",  "HELLO_UPDATE", "CALL", "DATA",   "RESP",
                                         "CREDIT", "CANCEL", "PING",         "PONG", "GOAWAY", "UPGRADE"};
  const auto number = static_cast<std::size_t>(type);
  return number < std::size(kNames) ? kNames[number] : "";
}

/// Acts are written by the authors of the file; what is wrong with them is told by the json library's exception, caught in play().
Bytes bytes_of(const Json& act, const char* key) {
  const auto bytes = from_hex(act.value(key, ""));
  if (!bytes) throw std::invalid_argument(std::string(key) + " is not hexadecimal");
  return *bytes;
}

struct End : ChannelEvents {
  End(Side which, const Clock& clock, const ChannelLimits& limits) : side(which) {
    endpoint.name = name();
    endpoint.program = "vectors 1";
    endpoint.boot_epoch = which == Side::dialer ? 0x1111 : 0x2222;
    endpoint.limits = limits;
    if (which == Side::acceptor) endpoint.services.add(service);
    peer->where = which == Side::dialer ? "acceptor" : "dialer";
    channel = std::make_shared<Channel>(which, Channel::Wiring{endpoint, clock, output, *this, peer, {}});
  }
  ~End() override { channel->lost(Error{Errc::aborted, "the exchange is over"}); }
  void on_hello(const v1::Hello&) override {}
  void on_finished(const Error& why) override { finished = why; }
  void on_wakeup(TimePoint) override {}
  const char* name() const { return side == Side::dialer ? "dialer" : "acceptor"; }

  Side side;
  Endpoint endpoint;
  test::TestService service;
  std::shared_ptr<Identity> peer = std::make_shared<Identity>();
  ByteQueue output;
  std::shared_ptr<Channel> channel;
  std::optional<Error> finished;
  bool preface_sent = false;
};

ChannelLimits limits_of(const Json& exchange) {
  ChannelLimits limits;
  const Json told = exchange.value("limits", Json::object());
  limits.frame_bytes = told.value("frame_bytes", limits.frame_bytes);
  limits.connection_window = told.value("connection_window", limits.connection_window);
  limits.stream_window = told.value("stream_window", limits.stream_window);
  limits.max_connection_window = told.value("connection_window", limits.max_connection_window);
  limits.max_stream_window = told.value("stream_window", limits.max_stream_window);
  return limits;
}

class Player {
 public:
  explicit Player(const Json& exchange)
      : limits_(limits_of(exchange)), dialer_(Side::dialer, clock_, limits_), acceptor_(Side::acceptor, clock_, limits_) {
    dialer_.channel->open();
    acceptor_.channel->open();
    settle();
  }

  void act(const Json& act) {
    steps_.push_back(act);
    const std::string what = act.at("do");
    if (what == "wait") {
      wait(std::chrono::milliseconds(act.at("ms").get<int>()));
    } else {
      carry_out(what, act, end(act.at("by")));
    }
    settle();
  }

  Json steps() const { return steps_; }
  Json outcomes() const {
    Json all = Json::object();
    for (const auto& [name, call] : calls_) {
      const test::Outcome& outcome = *call.outcome;
      Json told{{"messages", outcome.messages.size()}, {"bytes", outcome.bytes}};
      told["status"] = outcome.ended() ? Json(static_cast<int>(outcome.code())) : Json();
      all[name] = told;
    }
    return all;
  }
  Json closed() const { return {{"dialer", code(dialer_)}, {"acceptor", code(acceptor_)}}; }

 private:
  static Json code(const End& end) { return end.finished ? Json(static_cast<int>(end.finished->code)) : Json(); }

  End& end(const std::string& name) {
    if (name != "dialer" && name != "acceptor") throw std::invalid_argument("no side is called " + name);
    return name == "dialer" ? dialer_ : acceptor_;
  }

  void carry_out(const std::string& what, const Json& act, End& by) {
    if (what == "call") return call(act, by);
    if (what == "cancel") return calls_.at(act.at("call")).call.cancel();
    if (what == "write") return write(act);
    if (what == "end") return calls_.at(act.at("call")).call.finish();
    if (what == "ping") return by.channel->ping([](const Result<Duration>&) {});
    if (what == "leave") return by.channel->go_away({});
    if (what == "drain") return by.channel->drain("the acceptor is shutting down");
    if (what == "say") return record(by, bytes_of(act, "hex"));
    if (what != "answer" && what != "fail") throw std::invalid_argument("no act is called " + what);
    ServerCall held = std::move(by.service.held.at(0));
    by.service.held.erase(by.service.held.begin());
    if (what == "fail") return held.fail(Error{static_cast<Errc>(act.at("status").get<int>()), act.at("message")});
    const Bytes payload = bytes_of(act, "payload");
    held.finish(Payload(BytesView(payload)));
  }

  void call(const Json& act, End& by) {
    CallOptions options;
    options.timeout = act.contains("timeout_ms") ? std::chrono::milliseconds(act.at("timeout_ms").get<int>()) : Duration::max();
    const Json metadata = act.value("metadata", Json::object());
    for (const auto& [key, value] : metadata.items()) options.metadata.emplace_back(key, value);
    if (act.contains("key")) {
      const Bytes key = bytes_of(act, "key");
      std::copy_n(key.begin(), std::min(key.size(), options.key.emplace().size()), options.key->begin());
    }
    if (act.contains("epoch")) options.epoch = act.at("epoch").get<std::uint64_t>();
    Bytes request = bytes_of(act, "request");
    request.resize(act.value("fill", request.size()), 'x');
    if (act.value("streams", false)) {
      calls_[act.at("call")] = test::start_streaming(*by.channel, act.at("method").get<std::string>(), options);
      return;
    }
    calls_[act.at("call")] = test::start(*by.channel, act.at("method").get<std::string>(), request, options);
  }

  /// Messages of a caller's stream: each in hexadecimal, or a number of bytes.
  void write(const Json& act) {
    for (const Json& told : act.at("messages")) {
      Bytes message(told.is_number() ? told.get<std::size_t>() : 0, 'x');
      if (!told.is_number()) message = bytes_of({{"message", told}}, "message");
      calls_.at(act.at("call")).call.write(Payload(BytesView(message)));
    }
  }

  void wait(Duration span) {
    clock_.time += span;
    dialer_.channel->on_time();
    acceptor_.channel->on_time();
  }

  void settle() {
    while (!dialer_.output.empty() || !acceptor_.output.empty()) {
      for (End* from : {&dialer_, &acceptor_}) {
        if (from->output.empty()) continue;
        const Bytes bytes = from->output.take();
        record(*from, bytes);
        from->channel->on_writable();
      }
    }
  }

  /// Writes down what `from` says, frame by frame, and lets the other side hear it.
  void record(End& from, BytesView bytes) {
    End& to = &from == &dialer_ ? acceptor_ : dialer_;
    BytesView left = bytes;
    if (!std::exchange(from.preface_sent, true)) {
      note(from, "preface", left.first(kPreface.size()));
      left = left.subspan(kPreface.size());
    }
    while (left.size() >= kHeaderSize) {
      const FrameHeader header = read_header(left.data());
      const std::size_t size = std::min(header.total(), left.size());
      std::string what(type_name(header.type));
      if (header.stream != 0) what += " " + std::to_string(header.stream);
      note(from, what, left.first(size));
      left = left.subspan(size);
    }
    if (!left.empty()) note(from, "rest", left);
    if (!to.channel->over()) to.channel->on_bytes(bytes);
  }
  void note(const End& from, const std::string& what, BytesView bytes) {
    steps_.push_back({{"from", from.name()}, {"what", what}, {"hex", to_hex(bytes)}});
  }

  FakeClock clock_;
  ChannelLimits limits_;
  End dialer_, acceptor_;
  Json steps_ = Json::array();
  std::map<std::string, test::Started> calls_;
};

}  // namespace

Result<Json> play(const Json& exchange) {
  std::string where = "exchange";
  try {
    where = exchange.at("name");
    Player player(exchange);
    for (const Json& step : exchange.at("steps")) {
      if (step.contains("do")) player.act(step);
    }
    Json played = exchange;
    played["steps"] = player.steps();
    played["outcomes"] = player.outcomes();
    played["closed"] = player.closed();
    return played;
  } catch (const std::exception& error) {
    return Error{Errc::malformed, where + ": " + error.what()};
  }
}

std::string to_text(const Json& exchanges) {
  std::string text = "[";
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    std::string fields;
    for (const auto& [key, value] : exchanges[i].items()) {
      fields += fields.empty() ? "  {" : ",\n   ";
      fields += Json(key).dump() + ": ";
      if (key != "steps") {
        fields += value.dump();
        continue;
      }
      std::string steps;
      for (const Json& step : value) steps += (steps.empty() ? "[\n     " : ",\n     ") + step.dump();
      fields += steps.empty() ? "[]" : steps + "]";
    }
    text += fields + "}";
  }
  return text + "\n]\n";
}

}  // namespace ghost::b2::conformance
