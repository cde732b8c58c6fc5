// docs/spec/vectors/datagrams.json against the code of datagrams, and a server of them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "b2/datagram_callee.h"
#include "base/file.h"

namespace ghost::b2::conformance {

namespace {

using DatagramJson = nlohmann::ordered_json;

const DatagramJson& vectors() {
  static const DatagramJson read = DatagramJson::parse(read_file(GHOST_VECTORS "/datagrams.json", 1024 * 1024).value());
  return read;
}

Bytes bytes_of(const DatagramJson& vector, const char* key) { return from_hex(vector.at(key).get<std::string>()).value(); }
std::uint64_t number_of(const DatagramJson& vector, const char* key) { return std::stoull(vector.at(key).get<std::string>(), nullptr, 16); }
std::uint32_t hash_of(const std::string& path) {
  const auto slash = path.find('/');
  return method_hash(path.substr(0, slash), path.substr(slash + 1));
}

DatagramKeys session_keys() { return derive_datagram_keys(bytes_of(vectors(), "secret"), number_of(vectors(), "session")); }

/// A server as the vectors' exchanges have it.
class VectorServer {
 public:
  VectorServer() {
    endpoint.name = "server";
    endpoint.boot_epoch = 0x2222;
    endpoint.services.add(service);
    std::array<std::uint8_t, 32> key{};
    key.fill(7);
    callee = std::make_shared<DatagramCallee>(DatagramCallee::Wiring{endpoint, clock, {}, {}, {}}, key);
    auto member = std::make_shared<Identity>();
    member->kind = Identity::Kind::member;
    EXPECT_TRUE(callee->open_session(number_of(vectors(), "session"), session_keys(), member));
  }
  ~VectorServer() { callee->close(); }

  std::vector<std::string> hear(const DatagramJson& step) {
    DatagramPeer peer;
    peer.ip4 = true;
    peer.host = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    peer.port = 40'000;
    callee->on_datagram(bytes_of(step, "hex"), peer);
    std::vector<std::string> told;
    for (const auto& datagram : callee->take_outgoing()) told.push_back(to_hex(datagram.bytes));
    return told;
  }

 private:
  struct StandingClock : Clock {
    TimePoint now() const override { return TimePoint(std::chrono::seconds(1000)); }
  };
  class EchoService : public Service {
   public:
    const ServiceInfo& info() const override { return info_; }
    void handle(std::size_t method, BytesView request, ServerCall call) override {
      const Bytes longest(record_room(DatagramForm::plain, kAnswerRecord) + 1);
      call.finish(Payload(method == 0 ? request : BytesView(longest)));
    }

   private:
    static constexpr MethodInfo kEchoMethods[] = {{"Echo", MethodKind::unary, "public", true, true}, {"Long", MethodKind::unary, "public", true, true}};
    ServiceInfo info_{"test.Echo", "v1", kEchoMethods, {}};
  };

