#include "report.h"

#include <fmt/format.h>

#include <iostream>

#include "base/text.h"
#include "base/units.h"

namespace ghost::app {

Exit exit_of(const ardus::v1::Transfer& transfer) {
  using P = ardus::v1::TransferPhase;
  if (transfer.phase == P::done) return Exit::done;
  if (transfer.phase == P::partly) return Exit::partly;
  if (transfer.phase == P::cancelled || transfer.error == "cancelled") return Exit::interrupted;
  if (ardus::was_refused(transfer)) return Exit::refused;
  if (transfer.sending && transfer.error == "timed_out") return Exit::partly;  // nobody came
  return Exit::failed;
}

bool is_served_alone(const ardus::v1::Receiver& receiver) { return receiver.state == ardus::v1::ReceiverState::repairing && !receiver.detail.empty(); }

namespace {

/// Of the data datagrams sent.
double repair_share(const ardus::v1::Transfer& transfer) {
  return transfer.sent_packets == 0 ? 0 : static_cast<double>(transfer.repair_symbols) / static_cast<double>(transfer.sent_packets);
}

double greatest_loss(const ardus::v1::Transfer& transfer) {
  double most = 0;
  for (const auto& receiver : transfer.receivers) most = std::max(most, receiver.loss);
  return most;
}

}  // namespace

std::string remark(const ardus::v1::Transfer& transfer) {
  if (!transfer.sending) return transfer.fallback_bytes > 0 && !transfer.joined_group ? "by unicast" : "";
  const std::size_t count = transfer.receivers.size();
  std::string text = fmt::format("{} receiver{}, {:.1f} % repair", count, count == 1 ? "" : "s", 100 * repair_share(transfer));
  if (const double lost = greatest_loss(transfer); lost >= 0.0005) text += fmt::format(", up to {:.1f} % lost", 100 * lost);
  return text;
}

nlohmann::ordered_json progress_event(const ardus::v1::Transfer& transfer) {
  std::size_t verified = 0;
  for (const auto& receiver : transfer.receivers) verified += receiver.state == ardus::v1::ReceiverState::verified ? 1 : 0;
  nlohmann::ordered_json line = {{"v", 1}, {"event", "progress"}, {"session", transfer.session}, {"phase", name(transfer.phase)}, {"bytes", transfer.bytes},
                                 {"bytes_needed", transfer.bytes_needed}, {"bytes_done", transfer.bytes_done}, {"rate", transfer.rate}, {"seconds", transfer.seconds}, {"detail", transfer.detail}};
  if (transfer.sending) {
    line["receivers"] = transfer.receivers.size();
    line["verified"] = verified;
    for (const auto& receiver : transfer.receivers) {
      if (is_served_alone(receiver)) line["alone"].push_back({{"name", receiver.name}, {"detail", receiver.detail}});
    }
    line["repair_share"] = repair_share(transfer);
    line["loss"] = greatest_loss(transfer);
  } else {
    line["sender"] = transfer.sender;
  }
  return line;
}

nlohmann::ordered_json summary_event(const ardus::v1::Transfer& transfer, Exit exit) {
  nlohmann::ordered_json line = {{"v", 1}, {"event", "summary"}, {"code", code(exit)}, {"state", name(transfer.phase)}, {"session", transfer.session},
                                 {"name", transfer.name}, {"content", to_hex(transfer.content)}, {"files", transfer.files}, {"bytes", transfer.bytes},
                                 {"seconds", transfer.seconds}, {"detail", transfer.detail}};
  if (!transfer.sending) {
    line["into"] = transfer.into;
    line["sender"] = transfer.sender;
    line["error"] = transfer.error;
    line["fallback_bytes"] = transfer.fallback_bytes;
    return line;
  }
  line["bytes_needed"] = transfer.bytes_needed;
  line["wire_bytes"] = transfer.wire_bytes;
  if (transfer.layout != ardus::v1::Layout::unspecified) line["layout"] = name(transfer.layout);
  line["source_packets"] = transfer.source_packets;
  line["sent_packets"] = transfer.sent_packets;
  line["repair_symbols"] = transfer.repair_symbols;
  line["receivers"] = nlohmann::ordered_json::array();
  for (const auto& receiver : transfer.receivers) {
    line["receivers"].push_back({{"id", to_hex(receiver.node)}, {"name", receiver.name}, {"state", name(receiver.state)}, {"bytes_done", receiver.bytes_done},
                                 {"loss", receiver.loss}, {"receipt", to_hex(receiver.receipt)}, {"detail", receiver.detail}});
  }
  return line;
}

void print_json(const nlohmann::ordered_json& line) {
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

std::string receivers_table(const ardus::v1::Transfer& transfer, const Terminal& terminal) {
  Table table({"receiver", "id", "state", "loss", "why"});
  for (const auto& receiver : transfer.receivers) {
    table.add({receiver.name, receiver.words, std::string(name(receiver.state)), fmt::format("{:.1f} %", receiver.loss * 100), receiver.detail});
  }
  return table.empty() ? "" : table.text(terminal);
}

std::string sentence(const ardus::v1::Transfer& transfer) {
  if (transfer.content.empty() && transfer.sending) return "nothing was sent";  // it ended before anything had been read
  const std::string what = fmt::format("{}: {} in {} file{}, {:.1f} s", printable(transfer.name), format_size(transfer.bytes), transfer.files, transfer.files == 1 ? "" : "s", transfer.seconds);
  if (!transfer.sending) {
    return what + (transfer.phase == ardus::v1::TransferPhase::done ? fmt::format(", from {}, verified in {}", printable(transfer.sender), printable(transfer.into))
                                                                     : ": " + printable(transfer.detail));
  }
  const double share = transfer.bytes == 0 ? 0 : static_cast<double>(transfer.wire_bytes) / static_cast<double>(transfer.bytes);
  std::size_t verified = 0;
  for (const auto& receiver : transfer.receivers) verified += receiver.state == ardus::v1::ReceiverState::verified ? 1 : 0;
  return what + fmt::format("; {} of {} receivers verified, {:.3f} wire bytes per byte", verified, transfer.receivers.size(), share);
}

}  // namespace ghost::app
