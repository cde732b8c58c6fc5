#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "b2/house.h"
#include "b2/message.h"
#include "b2/qr_picture.h"
#include "b2/v1/house.b2.h"
#include "base/file.h"
#include "verbs.h"
#include "app/session_service.h"

namespace ghost::app {

namespace {

WallTime now() { return std::chrono::system_clock::now(); }

std::string date(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min);
}

/// The node of --state, and where that is.
struct Here {
  Places where;
  b2::NodeState node;
};

Result<Here> here(const Arguments& arguments, std::string_view node_name = "") {
  auto where = places(arguments);
  if (!where) return where.error();
  auto node = b2::NodeState::open_or_create(where->state, node_name, now());
  if (!node) return node.error();
  return Here{std::move(*where), std::move(*node)};
}

int create(const Arguments& arguments) {
  auto node = here(arguments, arguments.text("name"));
  if (!node) return complain("ghostlight", node.error());
  const auto house = b2::House::create(node->node, arguments.text("NAME"), now());
  if (!house) return complain("ghostlight", house.error());
  std::cout << "House '" << house->trust().name() << "' (" << house->trust().id().words() << ") is made; " << node->node.name()
            << " keeps its key in " << (node->where.state / "house").string() << ".\nInvite another machine with: ghostlight house invite\n";
  return code(Exit::done);
}

int invite(const Arguments& arguments) {
  auto node = here(arguments);
  if (!node) return complain("ghostlight", node.error());
  const auto house = b2::House::open(node->where.state);
  if (!house) return complain("ghostlight", house.error());
  const auto roles = b2::Roles::parse(arguments.text("roles", "listen"));
  if (!roles) return complain("ghostlight", roles.error());
  const std::string minutes_text = arguments.text("minutes", "60");
  const int minutes = std::atoi(minutes_text.c_str());
  const auto invitation = house->invite(node->node.key().public_key(), *roles, std::chrono::minutes(minutes), now());
  if (!invitation) return complain("ghostlight", invitation.error());
  const std::string at = arguments.text("at", "HOST:2203");
  if (arguments.has("json")) {
    const nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"house", invitation->house}, {"code", invitation->code.text()},
                                         {"roles", invitation->roles.names()}, {"expires", date(invitation->expires)}};
    std::cout << line.dump() << "\n";
    return code(Exit::done);
  }
  std::cout << invitation->text(at) << "\n";
  if (::isatty(STDOUT_FILENO) != 0) {
    if (const auto picture = b2::qr_picture(invitation->code.text(), std::getenv("NO_COLOR") == nullptr ? b2::PictureColours::fixed : b2::PictureColours::plain)) std::cout << "\n" << *picture << "\n";
  }
  return code(Exit::done);
}

/// The code, from --code-file, the environment or a prompt: never from an argument, which every user of the machine can read.
Result<b2::OneTimeCode> read_code(const Arguments& arguments) {
  std::string text;
  if (const auto file = arguments.find("code-file")) {
    if (*file == "-") {
      text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
      const auto bytes = read_file(*file, b2::OneTimeCode::kMaxText);
      if (!bytes) return bytes.error();
      text = *bytes;
    }
  } else if (const char* given = std::getenv("GHOSTLIGHT_CODE")) {
    text = given;
  } else {
    std::cerr << "Code (five lines are fine; end with an empty one): ";
    for (std::string line; std::getline(std::cin, line) && !line.empty();) text += line + " ";
  }
  return b2::OneTimeCode::parse(text);
}

