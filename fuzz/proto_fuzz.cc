// The first byte chooses a message; what decodes must be written and read again as the same.
#include <cstdint>
#include <cstdlib>

#include "b2/message.h"
#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/hello.b2.h"
#include "b2/v1/host.b2.h"
#include "b2/v1/house.b2.h"

namespace {

template <class M>
void round_trip(ghost::BytesView bytes) {
  const auto message = ghost::b2::decode<M>(bytes);
  if (!message) return;
  // Bytes are compared, not messages: no NaN is equal to itself.
  const ghost::Bytes written = ghost::b2::encode(*message);
  const auto again = ghost::b2::decode<M>(written);
  if (!again || ghost::b2::encode(*again) != written) std::abort();
  // Over a message that was used before, too.
  M over = *message;
  if (!decode(written, over) || ghost::b2::encode(over) != written) std::abort();
}

namespace v1 = ghost::b2::v1;
namespace test = ghost::b2::test::v1;

constexpr void (*kMessages[])(ghost::BytesView) = {
    round_trip<v1::Hello>,         round_trip<v1::ServiceEntry>,  round_trip<v1::DescribeRequest>, round_trip<v1::DescribeResponse>,
    round_trip<v1::HealthRequest>, round_trip<v1::HealthResponse>, round_trip<v1::StatsResponse>,  round_trip<v1::LimitsResponse>,
    round_trip<v1::HostState>,     round_trip<v1::WatchRequest>,  round_trip<v1::RestartRequest>,  round_trip<v1::JoinRequest>,
    round_trip<v1::JoinResponse>,  round_trip<test::Kinds>,       round_trip<test::Tree>,          round_trip<test::Words>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kMessages[data[0] % std::size(kMessages)]({data + 1, size - 1});
  return 0;
}
