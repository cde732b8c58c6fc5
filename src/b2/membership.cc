#include "b2/membership.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

namespace ghost::b2 {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxPem = 64 * 1024;
constexpr std::string_view kRevocationsFile = "revocations";

std::string join_command(std::string_view address) {
  return "on it run: ghostlight house join --at " + std::string(address) + " (ask for a code: ghostlight house invite)";
}

std::string node_text(const CertificateInfo& leaf) { return "node '" + leaf.name + "' (" + leaf.node.words() + ")"; }

std::string machine_name() {
  std::array<char, 65> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "node";
  const std::string text(name.data());
  return check_name("name", text) ? text : "node";
}

Result<std::string> node_name(const fs::path& directory, std::string_view wanted) {
  const fs::path path = directory / "node.name";
  auto kept = read_file(path, 256);
  if (!kept && kept.error().code != Errc::not_found) return kept.error();
  if (kept) kept->erase(kept->find_last_not_of('\n') + 1);
  if (kept && (wanted.empty() || wanted == *kept) && check_name("node name", *kept)) return *kept;
  const std::string name = wanted.empty() ? machine_name() : std::string(wanted);
  if (auto ok = check_name("node name", name); !ok) return ok.error();
  if (auto saved = write_file_atomically(path, as_bytes(name + "\n"), 0600); !saved) return saved.error();
  return name;
}

Result<KeyPair> node_key(const fs::path& directory) {
  const fs::path path = directory / "node.key";
  auto key = KeyPair::load(path);
  if (key || key.error().code != Errc::not_found) return key;
  KeyPair made = KeyPair::generate();
  const Status saved = made.save(path);
  if (saved) return made;
  // Another process of ours made one at the same moment: then that is the node's.
  if (saved.error().code == Errc::exists) return KeyPair::load(path);
  return saved.error();
}

}  // namespace

Result<HouseTrust> HouseTrust::from_certificate(BytesView der) {
  auto info = read_certificate(der);
  if (!info) return info.error().in("certificate of the house");
  if (!info->is_house || !is_signed_by(der, info->public_key))
    return Error{Errc::malformed, "certificate of the house: '" + info->name + "' is no house's"};
  return HouseTrust(to_bytes(der), std::move(*info));
}

Result<Identity> HouseTrust::verify_member(std::span<const Bytes> chain, WallTime now, std::string_view address) const {
  const auto refuse = [](std::string message) { return Error{Errc::unauthenticated, std::move(message)}; };
  if (chain.empty()) return refuse(why_stranger_by_tls({}, name(), address));
  const auto leaf = read_certificate(chain.front());
  if (!leaf) return refuse("its certificate is not one of house '" + name() + "' (" + leaf.error().message + "): " + join_command(address));
  if (const Revoked* out = revocations_ ? revocations_->find(leaf->node) : nullptr; out != nullptr)
    return refuse(node_text(*leaf) + " was taken out of house '" + name() + "' on " + format_time(out->since) +
                  "; only the keeper of the house can undo that, by: ghostlight house revoke --undo " + leaf->node.words());
  if (leaf->is_house) return refuse("it shows a house's certificate, not a node's: " + join_command(address));
  if (!is_signed_by(chain.front(), info_.public_key) || leaf->house != name()) {
    if (leaf->house.empty()) return refuse(why_stranger_by_tls(leaf->node, name(), address));
    const std::string which = leaf->house == name() ? "another house of the name '" + leaf->house + "'" : "house '" + leaf->house + "'";
    return refuse(node_text(*leaf) + " is in " + which + ", not in house '" + name() + "' (" + id().words() + "): " + join_command(address));
  }
  if (now < leaf->validity.from)
    return refuse("the certificate of " + node_text(*leaf) + " holds only from " + format_time(leaf->validity.from) + " and it is " +
                  format_time(now) + " here: set the clocks of both machines");
  if (now > leaf->validity.until + kClockTolerance)
    return refuse("the certificate of " + node_text(*leaf) + " expired on " + format_time(leaf->validity.until) + ": " + join_command(address));
  if (now > info_.validity.until + kClockTolerance)
    return refuse("the certificate of the house '" + name() + "' itself expired on " + format_time(info_.validity.until) +
                  ": its keeper makes a house anew and invites everyone again");
  Identity who;
  who.kind = Identity::Kind::member;
  who.roles = leaf->roles;
  who.node = leaf->node;
  who.name = leaf->name;
  return who;
}

WallTime renewal_due(Validity validity) { return validity.until - (validity.until - validity.from) / 3; }

Result<Membership> Membership::from_certificates(std::vector<Bytes> certificates, const PublicKey& own_key, WallTime now,
                                                 std::shared_ptr<const RevocationList> revocations) {
  if (certificates.size() != 2)
    return Error{Errc::malformed, "a membership is two certificates, the node's and the house's; these are " + std::to_string(certificates.size())};
  auto house = HouseTrust::from_certificate(certificates[1]);
  if (!house) return house.error();
  house->set_revocations(std::move(revocations));
  auto own = read_certificate(certificates[0]);
  if (!own) return own.error();
  if (own->public_key != own_key)
    return Error{Errc::refused, "the certificate is for " + node_text(*own) + ", not for this node (" + NodeId::of_public_key(own_key).words() + ")"};
  if (auto valid = house->verify_member(certificates, now, "HOST:2203"); !valid) return valid.error();
  return Membership(std::move(*house), std::move(*own), std::move(certificates));
}

Result<NodeState> NodeState::open_or_create(const fs::path& directory, std::string_view name, WallTime now) {
  if (auto made = make_private_directory(directory); !made) return made.error();
  auto key = node_key(directory);
  if (!key) return key.error();
  auto called = node_name(directory, name);
  if (!called) return called.error();
  NodeState state(directory, std::move(*key), std::move(*called));
  if (auto loaded = state.load_membership(now); !loaded) return loaded.error();
  return state;
}

