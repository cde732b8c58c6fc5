#include "b2/house.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/units.h"

namespace ghost::b2 {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t kMaxList = 64 * 1024 * 1024, kMaxHousePem = 64 * 1024;
constexpr std::chrono::seconds kLockPatience{5};

fs::path house_directory(const fs::path& state) { return state / "house"; }

Result<FileLock> lock(const fs::path& directory) { return FileLock::acquire(directory / "lock", kLockPatience); }

std::int64_t unix_seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

WallTime from_unix_seconds(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

// One member a line, for grep and for eyes.
std::string member_line(const Member& member) {
  return json{{"node", member.node.hex()}, {"name", member.name}, {"roles", member.roles.text()},
              {"joined", unix_seconds(member.joined)}, {"expires", unix_seconds(member.expires)}}.dump() + "\n";
}

Result<Member> read_member(std::string_view line) {
  const Error damaged{Errc::data_loss, "a line of the list of members is damaged"};
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return damaged;
  try {
    const auto bytes = from_hex(object.value("node", std::string()));
    const auto node = bytes ? NodeId::from_bytes(*bytes) : Result<NodeId>(bytes.error());
    const auto roles = Roles::parse(object.value("roles", std::string()));
    if (!node || !roles) return damaged;
    return Member{*node, object.value("name", std::string()), *roles, from_unix_seconds(object.value("joined", std::int64_t{0})),
                  from_unix_seconds(object.value("expires", std::int64_t{0}))};
  } catch (const json::exception&) {
    return damaged;
  }
}

Result<KeyPair> house_key(const fs::path& directory) {
  auto key = KeyPair::load(directory / "house.key");
  if (key || key.error().code != Errc::not_found) return key;
  KeyPair made = KeyPair::generate();
  if (auto saved = made.save(directory / "house.key"); !saved) return saved.error();
  return made;
}

}  // namespace

std::string NewInvitation::text(std::string_view address) const {
  const std::string with = roles.empty() ? "no roles" : "the roles " + roles.text();
  return "An invitation to the house '" + house + "' with " + with + ", good once, until " + format_time(expires) + ".\n" +
         "On the machine that joins run\n\n  ghostlight house join --at " + std::string(address) + "\n\nand give it this code:\n\n" +
         code.text_in_lines() + "\n";
}

// house.pem comes last: it is what makes a house of the directory, so a making that was cut short is finished by the next try.
Result<House> House::create(NodeState& node, std::string_view name, WallTime now) {
  if (auto ok = check_name("house name", name); !ok) return ok.error();
  const fs::path directory = house_directory(node.directory());
  if (auto made = make_private_directory(directory); !made) return made.error();
  const auto held = lock(directory);
  if (!held) return held.error();
  if (std::error_code ignored; fs::exists(directory / "house.pem", ignored))
    return Error{Errc::exists, "there is a house in " + directory.string() + " already (see: ghostlight house show)"};
  auto key = house_key(directory);
  if (!key) return key.error();
  if (node.membership() && node.membership()->house().public_key() != key->public_key())
    return Error{Errc::conflict, "this node is in house '" + node.membership()->house().name() +
                                     "' already: keep a second house in a state directory of its own (--state DIR)"};
  const auto certificate = make_house_certificate(*key, name, Validity::starting(now, kHouseValidity));
  if (!certificate) return certificate.error();
  auto trust = HouseTrust::from_certificate(*certificate);
  if (!trust) return trust.error();
  House house(directory, std::move(*key), std::move(*trust));
  if (auto joined = house.take_in_keeper(node, now); !joined) return joined.error();
  const auto pem = to_pem({*certificate});
  if (!pem) return pem.error();
  if (auto saved = create_file(directory / "house.pem", as_bytes(*pem), 0600); !saved) return saved.error();
  return house;
}

Status House::take_in_keeper(NodeState& node, WallTime now) const {
  auto leaf = issue_locked(node.key().public_key(), node.name(), Roles::all(), now);
  if (!leaf) return leaf.error();
  auto membership = Membership::from_certificates({std::move(*leaf), trust_.certificate()}, node.key().public_key(), now);
  if (!membership) return membership.error();
  return node.join(std::move(*membership));
}

Result<House> House::open(const fs::path& state_directory) {
  const fs::path directory = house_directory(state_directory);
  const auto pem = read_file(directory / "house.pem", kMaxHousePem);
  if (!pem && pem.error().code == Errc::not_found)
    return Error{Errc::not_found, "no house is kept in " + state_directory.string() + ": make one by: ghostlight house create NAME"};
  if (!pem) return pem.error();
  const auto certificates = certificates_from_pem(*pem);
  if (!certificates) return certificates.error().in((directory / "house.pem").string());
  auto trust = HouseTrust::from_certificate(certificates->front());
  if (!trust) return trust.error();
  auto key = KeyPair::load(directory / "house.key");
  if (!key) return key.error();
  if (key->public_key() != trust->public_key())
    return Error{Errc::data_loss, directory.string() + ": house.key is not the key of house.pem; put both back from one backup"};
  return House(directory, std::move(*key), std::move(*trust));
}

Result<Bytes> House::issue(const PublicKey& member, std::string_view node_name, Roles roles, WallTime now) const {
  const auto held = lock(directory_);
  if (!held) return held.error();
  return issue_locked(member, node_name, roles, now);
}

Result<Bytes> House::issue_locked(const PublicKey& member, std::string_view node_name, Roles roles, WallTime now) const {
  const Validity validity = Validity::starting(now, kMemberValidity);
  auto certificate = make_member_certificate(key_, trust_.name(), member, node_name, roles, validity);
  if (!certificate) return certificate;
  const Member noted{NodeId::of_public_key(member), std::string(node_name), roles, now, validity.until};
  if (auto saved = note_member(noted); !saved) return saved.error();
  return certificate;
}

Result<NewInvitation> House::invite(const PublicKey& server_key, Roles roles, Duration valid_for, WallTime now) const {
  if (valid_for < std::chrono::minutes(1) || valid_for > std::chrono::hours(24 * 30))
    return Error{Errc::malformed, "an invitation holds from 1 minute to 30 days, not " + format_duration(valid_for)};
  const auto held = lock(directory_);
  if (!held) return held.error();
  auto invitations = load_invitations();
  if (!invitations) return invitations.error();
  const WallTime expires = now + std::chrono::duration_cast<WallTime::duration>(valid_for);
  NewInvitation made{OneTimeCode::make(server_key), trust_.name(), roles, expires};
  if (auto added = invitations->add({made.code.verifier(), roles, expires, 0, {}}, now); !added) return added.error();
  if (auto saved = save_invitations(*invitations); !saved) return saved.error();
  return made;
}

Result<Welcome> House::redeem(const Redemption& redemption, WallTime now) const {
  if (auto ok = check_name("node name", redemption.node_name); !ok) return ok.error();
  const auto held = lock(directory_);
  if (!held) return held.error();
  if (const auto out = revoked(NodeId::of_public_key(redemption.public_key)); !out) {
    return out.error();
  } else if (*out) {
    return Error{Errc::refused, "this node was taken out of the house '" + trust_.name() + "' on " + format_time((*out)->since) +
                                    ": its keeper undoes that by: ghostlight house revoke --undo " + (*out)->node.words()};
  }
  auto invitations = load_invitations();
  if (!invitations) return invitations.error();
  const auto roles = invitations->redeem(redemption, now);
  // On disk before anything is answered: neither a use nor a wrong proof is forgotten when the machine stops here.
  if (roles || roles.error().code == Errc::unauthenticated) {
    if (auto saved = save_invitations(*invitations); !saved) return saved.error();
  }
  if (!roles) return roles.error();
  auto leaf = issue_locked(redemption.public_key, redemption.node_name, *roles, now);
  if (!leaf) return leaf.error();
  return Welcome{{std::move(*leaf), trust_.certificate()}, trust_.name(), *roles};
}

Result<Welcome> House::renew(const PublicKey& member, std::string_view node_name, Roles shown, WallTime now) const {
  const auto held = lock(directory_);
  if (!held) return held.error();
  const NodeId node = NodeId::of_public_key(member);
  const auto out = revoked(node);
  if (!out) return out.error();
  if (*out) return Error{Errc::refused, "this node was taken out of the house '" + trust_.name() + "' on " + format_time((*out)->since)};
  const auto all = members();
  if (!all) return all.error();
  Roles roles = shown;
  for (const Member& one : *all)
    if (one.node == node) roles = one.roles;
  auto leaf = issue_locked(member, node_name, roles, now);
  if (!leaf) return leaf.error();
  return Welcome{{std::move(*leaf), trust_.certificate()}, trust_.name(), roles};
}

/// The list as this machine knows it: that of its node, which hears of what other members have.
Result<std::optional<RevocationList>> House::revocations() const {
  const fs::path path = directory_.parent_path() / "revocations";
  const auto bytes = read_file(path, RevocationList::kMaxBytes);
  if (!bytes && bytes.error().code == Errc::not_found) return std::optional<RevocationList>();
  if (!bytes) return bytes.error();
  auto list = RevocationList::read(as_bytes(*bytes), trust_.public_key());
  if (!list) return list.error().in(path.string());
  return std::optional(std::move(*list));
}

Result<std::optional<Revoked>> House::revoked(const NodeId& node) const {
  const auto list = revocations();
  if (!list) return list.error();
  const Revoked* found = *list ? (*list)->find(node) : nullptr;
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

Result<Member> House::find_member(std::string_view wanted) const {
  const auto all = members();
  if (!all) return all.error();
  std::vector<Member> found;
  for (const Member& one : *all)
    if (one.name == wanted || one.node.words() == wanted || one.node.hex() == wanted) found.push_back(one);
  if (found.size() == 1) return found.front();
  if (found.empty()) return Error{Errc::not_found, "no member is called '" + std::string(wanted) + "': 'ghostlight house list' tells their names and words"};
  std::string words;
  for (const Member& one : found) words += (words.empty() ? "" : ", ") + one.node.words();
  return Error{Errc::conflict, std::to_string(found.size()) + " members are called '" + std::string(wanted) + "': say which by its words, of " + words};
}

/// The next list. Its number is also the time, so that a keeper that was put back from a backup goes on above what it once gave out.
Status House::publish(NodeState& keeper, std::vector<Revoked> nodes, WallTime now) const {
  const auto known = revocations();
  if (!known) return known.error();
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(1, unix_seconds(now)));
  const auto list = RevocationList::make(key_, *known ? std::max((*known)->number() + 1, seconds) : seconds, now, std::move(nodes));
  if (!list) return list.error();
  return keeper.take_revocations(list->bytes(), now);
}

Result<Member> House::revoke(NodeState& keeper, std::string_view node, WallTime now) const {
  const auto held = lock(directory_);
  if (!held) return held.error();
  auto member = find_member(node);
  if (!member) return member;
  if (member->node == keeper.id()) return Error{Errc::refused, "'" + member->name + "' keeps the house, and can't be taken out of it"};
  if (member->revoked) return Error{Errc::conflict, "'" + member->name + "' was taken out on " + format_time(*member->revoked) + " already"};
  const auto known = revocations();
  if (!known) return known.error();
  std::vector<Revoked> nodes = *known ? (*known)->nodes() : std::vector<Revoked>();
  // Whose last certificate has long expired needs no list to keep it out.
  std::erase_if(nodes, [&](const Revoked& one) { return one.since + kMemberValidity + std::chrono::hours(24 * 60) < now; });
  nodes.push_back({member->node, from_unix_seconds(unix_seconds(now))});
  if (const Status published = publish(keeper, std::move(nodes), now); !published) return published.error();
  member->revoked = from_unix_seconds(unix_seconds(now));
  return member;
}

Result<Member> House::restore(NodeState& keeper, std::string_view node, WallTime now) const {
  const auto held = lock(directory_);
  if (!held) return held.error();
  auto member = find_member(node);
  if (!member) return member;
  if (!member->revoked) return Error{Errc::conflict, "'" + member->name + "' is in the house"};
  const auto known = revocations();
  if (!known) return known.error();
  std::vector<Revoked> nodes = (*known)->nodes();
  std::erase_if(nodes, [&](const Revoked& one) { return one.node == member->node; });
  if (const Status published = publish(keeper, std::move(nodes), now); !published) return published.error();
  member->revoked.reset();
  return member;
}

Result<Invitations> House::load_invitations() const {
  const fs::path path = directory_ / "invitations.json";
  const auto text = read_private_file(path, kMaxList);
  if (!text && text.error().code == Errc::not_found) return Invitations();
  if (!text) return text.error();
  auto parsed = Invitations::from_json(*text);
  if (!parsed) return parsed.error().in(path.string());
  return parsed;
}

Status House::save_invitations(const Invitations& invitations) const {
  return write_file_atomically(directory_ / "invitations.json", as_bytes(invitations.to_json()), 0600);
}

Status House::note_member(const Member& member) const {
  auto all = members();
  if (!all) return all.error();
  const auto known = std::find_if(all->begin(), all->end(), [&](const Member& old) { return old.node == member.node; });
  if (known == all->end()) {
    all->push_back(member);
  } else {
    const WallTime joined = known->joined;
    *known = member;
    known->joined = joined;
  }
  std::string text;
  for (const Member& one : *all) text += member_line(one);
  return write_file_atomically(directory_ / "members.ndjson", as_bytes(text), 0600);
}

Result<std::vector<Member>> House::members() const {
  const fs::path path = directory_ / "members.ndjson";
  const auto text = read_file(path, kMaxList);
  if (!text && text.error().code == Errc::not_found) return std::vector<Member>();
  if (!text) return text.error();
  std::vector<Member> all;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto member = read_member(rest.substr(0, end));
    if (!member) return member.error().in(path.string());
    all.push_back(std::move(*member));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto list = revocations();
  if (!list) return list.error();
  for (Member& one : all)
    if (const Revoked* out = *list ? (*list)->find(one.node) : nullptr; out != nullptr) one.revoked = out->since;
  return all;
}

Result<std::vector<Invitation>> House::open_invitations(WallTime now) const {
  auto invitations = load_invitations();
  if (!invitations) return invitations.error();
  std::vector<Invitation> open;
  for (const Invitation& one : invitations->all())
    if (one.used_by.is_none() && one.expires >= now && one.wrong_proofs < Invitations::kMaxWrongProofs) open.push_back(one);
  return open;
}

}  // namespace ghost::b2
