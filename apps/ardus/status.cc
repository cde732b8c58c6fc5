// `ardus status` and `ardus verify`.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "app/session_service.h"
#include "ardus/ardus_node_service.h"
#include "ardus/verify_service.h"
#include "base/random.h"
#include "base/text.h"
#include "base/units.h"
#include "report.h"
#include "verbs.h"

namespace ghost::app {

namespace {

/// What the daemon says of itself, its signature checked.
Result<ardus::v1::StatusResponse> ask_status(Session& session) {
  ardus::v1::StatusRequest request;
  request.nonce.resize(32);
  random_bytes(request.nonce);
  const auto answer = session.call("ardus.v1.Node", "Status", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return answer.error();
  auto status = b2::decode<ardus::v1::StatusResponse>(*answer);
  if (!status) return status.error();
  if (!verify_signature(status->public_key, ardus::kStatusDomain, ardus::status_signed_bytes(request.nonce, *status), status->signature)) {
    return Error{Errc::unauthenticated, "the daemon's Status is not signed with the key it names"};
  }
  return status;
}

Result<ardus::v1::Transfers> ask_transfers(Session& session) {
  std::optional<ardus::v1::Transfers> first;
  std::optional<Status> ended;
  auto call = ardus::v1::NodeClient(session.channel()).watch(
      {}, [&](const ardus::v1::Transfers& transfers) { first = transfers; }, [&](const Status& status) { ended = status; });
  const bool came = session.wait([&] { return first || ended; });
  call.cancel();  // what is above hears no more of it
  if (!came) return Error{Errc::cancelled, "interrupted"};
  if (!first) return *ended ? Error{Errc::io, "the daemon told no transfers"} : ended->error();
  return std::move(*first);
}

/// "200.0 Mbit/s", of one that is under way.
std::string rate_of(const ardus::v1::Transfer& transfer) {
  return transfer.rate == 0 || transfer.phase >= ardus::v1::TransferPhase::done ? "" : fmt::format("{:.1f} Mbit/s", static_cast<double>(transfer.rate) / 1e6);
}

/// "2 of 3": receivers of one from here that hold a verified copy.
std::string copies(const ardus::v1::Transfer& transfer) {
  if (!transfer.sending) return "";
  const auto verified = std::ranges::count(transfer.receivers, ardus::v1::ReceiverState::verified, &ardus::v1::Receiver::state);
  return fmt::format("{} of {}", verified, transfer.receivers.size());
}

int status(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return complain("ardus", where.error());
  Session::Wish wish;
  wish.at = arguments.text("at", where->socket("ardus"));
  auto session = Session::open(*where, wish);
  if (!session) return complain("ardus", Error{session.error().code, session.error().message + "; is the daemon running? 'ardus serve' starts it"});
  const auto status = ask_status(**session);
  if (!status) return complain("ardus", status.error());
  const auto transfers = ask_transfers(**session);
  const std::string words = b2::NodeId::of_public_key(status->public_key).words();
  if (arguments.has("json")) {
    nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"node", status->name}, {"id", to_hex(status->node)}, {"words", words}, {"program", status->program},
                                   {"receiving_into", status->receiving_into}, {"sockets", nlohmann::ordered_json::array()}, {"transfers", nlohmann::ordered_json::array()}};
    for (const auto& socket : status->sockets) line["sockets"].push_back({{"transport", socket.transport}, {"address", socket.address}, {"purpose", socket.purpose}});
    if (transfers) {
      for (const auto& transfer : transfers->transfers) line["transfers"].push_back(summary_event(transfer, exit_of(transfer)));
    }
    print_json(line);
    return code(Exit::done);
  }
  std::cout << fmt::format("node  {}  {}\ninto  {}\n", printable(status->name), words, status->receiving_into.empty() ? "nowhere: it only sends" : printable(status->receiving_into));
  Table sockets({"port", "address", "for"});
  for (const auto& socket : status->sockets) sockets.add({socket.transport, socket.address, socket.purpose});
  std::cout << "\n" << sockets.text(Terminal::of(STDOUT_FILENO));
  Table table({"transfer", "way", "state", "size", "done", "rate", "copies", "detail"});
  for (const auto& transfer : transfers ? transfers->transfers : std::vector<ardus::v1::Transfer>()) {
    table.add({transfer.name, transfer.sending ? "out" : "in", std::string(name(transfer.phase)), format_size(transfer.bytes), format_size(transfer.bytes_done), rate_of(transfer), copies(transfer), transfer.detail});
  }
  if (!table.empty()) std::cout << "\n" << table.text(Terminal::of(STDOUT_FILENO));
  if (!transfers) return complain("ardus", transfers.error());
  for (const auto& transfer : transfers->transfers) {
    if (!transfer.sending || transfer.phase >= ardus::v1::TransferPhase::done || transfer.receivers.empty()) continue;
    std::cout << fmt::format("\n{}: {}\n", printable(transfer.name), remark(transfer)) << receivers_table(transfer, Terminal::of(STDOUT_FILENO));
  }
  return code(Exit::done);
}

std::string_view finding_name(ardus::FileFinding::State state) {
  using State = ardus::FileFinding::State;
  return state == State::missing ? "missing" : state == State::different ? "different" : "metadata";
}

/// Whose receipt was kept, and when it was given.
nlohmann::ordered_json receipt_json(const ardus::VerifiedTransfer& transfer) {
  nlohmann::ordered_json line = {{"content", to_hex(transfer.manifest.content)}, {"name", transfer.manifest.name},
                                 {"publisher", b2::NodeId::of_public_key(transfer.manifest.publisher).words()}, {"files", transfer.files}, {"bytes", transfer.bytes},
                                 {"receipt", transfer.receipt.empty() ? "none" : transfer.receipt_problem.empty() ? "right" : transfer.receipt_problem}};
  if (transfer.given) {
    line["node"] = b2::NodeId::of_public_key(transfer.given->node).words();
    line["received_ms"] = transfer.given->time_ms;
  }
  return line;
}

int verify(const Arguments& arguments) {
  ardus::VerifyWish wish;
  wish.target = arguments.text("DIR");
  wish.metadata = arguments.has("metadata");
  const auto transfers = ardus::verify_target(wish);
  if (!transfers) return complain("ardus", transfers.error());
  const bool json = arguments.has("json");
  nlohmann::ordered_json kept = nlohmann::ordered_json::array();
  std::size_t wrong = 0;
  std::uint64_t files = 0, bytes = 0;
  for (const ardus::VerifiedTransfer& transfer : *transfers) {
    kept.push_back(receipt_json(transfer));
    if (!transfer.receipt_problem.empty()) {
      ++wrong;
      if (!json) std::cout << fmt::format("receipt    of {}: {}\n", printable(transfer.manifest.name), transfer.receipt_problem);
    }
    for (const ardus::FileFinding& finding : transfer.wrong) {
      if (json) print_json({{"v", 1}, {"event", "finding"}, {"content", to_hex(transfer.manifest.content)}, {"path", finding.path}, {"state", finding_name(finding.state)}, {"why", finding.why}});
      else std::cout << fmt::format("{:<9}  {}: {}\n", finding_name(finding.state), printable(finding.path), printable(finding.why));
    }
    wrong += transfer.wrong.size();
    files += transfer.files;
    bytes += transfer.bytes;
  }
  const Exit exit = wrong == 0 ? Exit::done : Exit::failed;
  if (arguments.has("json")) {
    print_json({{"v", 1}, {"event", "summary"}, {"code", code(exit)}, {"transfers", transfers->size()}, {"files", files}, {"bytes", bytes}, {"wrong", wrong}, {"kept", std::move(kept)}});
  } else {
    std::cout << fmt::format("{} files, {} of {} transfers: {}\n", files, format_size(bytes), transfers->size(), wrong == 0 ? "all as they came" : fmt::format("{} not as they came", wrong));
  }
  return code(exit);
}

}  // namespace

