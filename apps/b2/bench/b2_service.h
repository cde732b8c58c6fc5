#pragma once
#include <cstring>
#include <memory>

#include "b2/service.h"

namespace ghost::b2::bench {

inline constexpr std::string_view kServiceName = "b2.bench.v1.Bench";
inline constexpr MethodInfo kMethods[] = {
    {"Echo", MethodKind::unary, "public", true, true},            // answers with the request
    {"Flow", MethodKind::server_stream, "public", true, false},   // u32 size: messages of that size until it is cancelled
};

/// What the bench calls. Messages are plain bytes, so that the protocol is measured and not a codec.
class BenchService final : public Service {
 public:
  const ServiceInfo& info() const override { return info_; }

  void handle(std::size_t method, BytesView request, ServerCall call) override {
    if (method == 0) return call.finish(Payload(request));
    const std::uint32_t size = ByteReader(request).u32();
    if (size > 1024 * 1024) return call.fail(Error{Errc::malformed, "messages of at most 1 MiB"});
    auto flow = std::make_shared<Flow>(Flow{std::move(call), Bytes(size)});
    flow->call.on_cancel([flow] { flow->call.fail(Error{Errc::cancelled, "the caller has enough"}); });
    flow->call.on_ready([flow] { flow->go_on(); });
    flow->go_on();
  }

 private:
  struct Flow {
    ServerCall call;
    Bytes message;

    void go_on() {
      const Payload payload{BytesView(message)};
      while (call.write(payload)) {
      }
    }
  };

  ServiceInfo info_{kServiceName, "v1", kMethods, {}};
};

}  // namespace ghost::b2::bench
