// docs/spec/vectors against the frame code and real channels: a change of the wire shows here.
#include <gtest/gtest.h>

#include "base/file.h"
#include "b2/channel.h"
#include "b2/message.h"
#include "b2/test_service.h"
#include "exchange_player.h"

namespace ghost::b2::conformance {

namespace {

std::string text_of(const std::string& name) { return read_file(std::string(GHOST_VECTORS "/") + name, 16 * 1024 * 1024).value(); }

Json frames() { return Json::parse(text_of("frames.json")); }

Bytes hex(const Json& vector, const char* key) { return from_hex(vector.at(key).get<std::string>()).value(); }

struct Parts {
  FrameHeader header;
  BytesView extensions, payload;
};

/// The parts of a whole frame; of one that is only a header, no payload.
Parts parts_of(BytesView frame) {
  Parts parts;
  parts.header = read_header(frame.data());
  BytesView rest = frame.subspan(kHeaderSize);
  parts.extensions = rest.first(std::min(rest.size(), parts.header.extension_bytes()));
  parts.payload = rest.subspan(parts.extensions.size());
  return parts;
}

FrameHeader header_of(const Json& told) {
  return {.length = told.at("length"), .type = static_cast<FrameType>(told.at("type").get<int>()), .stream = told.at("stream"),
          .flags = told.at("flags"), .extension_words = told.at("ext"), .code = told.at("code"), .credit = told.at("credit")};
}

template <std::size_t N>
void copy_into(std::optional<std::array<std::uint8_t, N>>& out, const Json& told, const char* key) {
  if (!told.contains(key)) return;
  const Bytes bytes = hex(told, key);
  ASSERT_EQ(bytes.size(), N);
  std::copy(bytes.begin(), bytes.end(), out.emplace().begin());
}

Extensions extensions_of(const Json& told) {
  Extensions out;
  if (told.contains("timeout_ms")) out.timeout_ms = told.at("timeout_ms");
  copy_into(out.traceparent, told, "traceparent");
  copy_into(out.idempotency_key, told, "idempotency_key");
  if (told.contains("priority")) out.priority = told.at("priority");
  if (told.contains("encoding")) out.encoding = told.at("encoding");
  if (told.contains("epoch")) out.epoch = std::stoull(told.at("epoch").get<std::string>());  // text: 64 bits
  if (told.contains("unknown_critical")) out.unknown_critical = told.at("unknown_critical");
  return out;
}

Metadata metadata_of(const Json& told) {
  Metadata out;
  for (const Json& entry : told) out.emplace_back(entry.at(0), as_text(from_hex(entry.at(1).get<std::string>()).value()));
  return out;
}

struct StillClock : Clock {
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1)); }
};

/// An acceptor with the test service whose peer has said HELLO.
struct Acceptor : ChannelEvents {
  Acceptor() {
    endpoint.name = "acceptor";
    endpoint.boot_epoch = 0x2222;
    endpoint.services.add(service);
    channel = std::make_shared<Channel>(Side::acceptor,
                                        Channel::Wiring{endpoint, clock, output, *this, std::make_shared<Identity>(), {}});
    channel->open();
    v1::Hello hello;
    hello.version = 1;
    const Bytes payload = encode(hello);
    Bytes bytes(kPreface.begin(), kPreface.end());
    bytes.resize(kPreface.size() + kHeaderSize);
    write_header({.length = static_cast<std::uint32_t>(payload.size()), .type = FrameType::hello}, bytes.data() + kPreface.size());
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    channel->on_bytes(bytes);
    output.clear();
  }
  ~Acceptor() override { channel->lost(Error{Errc::aborted, "the test is over"}); }
  void on_hello(const v1::Hello&) override {}
  void on_finished(const Error&) override {}
  void on_wakeup(TimePoint) override {}

  StillClock clock;
  Endpoint endpoint;
  test::TestService service;
  ByteQueue output;
  std::shared_ptr<Channel> channel;
};

}  // namespace

