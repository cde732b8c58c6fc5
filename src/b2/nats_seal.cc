#include "b2/nats_seal.h"

#include <array>
#include <span>
#include <string>
#include <utility>

namespace ghost::b2 {

namespace {

constexpr std::string_view kSealDomain = "b2 nats";
constexpr std::size_t kMostKnown = 1024;
constexpr std::chrono::seconds kKnownFor{60};  ///< a certificate is looked at again with each hello; without one no longer than this

}  // namespace

Bytes seal_for_nats(const KeyPair& key, const v1::NatsEnvelope& envelope) {
  const std::size_t size = encoded_size(envelope);
  Bytes sealed(sizeof(Signature) + size);
  write_before(envelope, sealed.data() + sealed.size());
  const Signature signature = key.sign(kSealDomain, BytesView(sealed).subspan(sizeof(Signature)));
  std::copy(signature.begin(), signature.end(), sealed.begin());
  return sealed;
}

NatsOpener::NatsOpener(const HouseTrust& house) : state_(State{std::make_shared<const HouseTrust>(house), {}}) {}

void NatsOpener::set_house(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked) {
  state_.with([&](State& state) {
    state.house = std::make_shared<const HouseTrust>(house);
    std::erase_if(state.known, [&](const auto& one) { return is_revoked(*one.second.identity); });
  });
}

/// Whose id the envelope names: proven by the certificate it brings, or by one that came before.
Result<std::shared_ptr<const Identity>> NatsOpener::sender(const v1::NatsEnvelope& envelope, WallTime now) {
  if (envelope.hello) {
    const std::array<Bytes, 1> chain{envelope.hello->certificate};
    const auto house = state_.with([](const State& state) { return state.house; });
    auto member = house->verify_member(std::span<const Bytes>(chain), now, "");
    if (!member) return member.error();
    if (to_bytes(member->node.bytes) != envelope.node) return Error{Errc::unauthenticated, "a hello with the certificate of another node"};
    const auto certificate = read_certificate(chain.front());
    if (!certificate) return certificate.error();
    member->public_key = to_bytes(certificate->public_key);
    member->where = "NATS";
    std::shared_ptr<const Identity> identity = std::make_shared<const Identity>(std::move(*member));
    return identity;
  }
  return state_.with([&](const State& state) -> Result<std::shared_ptr<const Identity>> {
    const auto found = state.known.find(envelope.node);
    if (found == state.known.end() || now > found->second.checked + kKnownFor) return Error{Errc::not_found, "its sender has not said hello"};
    return found->second.identity;
  });
}

Result<NatsOpener::Opened> NatsOpener::open(BytesView bytes, WallTime now) {
  if (bytes.size() < sizeof(Signature)) return Error{Errc::malformed, "shorter than a signature"};
  const BytesView body = bytes.subspan(sizeof(Signature));
  auto envelope = decode<v1::NatsEnvelope>(body);
  if (!envelope) return envelope.error();
  auto from = sender(*envelope, now);
  if (!from) return from.error();
  if (!verify_signature((*from)->public_key, kSealDomain, body, bytes.first(sizeof(Signature)))) {
    return Error{Errc::unauthenticated, "not signed by " + (*from)->name};
  }
  const auto sent = WallTime(std::chrono::milliseconds(std::min<std::uint64_t>(envelope->sent_ms, std::uint64_t{1} << 43)));
  if (sent < now - kNatsWindow || sent > now + kNatsWindow) {
    const auto apart = std::chrono::duration_cast<std::chrono::seconds>(now - sent).count();
    return Error{Errc::refused, "sent " + std::to_string(apart < 0 ? -apart : apart) + (apart < 0 ? " s in the future" : " s ago") + " by the clock of " +
                                    (*from)->name + ": late, repeated, or the clocks differ"};
  }
  if (envelope->hello) {
    state_.with([&](State& state) {
      auto& known = state.known;
      if (known.size() >= kMostKnown) std::erase_if(known, [&](const auto& one) { return now > one.second.checked + kKnownFor; });
      if (known.size() < kMostKnown) known[envelope->node] = Known{*from, now};
    });
  }
  return Opened{std::move(*from), std::move(*envelope)};
}

}  // namespace ghost::b2