Status join_at(Here& here, const std::string& at, const b2::OneTimeCode& secret, std::string& told) {
  Session::Wish wish;
  wish.at = at.starts_with("tls:") ? at : "tls:" + at;
  wish.code = &secret;
  auto session = Session::open(here.where, wish);
  if (!session) return session.error();
  const auto exporter = (*session)->link().export_key(b2::OneTimeCode::kExporterLabel, b2::OneTimeCode::kExporterSize);
  if (!exporter) return exporter.error();
  const auto& key = here.node.key().public_key();
  const Digest proof = secret.proof(b2::Invitations::kPurpose, *exporter, key);
  const auto id = secret.id();
  b2::v1::JoinRequest request;
  request.invitation = Bytes(id.begin(), id.end());
  request.proof = Bytes(proof.begin(), proof.end());
  request.node_name = here.node.name();
  const auto answer = (*session)->call("b2.v1.House", "Join", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return answer.error();
  auto response = b2::decode<b2::v1::JoinResponse>(*answer);
  if (!response) return response.error();
  auto membership = b2::Membership::from_certificates(std::move(response->certificates), key, now());
  if (!membership) return membership.error();
  if (const Status kept = here.node.keep_keeper_address(at); !kept) return kept;
  told = fmt::format("{} is now in house '{}' ({}).", here.node.name(), membership->house().name(), membership->house().id().words());
  return here.node.join(std::move(*membership));
}

int join(const Arguments& arguments) {
  if (!arguments.has("at")) {
    std::cerr << "ghostlight: house join needs --at HOST:PORT of the node that invited\n";
    return code(Exit::usage);
  }
  auto node = here(arguments, arguments.text("name"));
  if (!node) return complain("ghostlight", node.error());
  const auto secret = read_code(arguments);
  if (!secret) return complain("ghostlight", secret.error());
  std::string told;
  if (const Status joined = join_at(*node, arguments.text("at"), *secret, told); !joined) return complain("ghostlight", joined.error());
  std::cout << told << "\n";
  return code(Exit::done);
}

/// What the keeper gives for the certificate this node shows.
Result<std::vector<Bytes>> renewed_certificates(Here& here, const Arguments& arguments) {
  const auto& membership = here.node.membership();
  if (!membership) {
    return Error{Errc::conflict, "this node is in no house" + (here.node.membership_problem().empty() ? "" : " that it can use: " + here.node.membership_problem())};
  }
  if (const auto house = b2::House::open(here.where.state)) {
    const auto welcome = house->renew(here.node.key().public_key(), here.node.name(), membership->own().roles, now());
    if (!welcome) return welcome.error();
    return welcome->certificates;
  }
  const std::string at = arguments.text("at", here.node.keeper_address());
  if (at.empty()) return Error{Errc::not_found, "where the keeper of the house answers is not known: tell it with --at HOST:PORT"};
  Session::Wish wish;
  wish.at = at.starts_with("tls:") ? at : "tls:" + at;
  auto session = Session::open(here.where, wish);
  if (!session) return session.error();
  b2::v1::RenewRequest request;
  request.node_name = here.node.name();
  const auto answer = (*session)->call("b2.v1.House", "Renew", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return answer.error();
  auto response = b2::decode<b2::v1::JoinResponse>(*answer);
  if (!response) return response.error();
  if (arguments.has("at")) {
    if (const Status kept = here.node.keep_keeper_address(at); !kept) return kept.error();
  }
  return std::move(response->certificates);
}

int renew(const Arguments& arguments) {
  auto node = here(arguments);
  if (!node) return complain("ghostlight", node.error());
  auto certificates = renewed_certificates(*node, arguments);
  if (!certificates) return complain("ghostlight", certificates.error());
  const WallTime before = node->node.membership()->own().validity.until;
  if (const Status renewed = node->node.renew(std::move(*certificates), now()); !renewed) {
    // Twice within a second is no harm.
    if (renewed.error().code == Errc::conflict && before > now() + b2::House::kMemberValidity - std::chrono::minutes(1)) {
      std::cout << "The certificate holds until " << date(before) << " already.\n";
      return code(Exit::done);
    }
    return complain("ghostlight", renewed.error());
  }
  const auto& own = node->node.membership()->own();
  std::cout << fmt::format("{} is in house '{}' until {}, with the roles {}. Programs that run take the new certificate within seconds.\n", own.name, own.house,
                           date(own.validity.until), own.roles.empty() ? "none" : own.roles.text());
  return code(Exit::done);
}

int revoke(const Arguments& arguments) {
  auto node = here(arguments);
  if (!node) return complain("ghostlight", node.error());
  const auto house = b2::House::open(node->where.state);
  if (!house) return complain("ghostlight", house.error());
  const bool undo = arguments.has("undo");
  const auto member = undo ? house->restore(node->node, arguments.text("NODE"), now()) : house->revoke(node->node, arguments.text("NODE"), now());
  if (!member) return complain("ghostlight", member.error());
  const std::uint64_t list = node->node.revocations()->number();
  if (arguments.has("json")) {
    const nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"name", member->name}, {"node_id", member->node.hex()}, {"words", member->node.words()},
                                         {"revoked", !undo}, {"list", list}};
    std::cout << line.dump() << "\n";
    return code(Exit::done);
  }
  std::cout << fmt::format("{} ({}) is {} house '{}', by list {}.\nThe host of this machine tells it to all members it is connected with, within seconds; the others ask "
                           "every ten minutes, and when they next meet one that knows it.\n",
                           member->name, member->node.words(), undo ? "again in" : "out of", house->trust().name(), list);
  return code(Exit::done);
}

