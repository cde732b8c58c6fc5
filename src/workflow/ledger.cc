#include "workflow/ledger.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace ghost::workflow {

using Json = nlohmann::ordered_json;

static Json grabbed(const v1::StageState& state) {
  Json tracks = Json::array();
  for (const v1::StageTrack& one : state.tracks) {
    tracks.push_back({{"number", one.number}, {"file", one.file}, {"title", one.title_before}, {"sectors", one.sectors},
                      {"crc32", fmt::format("{:08x}", one.crc32)}, {"doubts", one.doubts}});
  }
  return tracks;
}

static Json described(const v1::StageState& state) {
  Json tracks = Json::array();
  for (const v1::StageTrack& one : state.tracks) {
    tracks.push_back({{"number", one.number}, {"band", one.band}, {"composer", one.composer}, {"work", one.work}, {"catalogue", one.catalogue},
                      {"movement_no", one.movement_no}, {"movement", one.movement}});
  }
  return tracks;
}

static Json distributed(const v1::StageRecord& record) {
  const v1::StageState& state = *record.state;
  Json receivers = Json::array();
  if (!state.transfer) return receivers;
  for (std::size_t i = 0; i < state.transfer->receivers.size(); ++i) {
    const v1::StageReceiver& one = state.transfer->receivers[i];
    const std::string receipt = i < record.receipts.size() ? to_hex(record.receipts[i]) : "";
    receivers.push_back({{"name", one.name}, {"node", one.words}, {"verified", one.state == v1::StageReceiverState::verified}, {"receipt", receipt}});
  }
  return Json{{"content", state.transfer->content}, {"bytes", state.transfer->bytes}, {"wire_bytes", state.transfer->wire_bytes}, {"receivers", receivers}};
}

static Json accounted(const v1::StageState& state) {
  Json ports = Json::array();
  for (const v1::StagePort& one : state.ports) {
    ports.push_back({{"port", one.port}, {"protocol", one.protocol}, {"address", one.address}, {"netns", one.netns}, {"status", one.status},
                     {"owner", one.owner}, {"verdict", one.verdict}});
  }
  return ports;
}

static Json facts(const v1::StageRecord& record, StepKind step) {
  const v1::StageState& state = *record.state;
  switch (step) {
    case StepKind::grab: return grabbed(state);
    case StepKind::describe: return described(state);
    case StepKind::distribute: return distributed(record);
    case StepKind::verify: return nullptr;
    case StepKind::account: return accounted(state);
  }
  return nullptr;
}

std::string ledger_line(const Job& job, std::string_view event, std::optional<StepKind> step, WallTime when) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  Json line = {{"v", 1}, {"time_ms", ms}, {"job", job.state().job}, {"event", event}, {"source", job.state().source}, {"into", job.state().into}};
  if (step) {
    const v1::Step& told = job.state().steps[static_cast<std::size_t>(*step)];
    line["step"] = told.name;
    line["seconds"] = told.seconds;
    line["detail"] = told.detail;
    if (event == "done") {
      if (Json found = facts(job.record(), *step); !found.is_null()) line["facts"] = std::move(found);
    }
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ghost::workflow
