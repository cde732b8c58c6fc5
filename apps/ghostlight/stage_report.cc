#include "stage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/text.h"
#include "base/units.h"

namespace ghost::app {

namespace {

using namespace ghostlight::v1;
using Json = nlohmann::ordered_json;

std::string roman(std::uint32_t number) {
  constexpr std::pair<std::uint32_t, std::string_view> digits[] = {{50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}};
  if (number > 80) return std::to_string(number);
  std::string text;
  for (const auto& [value, digit] : digits) {
    for (; number >= value; number -= value) text += digit;
  }
  return text;
}

/// "Clementi: Sonatina No. 1: II. Andante", and whether that stands in the file.
std::string now_called(const StageTrack& track) {
  if (track.work.empty() || track.band == "leave") return track.title.empty() ? "left as it was" : track.title;
  std::string text = (track.composer.empty() ? "" : track.composer + ": ") + track.work;
  if (track.movement_no != 0 || !track.movement.empty()) text += ": ";
  if (track.movement_no != 0) text += roman(track.movement_no) + (track.movement.empty() ? "" : ". ");
  return text + track.movement + (track.band == "review" ? " (to review)" : "");
}

std::string clock(double seconds) {
  const auto whole = static_cast<unsigned>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// Two lines a track: what the disc says, and what it is.
std::string track_text(const Terminal& terminal, const StageTrack& track) {
  constexpr std::size_t kRipAt = 90;  // columns
  const std::string rip = track.verified ? "bit for bit" : track.doubts > 0 ? fmt::format("{} in doubt", track.doubts) : "";
  const std::string head = fmt::format("{:2}  {:>5}  ", track.number, clock(track.seconds));
  const std::size_t width = terminal.is_terminal ? std::max(terminal.width, head.size() + rip.size() + 12) : std::string::npos;
  const std::size_t room = std::min(width - head.size() - rip.size() - 2, kRipAt - head.size());
  std::string before = printable(track.title_before.empty() ? "(nothing)" : track.title_before);
  if (terminal.is_terminal) before = cut_to_width(before, room);
  const std::string after = cut_to_width(printable(now_called(track)), width - head.size());
  const std::string space(room - std::min(room, display_width(before)) + 2, ' ');
  std::string text = head + coloured(terminal, Colour::dim, before);
  if (!rip.empty()) text += space + coloured(terminal, track.verified ? Colour::green : Colour::yellow, rip);
  return text + "\n" + std::string(head.size(), ' ') + coloured(terminal, Colour::bold, after) + "\n";
}

std::string tracks_text(const Terminal& terminal, const StageState& state) {
  std::string text;
  for (const StageTrack& one : state.tracks) text += track_text(terminal, one);
  return text;
}

std::string transfer_text(const Terminal& terminal, const StageTransfer& transfer) {
  Table table({"receiver", "address", "node", "copy", "loss", "receipt"});
  for (const StageReceiver& one : transfer.receivers) {
    table.add({one.name, one.address, one.words, std::string(name(one.state)) + (one.detail.empty() ? "" : ": " + one.detail), fmt::format("{:.1f} %", one.loss * 100),
               one.receipt.empty() ? "" : "…" + one.receipt});
  }
  const double share = transfer.bytes == 0 ? 0 : static_cast<double>(transfer.wire_bytes) / static_cast<double>(transfer.bytes);
  std::string text = table.text(terminal);
  text += fmt::format("{} in {} files went out once: {} on the wire, {:.3f} bytes a byte, {} repair symbols\n", format_size(transfer.bytes), transfer.files,
                      format_size(transfer.wire_bytes), share, transfer.repair_symbols);
  return text;
}

/// One for each port of an owner, with all the addresses it listens on.
std::vector<StagePort> by_owner(const std::vector<StagePort>& ports) {
  std::vector<StagePort> rows;
  const auto key = [](const StagePort& one) { return std::tie(one.port, one.protocol, one.netns, one.owner, one.identity, one.status, one.verdict); };
  for (const StagePort& one : ports) {
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const StagePort& row) { return key(row) == key(one); });
    if (same == rows.end()) rows.push_back(one);
    else same->address += ", " + one.address;
  }
  return rows;
}

/// Columns of the longest line.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    width = std::max(width, display_width(line));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return width;
}