int show(const Arguments& arguments) {
  const auto node = here(arguments);
  if (!node) return complain("ghostlight", node.error());
  const auto& membership = node->node.membership();
  if (arguments.has("json")) {
    nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"node", node->node.name()}, {"node_id", node->node.id().hex()}, {"words", node->node.id().words()}, {"house", nullptr}};
    if (membership) {
      line["house"] = membership->house().name();
      line["house_id"] = membership->house().id().hex();
      line["roles"] = membership->own().roles.names();
      line["expires"] = date(membership->own().validity.until);
      line["renewal_due"] = date(b2::renewal_due(membership->own().validity));
    } else if (!node->node.membership_problem().empty()) {
      line["problem"] = node->node.membership_problem();
    }
    if (node->node.revocations() != nullptr) line["revocations"] = node->node.revocations()->number();
    std::cout << line.dump() << "\n";
    return code(Exit::done);
  }
  std::cout << fmt::format("node   {}  {}\n", node->node.name(), node->node.id().words());
  if (membership) {
    std::cout << fmt::format("house  {}  {}\nroles  {}\nuntil  {}, renewed from {} on\n", membership->house().name(), membership->house().id().words(),
                             membership->own().roles.text(), date(membership->own().validity.until), date(b2::renewal_due(membership->own().validity)));
  } else {
    std::cout << "house  none" << (node->node.membership_problem().empty() ? "" : ": " + node->node.membership_problem()) << "\n";
  }
  return code(Exit::done);
}

/// "in the house until …", "to be renewed", "expired", "out since …".
std::string standing(const b2::Member& member) {
  if (member.revoked) return "out since " + date(*member.revoked);
  if (member.expires < now()) return "expired on " + date(member.expires);
  const b2::Validity validity{member.expires - b2::House::kMemberValidity, member.expires};
  return (b2::renewal_due(validity) < now() ? "to be renewed before " : "until ") + date(member.expires);
}

int members(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ghostlight", where.error());
  const auto house = b2::House::open(where->state);
  if (!house) return complain("ghostlight", house.error());
  const auto all = house->members();
  if (!all) return complain("ghostlight", all.error());
  for (const b2::Member& member : *all) {
    if (arguments.has("json")) {
      const nlohmann::ordered_json line = {{"v", 1}, {"event", "member"}, {"name", member.name}, {"node_id", member.node.hex()}, {"words", member.node.words()},
                                           {"roles", member.roles.names()}, {"joined", date(member.joined)}, {"expires", date(member.expires)},
                                           {"revoked", member.revoked ? nlohmann::ordered_json(date(*member.revoked)) : nlohmann::ordered_json(nullptr)}};
      std::cout << line.dump() << "\n";
    } else {
      std::cout << fmt::format("{:<20} {}  {:<24} since {}, {}\n", member.name, member.node.words(), member.roles.empty() ? "no roles" : member.roles.text(),
                               date(member.joined), standing(member));
    }
  }
  return code(Exit::done);
}

}  // namespace