Verb status_verb() {
  Verb verb;
  verb.name = "status";
  verb.summary = "what the daemon listens on, and its transfers";
  verb.description = "The daemon signs what it says with its node's key over a nonce of this command; the signature is checked.";
  verb.examples = {{"ardus status", "of this machine's daemon"}, {"ardus status --json", "for a script"}};
  Option at;
  at.name = "at";
  at.value = "ADDR";
  at.help = "of another daemon than this machine's";
  verb.options = {at, state_option(), json_option()};
  verb.run = status;
  return verb;
}

Verb verify_verb() {
  Verb verb;
  verb.name = "verify";
  verb.summary = "compare what was received into a folder with what is there";
  verb.description =
      "Reads every file that transfers brought into the folder and hashes its chunks against the manifests kept in DIR/.ardus/received, and looks at the receipts beside them. 1 when "
      "something is missing or different; each such path is told, and why.";
  verb.examples = {{"ardus verify /srv/music", "after the disks moved"}, {"ardus verify /srv/music --metadata --json", "modes, times and attributes, too, for a script"}};
  verb.options = {Option{"metadata", "", "compare modes, times and extended attributes, too"}, json_option()};
  verb.positionals = {{"DIR", "the folder", Positional::Count::one, {}, Complete::directories}};
  verb.run = verify;
  return verb;
}

}  // namespace ghost::app