/// The house's list as it is on disk, unless what is known already is later.
Status NodeState::load_revocations(HouseTrust& house) const {
  const fs::path path = directory_ / kRevocationsFile;
  const auto bytes = read_file(path, RevocationList::kMaxBytes);
  if (!bytes && bytes.error().code == Errc::not_found) return {};
  if (!bytes) return bytes.error();
  auto list = RevocationList::read(as_bytes(*bytes), house.public_key());
  if (!list && list.error().code == Errc::unauthenticated) return {};  // of a house this node was in before
  if (!list) return list.error().in(path.string());
  const RevocationList* known = house.revocations();
  if (known == nullptr || known->number() < list->number()) house.set_revocations(std::make_shared<const RevocationList>(std::move(*list)));
  return {};
}

Status NodeState::load_membership(WallTime now) {
  const fs::path path = directory_ / "membership.pem";
  const auto pem = read_file(path, kMaxPem);
  if (!pem && pem.error().code == Errc::not_found) return {};
  if (!pem) return pem.error();
  auto certificates = certificates_from_pem(*pem);
  if (!certificates) return certificates.error().in(path.string());
  auto house = HouseTrust::from_certificate(certificates->back());
  if (!house) return house.error().in(path.string());
  // A list is not forgotten because its file went, or went back to an older one, while this node runs.
  if (house_ && house_->id() == house->id()) house->set_revocations(house_->shared_revocations());
  if (const Status loaded = load_revocations(*house); !loaded) return loaded;
  const auto list = house->shared_revocations();
  house_ = std::move(*house);
  auto membership = Membership::from_certificates(std::move(*certificates), key_.public_key(), now, list);
  if (membership) {
    membership_ = std::move(*membership);
    problem_.clear();
  } else if (membership.error().code == Errc::unauthenticated) {
    membership_.reset();
    problem_ = membership.error().message;  // the node still runs, as one outside the house
  } else {
    return membership.error().in(path.string());
  }
  return {};
}

Status NodeState::take_revocations(BytesView bytes, WallTime now) {
  if (!house_) return Error{Errc::conflict, "this node is in no house, so no house's list of revoked nodes is its own"};
  auto list = RevocationList::read(bytes, house_->public_key());
  if (!list) return list.error();
  const auto lock = FileLock::acquire(directory_ / "revocations.lock", std::chrono::seconds(2));
  if (!lock) return lock.error();
  if (const Status loaded = load_revocations(*house_); !loaded) return loaded;  // another program of this node may have a later one
  const std::uint64_t known = revocations() ? revocations()->number() : 0;
  if (list->number() < known || (list->number() == known && !std::ranges::equal(bytes, revocations()->bytes()))) {
    return Error{Errc::refused, "list " + std::to_string(list->number()) + " of the house's revoked nodes is not later than list " + std::to_string(known) +
                                    ", which is known here: it is not taken"};
  }
  if (list->number() > known) {
    if (auto saved = write_file_atomically(directory_ / kRevocationsFile, bytes, 0600); !saved) return saved;
    house_->set_revocations(std::make_shared<const RevocationList>(std::move(*list)));
  }
  return load_membership(now);
}

Status NodeState::renew(std::vector<Bytes> certificates, WallTime now) {
  auto renewed = Membership::from_certificates(std::move(certificates), key_.public_key(), now, house_ ? house_->shared_revocations() : nullptr);
  if (!renewed) return renewed.error();
  if (!house_ || renewed->house().id() != house_->id()) return Error{Errc::conflict, "the certificate is of another house than this node's"};
  if (membership_ && renewed->own().validity.until <= membership_->own().validity.until) {
    return Error{Errc::conflict, "the certificate that came holds until " + format_time(renewed->own().validity.until) +
                                     ", and so does the one this node has: is the keeper's clock right?"};
  }
  return join(std::move(*renewed));
}

std::string NodeState::keeper_address() const {
  auto text = read_file(directory_ / "keeper", 512);
  if (!text) return "";
  text->erase(text->find_last_not_of(" \n") + 1);
  return *text;
}

Status NodeState::keep_keeper_address(std::string_view address) const {
  return write_file_atomically(directory_ / "keeper", as_bytes(std::string(address) + "\n"), 0600);
}

Status NodeState::join(Membership membership, LeaveOther leave) {
  if (membership_ && membership_->house().id() != membership.house().id() && leave == LeaveOther::no)
    return Error{Errc::conflict, "this node is in house '" + membership_->house().name() + "' already, and a node is in one at a time: " +
                                     "to move it to '" + membership.house().name() + "' run: ghostlight house join --leave"};
  const auto pem = to_pem(membership.certificates());
  if (!pem) return pem.error();
  if (auto saved = write_file_atomically(directory_ / "membership.pem", as_bytes(*pem), 0600); !saved) return saved;
  // What this house has said of its nodes is known here, or comes soon; what another said is of no use.
  const auto list = house_ && house_->id() == membership.house().id() ? house_->shared_revocations() : nullptr;
  membership.house().set_revocations(list);
  house_ = membership.house();
  membership_ = std::move(membership);
  problem_.clear();
  return {};
}

Result<TlsMaterial> NodeState::tls_material(WallTime now) const {
  if (membership_) return TlsMaterial{membership_->certificates(), key_.to_der()};
  constexpr std::chrono::hours kTenYears{24 * 3653};
  auto lone = make_lone_certificate(key_, name_, Validity::starting(now, kTenYears));
  if (!lone) return lone.error();
  return TlsMaterial{{std::move(*lone)}, key_.to_der()};
}

}  // namespace ghost::b2
