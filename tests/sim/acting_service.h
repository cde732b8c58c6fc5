#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "b2/endpoint.h"
#include "b2/service.h"
#include "machine.h"
#include "truth.h"

namespace ghost::b2::test {

inline constexpr std::string_view kActing = "proof.v1.Acting";
inline constexpr MethodInfo kActs[] = {
    {"Act", MethodKind::unary, "public", true, false},
    {"Look", MethodKind::unary, "public", true, true},
    {"Count", MethodKind::server_stream, "public", true, false},
    {"Collect", MethodKind::client_stream, "public", true, false},
    {"Mirror", MethodKind::bidirectional, "public", true, false},
};

/// How a unary call is to be answered.
enum class Mode : std::uint8_t { at_once, later, fail_later, by_worker, forget, count_ };

/// What a caller asks: the first bytes of a request, or of the first message of a stream.
struct Ask {
  std::uint64_t attempt = 0;
  Mode mode{};
  std::uint32_t delay_ms = 0;
  std::uint32_t count = 0;  ///< of messages, of Count
  std::uint32_t size = 0;   ///< of the answer, or of each of its messages

  static constexpr std::size_t kSize = 21;
  Bytes write(std::size_t padded_to = 0) const;
  static Ask read(BytesView bytes);
};

std::uint64_t fold(std::uint64_t hash, BytesView bytes);

/// Does what it is asked, some of it later, and writes into the history what it did.
class ActingService final : public Service {
 public:
  ActingService(Machine& machine, Truth& truth) : machine_(machine), truth_(truth) {}
  const ServiceInfo& info() const override { return info_; }
  void handle(std::size_t method, BytesView request, ServerCall call) override;

  /// Ends what is still open: the program ends.
  void close();

 private:
  struct Acting;
  using Held = std::shared_ptr<Acting>;

  Held hold(ServerCall call);
  void later(std::uint32_t ms, std::function<void()> work);
  void when_cancelled(const Held& held);
  void finish(const Held& held, const Payload& answer = {});
  void fail(const Held& held, const Error& error);
  void act(const Ask& ask, ServerCall call);
  void answer(const Held& held);
  void count(const Ask& ask, ServerCall call);
  void go_on(const Held& held);
  void collect(ServerCall call);
  void mirror(ServerCall call);
  void begin_stream(const Held& held, BytesView first);

  Machine& machine_;
  Truth& truth_;
  std::set<Held> held_;
  std::map<std::uint64_t, net::Timer> timers_;
  std::uint64_t last_timer_ = 0;
  ServiceInfo info_{kActing, "v1", kActs, {}};
};

}  // namespace ghost::b2::test
