#include <cstdlib>

#include "b2/membership.h"

using namespace ghost;

// A house whose key nobody has: whatever a stranger shows, it must never be taken for a member.
static const b2::HouseTrust& house() {
  static const b2::HouseTrust trust = [] {
    const KeyPair key = KeyPair::generate();
    const auto validity = b2::Validity::starting(WallTime(std::chrono::seconds(1'770'000'000)), std::chrono::hours(24));
    return b2::HouseTrust::from_certificate(b2::make_house_certificate(key, "Archive", validity).value()).value();
  }();
  return trust;
}

// The input is a chain of two: the first two bytes tell where it is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in({data, size});
  const std::size_t first = in.u16();
  std::vector<Bytes> chain = {to_bytes(in.take(std::min(first, in.remaining()))), to_bytes(in.rest())};
  const WallTime now(std::chrono::seconds(1'770'000'000));
  if (house().verify_member(chain, now, "keeper:2203")) std::abort();
  (void)b2::certificates_from_pem(as_text({data, size}));
  const auto leaf = b2::read_certificate(chain[0]);
  if (leaf) (void)b2::Membership::from_certificates(chain, leaf->public_key, now);
  return 0;
}