std::string ports_text(const Terminal& terminal, const StageState& state) {
  Table table({"port", "registered as", "what answers", "owner", "where", "verdict"}), narrow({"port", "what answers", "owner", "where", "verdict"});
  for (const StagePort& one : by_owner(state.ports)) {
    const std::string port = fmt::format("{}/{}", one.port, one.protocol);
    const std::string speaks = one.identity.empty() ? one.status : one.identity + (one.status == "confirmed" ? "" : " (" + one.status + ")");
    const std::string where = (one.netns.empty() ? "" : one.netns + " ") + one.address;
    table.add({port, one.registered.empty() ? "-" : one.registered, speaks, one.owner, where, one.verdict});
    narrow.add({port, speaks, one.owner, where, one.verdict});
  }
  // The registry's name is the first to go where there is no room for all.
  std::string text = table.text(std::string::npos);
  if (terminal.is_terminal && width_of(text) > terminal.width) text = narrow.text(terminal);
  for (const std::string& unseen : state.unseen) text += "not seen: " + printable(unseen) + "\n";
  return text;
}

}  // namespace

std::string step_line(const Terminal& terminal, const Step& step) {
  const auto [mark, colour] = step.state == StepState::done      ? std::pair("✓", Colour::green)
                              : step.state == StepState::failed  ? std::pair("✗", Colour::red)
                              : step.state == StepState::skipped ? std::pair("–", Colour::dim)
                                                                 : std::pair("…", Colour::blue);
  const auto time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(step.seconds));
  return fmt::format("{} {:<11} {:>8}  {}", coloured(terminal, colour, mark), step.name, format_duration(time), printable(step.detail));
}

std::string stage_report(const Terminal& terminal, const StageState& state) {
  std::string text = "\n" + coloured(terminal, Colour::bold, printable(state.title.empty() ? state.source : state.title));
  if (!state.performer.empty()) text += "  " + printable(state.performer);
  text += "\n\n" + tracks_text(terminal, state);
  if (state.transfer && !state.transfer->receivers.empty()) text += "\n" + transfer_text(terminal, *state.transfer);
  if (!state.ports.empty()) text += "\n" + ports_text(terminal, state);
  return text + "\nalbum    " + printable(state.into) + "\n";
}

std::string step_json(const Step& step) {
  return Json{{"v", 1}, {"event", "step"}, {"step", step.name}, {"state", name(step.state)}, {"seconds", step.seconds}, {"detail", step.detail}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

std::string stage_json(const StageState& state) {
  Json tracks = Json::array(), receivers = Json::array(), ports = Json::array(), steps = Json::array();
  for (const Step& one : state.steps) steps.push_back({{"step", one.name}, {"state", name(one.state)}, {"seconds", one.seconds}, {"detail", one.detail}});
  for (const StageTrack& one : state.tracks) {
    Json performers = Json::array();
    for (const StagePerformer& who : one.performers) performers.push_back({{"name", who.name}, {"role", who.role}, {"instrument", who.instrument}});
    tracks.push_back({{"number", one.number}, {"title_before", one.title_before}, {"title", one.title}, {"composer", one.composer}, {"work", one.work},
                      {"movement_no", one.movement_no}, {"movement", one.movement}, {"key", one.key}, {"catalogue", one.catalogue}, {"performers", performers},
                      {"band", one.band}, {"seconds", one.seconds}, {"crc32", fmt::format("{:08x}", one.crc32)}, {"doubts", one.doubts}, {"verified", one.verified}, {"file", one.file}});
  }
  Json transfer = nullptr;
  if (state.transfer) {
    for (const StageReceiver& one : state.transfer->receivers) {
      receivers.push_back({{"name", one.name}, {"node", one.words}, {"address", one.address}, {"state", name(one.state)}, {"loss", one.loss}, {"receipt", one.receipt}, {"detail", one.detail}});
    }
    transfer = {{"bytes", state.transfer->bytes}, {"files", state.transfer->files}, {"wire_bytes", state.transfer->wire_bytes}, {"sent_packets", state.transfer->sent_packets},
                {"source_packets", state.transfer->source_packets}, {"repair_symbols", state.transfer->repair_symbols}, {"content", state.transfer->content}};
  }
  for (const StagePort& one : state.ports) {
    ports.push_back({{"port", one.port}, {"protocol", one.protocol}, {"address", one.address}, {"netns", one.netns}, {"registered", one.registered}, {"identity", one.identity},
                     {"status", one.status}, {"owner", one.owner}, {"verdict", one.verdict}, {"why", one.why}, {"ours", one.ours}});
  }
  const Json line = {{"v", 1}, {"event", "summary"}, {"state", name(state.state)}, {"job", state.job}, {"source", state.source}, {"into", state.into}, {"title", state.title},
                     {"disc_id", state.disc_id}, {"seconds", state.seconds}, {"message", state.message}, {"steps", steps}, {"tracks", tracks}, {"transfer", transfer},
                     {"receivers", receivers}, {"ports", ports}, {"unseen", state.unseen}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ghost::app
