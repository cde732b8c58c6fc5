#include "ardus/transfer_metrics_service.h"

#include <fmt/format.h>

#include <algorithm>

namespace ghost::ardus {

namespace {

constexpr const char* kDirections[] = {"in", "out"};
constexpr v1::TransferPhase kEnds[] = {v1::TransferPhase::done, v1::TransferPhase::partly, v1::TransferPhase::failed, v1::TransferPhase::cancelled};
constexpr v1::ReceiverState kStates[] = {v1::ReceiverState::expected,   v1::ReceiverState::joined,   v1::ReceiverState::receiving, v1::ReceiverState::repairing,
                                         v1::ReceiverState::committing, v1::ReceiverState::verified, v1::ReceiverState::silent,    v1::ReceiverState::failed};

std::size_t direction_of(const v1::Transfer& transfer) { return transfer.sending ? 1 : 0; }

void head(std::string& out, std::string_view family, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family, help, type);
}

void both(std::string& out, std::string_view family, std::uint64_t in, std::uint64_t from_here) {
  out += fmt::format("{0}{{direction=\"in\"}} {1}\n{0}{{direction=\"out\"}} {2}\n", family, in, from_here);
}

void counter(std::string& out, std::string_view family, std::string_view help, std::uint64_t value) {
  head(out, family, "counter", help);
  out += fmt::format("{} {}\n", family, value);
}

}  // namespace

void TransferMetrics::Sums::add(const v1::Transfer& transfer) {
  bytes += transfer.bytes_done;
  wire_bytes += transfer.wire_bytes;
  source_packets += transfer.sending ? transfer.source_packets : 0;
  sent_packets += transfer.sent_packets;
  repair_symbols += transfer.repair_symbols;
  fallback_bytes += transfer.fallback_bytes;
}

void TransferMetrics::ended(const v1::Transfer& transfer) {
  const std::size_t direction = direction_of(transfer);
  sums_[direction].add(transfer);
  if (const auto phase = static_cast<std::size_t>(transfer.phase); phase < ended_[direction].size()) ++ended_[direction][phase];
  for (const v1::Receiver& receiver : transfer.receivers) ++(receiver.state == v1::ReceiverState::verified ? verified_ : not_verified_);
}

std::string TransferMetrics::text(const v1::Transfers& under_way) const {
  auto sums = sums_;
  std::array<std::uint64_t, 2> active{}, rate{};
  std::array<std::uint64_t, 16> states{};
  double loss = 0;
  for (const v1::Transfer& transfer : under_way.transfers) {
    const std::size_t direction = direction_of(transfer);
    sums[direction].add(transfer);
    ++active[direction];
    rate[direction] += transfer.rate;
    for (const v1::Receiver& receiver : transfer.receivers) {
      ++states[std::min<std::size_t>(static_cast<std::size_t>(receiver.state), states.size() - 1)];
      loss = std::max(loss, receiver.loss);
    }
  }
  std::string out;
  head(out, "ardus_transfers", "gauge", "Transfers under way.");
  both(out, "ardus_transfers", active[0], active[1]);
  head(out, "ardus_transfers_ended_total", "counter", "Transfers that ended, by state; done: every expected copy is verified.");
  for (std::size_t direction = 0; direction < 2; ++direction) {
    for (const v1::TransferPhase phase : kEnds) {
      out += fmt::format("ardus_transfers_ended_total{{direction=\"{}\",state=\"{}\"}} {}\n", kDirections[direction], name(phase), ended_[direction][static_cast<std::size_t>(phase)]);
    }
  }
  head(out, "ardus_bytes_total", "counter", "Bytes of content: in, verified on the disk; out, sent once.");
  both(out, "ardus_bytes_total", sums[0].bytes, sums[1].bytes);
  counter(out, "ardus_wire_bytes_total", "UDP payload sent, of all kinds.", sums[1].wire_bytes);
  counter(out, "ardus_source_packets_total", "Source symbols that some receiver wanted.", sums[1].source_packets);
  counter(out, "ardus_sent_packets_total", "Data datagrams sent, source and repair.", sums[1].sent_packets);
  counter(out, "ardus_repair_symbols_total", "Of them, beyond the first sending.", sums[1].repair_symbols);
  head(out, "ardus_fallback_bytes_total", "counter", "Bytes of content that went by unicast.");
  both(out, "ardus_fallback_bytes_total", sums[0].fallback_bytes, sums[1].fallback_bytes);
  head(out, "ardus_receivers", "gauge", "Receivers of the transfers from here that are under way, by state.");
  for (const v1::ReceiverState state : kStates) out += fmt::format("ardus_receivers{{state=\"{}\"}} {}\n", name(state), states[static_cast<std::size_t>(state)]);
  head(out, "ardus_receivers_ended_total", "counter", "Receivers of transfers from here that ended: with a receipt, or without.");
  out += fmt::format("ardus_receivers_ended_total{{receipt=\"yes\"}} {}\nardus_receivers_ended_total{{receipt=\"no\"}} {}\n", verified_, not_verified_);
  head(out, "ardus_rate_bits_per_second", "gauge", "Sent of late, by all transfers from here.");
  out += fmt::format("ardus_rate_bits_per_second {}\n", rate[1]);
  head(out, "ardus_loss_ratio", "gauge", "Packets lost of late by the receiver that loses most.");
  out += fmt::format("ardus_loss_ratio {:.6f}\n", loss);
  return out;
}

}  // namespace ghost::ardus