TEST(FrameVectors, HeadersAreReadAndWrittenAsTold) {
  for (const Json& vector : frames()) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes frame = hex(vector, "hex");
    const FrameHeader told = header_of(vector.at("header"));
    EXPECT_EQ(read_header(frame.data()), told);
    Bytes written(kHeaderSize);
    write_header(told, written.data());
    EXPECT_EQ(to_hex(written), to_hex(BytesView(frame).first(kHeaderSize)));
  }
}

TEST(FrameVectors, ExtensionsAreReadAndWrittenAsTold) {
  int seen = 0;
  for (const Json& vector : frames()) {
    if (!vector.contains("extensions")) continue;
    SCOPED_TRACE(vector.at("name").get<std::string>());
    ++seen;
    const Bytes frame = hex(vector, "hex");
    const Extensions told = extensions_of(vector.at("extensions"));
    const auto read = read_extensions(parts_of(frame).extensions);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, told);
    if (vector.contains("only_read")) continue;
    EXPECT_EQ(to_hex(write_extensions(told)), to_hex(parts_of(frame).extensions));
  }
  EXPECT_GE(seen, 8);
}

TEST(FrameVectors, MetadataIsReadAndWrittenAsTold) {
  int seen = 0;
  for (const Json& vector : frames()) {
    if (!vector.contains("metadata")) continue;
    SCOPED_TRACE(vector.at("name").get<std::string>());
    ++seen;
    const Bytes frame = hex(vector, "hex");
    const Metadata told = metadata_of(vector.at("metadata"));
    Metadata read;
    const auto message = read_metadata(parts_of(frame).payload, read);
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(read, told);
    EXPECT_EQ(to_hex(*message), vector.at("message").get<std::string>());
    Bytes written = write_metadata(told).value();
    written.insert(written.end(), message->begin(), message->end());
    EXPECT_EQ(to_hex(written), to_hex(parts_of(frame).payload));
  }
  EXPECT_GE(seen, 2);
}

TEST(FrameVectors, BrokenOnesEndTheConnectionOrTheCallAsTold) {
  int ended = 0, refused = 0;
  for (const Json& vector : frames()) {
    const std::string error = vector.value("error", "");
    if (error.empty()) continue;
    SCOPED_TRACE(vector.at("name").get<std::string>());
    Acceptor acceptor;
    acceptor.channel->on_bytes(hex(vector, "hex"));
    EXPECT_EQ(acceptor.channel->over(), error == "connection");
    (error == "connection" ? ended : refused) += 1;
    if (error == "connection") continue;
    ASSERT_EQ(error, "call");
    const Bytes answer = acceptor.output.take();
    ASSERT_GE(answer.size(), kHeaderSize);
    EXPECT_EQ(read_header(answer.data()).type, FrameType::resp);
    EXPECT_EQ(read_header(answer.data()).code, vector.at("status").get<int>());
  }
  EXPECT_GE(ended, 8);
  EXPECT_GE(refused, 5);
}

TEST(ExchangeVectors, ChannelsSendWhatIsRecorded) {
  const Json exchanges = Json::parse(text_of("exchanges.json"));
  for (const Json& exchange : exchanges) {
    const auto played = play(exchange);
    ASSERT_TRUE(played) << played.error().message;
    EXPECT_EQ(played->dump(1), exchange.dump(1)) << "when the wire is meant to change: make_vectors docs/spec/vectors/exchanges.json";
  }
  EXPECT_GE(exchanges.size(), 12u);
}

TEST(ExchangeVectors, AnActThatIsNotUnderstoodIsNamed) {
  const auto played = play(Json::parse(R"({"name":"x","steps":[{"do":"dance","by":"dialer"}]})"));
  ASSERT_FALSE(played);
  EXPECT_EQ(played.error().message, "x: no act is called dance");
}

}  // namespace ghost::b2::conformance
