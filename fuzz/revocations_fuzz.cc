#include <cstdlib>

#include "b2/revocation_list.h"

using namespace ghost;

// The house of docs/spec/vectors/house.json, whose key everyone knows; what its corpus says is signed by it. Whatever else a
// stranger sends is read without harm, and what is taken is written back as it came, but for the three bytes that say nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const KeyPair house = [] {
    Bytes der = from_hex("302e020100300506032b657004220420").value();
    for (std::uint8_t i = 0; i < 32; ++i) der.push_back(i);
    return KeyPair::from_der(der).value();
  }();
  const auto list = b2::RevocationList::read({data, size}, house.public_key());
  if (!list) return 0;
  const auto again = b2::RevocationList::make(house, list->number(), list->made(), list->nodes());
  if (!again || again->nodes() != list->nodes()) std::abort();
  for (const b2::Revoked& one : list->nodes()) {
    if (list->find(one.node) != &one) std::abort();
  }
  return 0;
}