std::vector<Verb> house_verbs() {
  const Option node_name = Option{"name", "NAME", "what this node calls itself"};
  Verb make;
  make.name = "house create";
  make.summary = "make a house, with this node as its keeper and first member";
  make.examples = {{"ghostlight house create \"Radio Archive\"", "once, on one machine"}};
  make.options = {state_option(), node_name};
  make.positionals = {{"NAME", "of the house", Positional::Count::one, {}, Complete::nothing}};
  make.run = create;

  Verb ask;
  ask.name = "house invite";
  ask.summary = "print a one-time code that takes another machine in";
  ask.description = "The code works once, within an hour, on the machine you give it to. It is shown here only.";
  ask.examples = {{"ghostlight house invite --at archive.local:2203", "one that listens"},
                  {"ghostlight house invite --roles listen,send,grab", "one that grabs and sends, too"}};
  ask.options = {state_option(), json_option(), Option{"roles", "LIST", "of listen, send, describe, grab, admin (listen)"},
                 Option{"minutes", "N", "how long it may be used (60)"}, Option{"at", "HOST:PORT", "where this node is reached, for the text"}};
  ask.run = invite;

  Verb enter;
  enter.name = "house join";
  enter.summary = "turn a one-time code into a place in its house";
  enter.description = "The code is read from --code-file, from GHOSTLIGHT_CODE or from a prompt.";
  enter.examples = {{"ghostlight house join --at archive.local:2203", "asks for the code"},
                    {"ghostlight house join --at 10.0.0.7:2203 --code-file code.txt", "for a script"}};
  enter.options = {state_option(), node_name, Option{"at", "HOST:PORT", "the node that invited"},
                   Option{"code-file", "FILE", "holds the code; - is standard input"}};
  enter.options.back().complete = Complete::files;
  enter.run = join;

  Verb tell;
  tell.name = "house show";
  tell.summary = "this node, its house and its roles";
  tell.examples = {{"ghostlight house show", "the words are for comparing by eye"}};
  tell.options = {state_option(), json_option()};
  tell.run = show;

  Verb list;
  list.name = "house list";
  list.summary = "who is in the house, until when, and who is out; on the machine that keeps it";
  list.examples = {{"ghostlight house list --json", "for a script"}};
  list.options = {state_option(), json_option()};
  list.run = members;

  Verb again;
  again.name = "house renew";
  again.summary = "have this node's certificate renewed now";
  again.description =
      "A host does so itself, from when a third of the time is left. The keeper is asked where the node joined, or at --at, which is kept.";
  again.examples = {{"ghostlight house renew", "asks the keeper this node joined at"},
                    {"ghostlight house renew --at archive.local:2203", "the keeper has moved"}};
  again.options = {state_option(), Option{"at", "HOST:PORT", "where the keeper of the house answers"}};
  again.run = renew;

  Verb out;
  out.name = "house revoke";
  out.summary = "take a node out of the house, at once and everywhere; on the machine that keeps it";
  out.description =
      "Members end their connections with it as soon as they hear of it, and take none of it any more. Its key does not come back by an "
      "invitation: --undo takes it back in.";
  out.examples = {{"ghostlight house revoke studio-2", "by its name"}, {"ghostlight house revoke --undo lusab-babad-gutih-tugad", "by its words; it was found again"}};
  out.options = {state_option(), json_option(), Option{"undo", "", "take it back in"}};
  out.positionals = {{"NODE", "a member's name, words or id, as 'ghostlight house list' tells them", Positional::Count::one, {}, Complete::nothing}};
  out.run = revoke;
  return {make, ask, enter, tell, list, again, out};
}

}  // namespace ghost::app