  StandingClock clock;
  Endpoint endpoint;
  EchoService service;
  std::shared_ptr<DatagramCallee> callee;
};

}  // namespace

TEST(DatagramVectors, KeysAreDerivedAsTold) {
  const DatagramKeys keys = session_keys();
  for (const auto& [name, key] : {std::pair{"to_server", keys.to_server}, std::pair{"to_caller", keys.to_caller}}) {
    Bytes both(key.key.begin(), key.key.end());
    both.insert(both.end(), key.iv.begin(), key.iv.end());
    EXPECT_EQ(to_hex(both), vectors().at("keys").at(name).get<std::string>());
  }
}

TEST(DatagramVectors, DatagramsAreReadAndWrittenAsTold) {
  const DatagramKeys keys = session_keys();
  int sealed = 0;
  for (const DatagramJson& vector : vectors().at("datagrams")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes datagram = bytes_of(vector, "hex");
    ASSERT_EQ(form_of(datagram), static_cast<DatagramForm>(vector.at("form").get<int>()));
    const auto head = read_head(datagram);
    ASSERT_TRUE(head);
    EXPECT_EQ(static_cast<int>(head->kind), vector.at("kind").get<int>());
    EXPECT_EQ(head->id, number_of(vector, "id"));
    EXPECT_EQ(head->number, number_of(vector, "number"));

    const bool to_server = vector.value("direction", "") == "to_server";
    DatagramSeal sender(to_server ? keys.to_server : keys.to_caller, to_server ? keys.to_caller : keys.to_server);
    DatagramSeal receiver(to_server ? keys.to_caller : keys.to_server, to_server ? keys.to_server : keys.to_caller);
    BytesView inside = BytesView(datagram).subspan(kDatagramHead);
    if (head->form == DatagramForm::sealed) {
      ++sealed;
      const auto opened = receiver.open(datagram, head->number);
      ASSERT_TRUE(opened);
      inside = *opened;
    }
    std::vector<CallRecord> calls;
    std::vector<AnswerRecord> answers;
    const auto body = head->kind == DatagramKind::call ? read_calls(inside, calls) : read_answers(inside, answers);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(to_hex(body->cookie), vector.at("cookie").get<std::string>());
    EXPECT_EQ(body->epoch, number_of(vector, "epoch"));
    EXPECT_EQ(body->mark, number_of(vector, "mark"));

    DatagramWriter writer(*head, *body);
    ASSERT_EQ(vector.at("records").size(), calls.size() + answers.size());
    for (std::size_t i = 0; i < vector.at("records").size(); ++i) {
      const DatagramJson& told = vector.at("records").at(i);
      if (head->kind == DatagramKind::call) {
        EXPECT_EQ(calls[i].method, hash_of(told.at("method")));
        EXPECT_EQ(calls[i].sequence, told.at("sequence").get<std::uint64_t>());
        EXPECT_EQ(calls[i].timeout_ms, told.at("timeout_ms").get<std::uint32_t>());
        EXPECT_EQ(to_hex(calls[i].request), told.at("request").get<std::string>());
        EXPECT_TRUE(writer.fits(kCallRecord + calls[i].request.size()));
        writer.add(calls[i]);
      } else {
        EXPECT_EQ(answers[i].sequence, told.at("sequence").get<std::uint64_t>());
        EXPECT_EQ(static_cast<int>(answers[i].state), told.at("state").get<int>());
        EXPECT_EQ(answers[i].status, told.at("status").get<int>());
        EXPECT_EQ(to_hex(answers[i].payload), told.at("answer").get<std::string>());
        EXPECT_TRUE(writer.fits(kAnswerRecord + answers[i].payload.size()));
        writer.add(answers[i]);
      }
    }
    Bytes written = writer.take();
    if (head->form == DatagramForm::sealed) sender.seal(written, head->number);
    EXPECT_EQ(to_hex(written), to_hex(datagram));
  }
  EXPECT_GE(sealed, 4);
}

TEST(DatagramVectors, PureOnesAreReadAndWrittenAsTold) {
  for (const DatagramJson& vector : vectors().at("pure")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const Bytes datagram = bytes_of(vector, "hex");
    ASSERT_EQ(form_of(datagram), DatagramForm::pure);
    if (vector.at("kind") == 1) {
      PureCall call;
      ASSERT_TRUE(read_pure_call(datagram, call));
      EXPECT_EQ(call.method, hash_of(vector.at("method")));
      EXPECT_EQ(call.nonce, number_of(vector, "nonce"));
      EXPECT_EQ(to_hex(call.request), vector.at("request").get<std::string>());
      EXPECT_EQ(to_hex(write_pure_call(call, datagram.size()).value()), to_hex(datagram));
    } else {
      const auto answer = read_pure_answer(datagram);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, vector.at("status").get<int>());
      EXPECT_EQ(to_hex(answer->payload), vector.at("answer").get<std::string>());
      EXPECT_EQ(to_hex(write_pure_answer(*answer, kMaxDatagram)), to_hex(datagram));
    }
  }
}

TEST(DatagramVectors, MalformedOnesGetNoAnswer) {
  VectorServer server;
  for (const DatagramJson& vector : vectors().at("malformed")) EXPECT_TRUE(server.hear(vector).empty()) << vector.at("name");
  EXPECT_GE(vectors().at("malformed").size(), 12u);
}

TEST(DatagramVectors, AServerSaysWhatIsRecorded) {
  for (const DatagramJson& exchange : vectors().at("exchanges")) {
    SCOPED_TRACE(exchange.at("name").get<std::string>());
    VectorServer server;
    const DatagramJson& steps = exchange.at("steps");
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps.at(i).at("from") != "caller") continue;
      std::vector<std::string> told;
      for (std::size_t next = i + 1; next < steps.size() && steps.at(next).at("from") == "server"; ++next) told.push_back(steps.at(next).at("hex"));
      EXPECT_EQ(server.hear(steps.at(i)), told) << "step " << i;
    }
  }
  EXPECT_GE(vectors().at("exchanges").size(), 8u);
}

}  // namespace ghost::b2::conformance
