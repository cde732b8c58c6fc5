#include "ariascribe/corrections_service.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace ghost::ariascribe {

namespace {

using nlohmann::json;

constexpr std::size_t kMostValues = 1000, kKeptCorrections = 32, kLongestCommit = 32U << 20;

std::int64_t unix_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// An id of ours: what names a file is no stranger's text.
bool is_uuid_text(std::string_view id) { return id.size() == 36 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos; }

}  // namespace

Result<Corrections::Proposal> Corrections::propose(Store& store, const std::vector<Correction>& corrections, const std::string& who) {
  if (corrections.empty()) return Error{Errc::malformed, "there is nothing to correct: a correction has a subject, a field and a value"};
  if (corrections.size() > kMostValues) return Error{Errc::exhausted, "a proposal corrects at most " + std::to_string(kMostValues) + " values"};
  Proposal out{uuids_.next(unix_ms()), who, {}};
  for (const Correction& each : corrections) {
    if (!has_one_value(each.field)) return Error{Errc::malformed, "'" + each.field + "' has many values; `ariascribe correct` adds one"};
    if (each.value.size() > kMaxClaim) return Error{Errc::exhausted, "'" + each.field + "' is longer than " + std::to_string(kMaxClaim) + " bytes"};
    if (each.value.find('\0') != std::string::npos) return Error{Errc::malformed, "'" + each.field + "' has a zero byte in it"};
    const auto standing = store.standing(each, who);
    if (!standing) return standing.error();
    const auto same = [&](const Value& other) { return other.subject == standing->subject && other.field == each.field; };
    if (std::any_of(out.values.begin(), out.values.end(), same)) return Error{Errc::malformed, "'" + each.field + "' of " + standing->subject + " is corrected twice in one proposal"};
    out.values.push_back({standing->subject, each.field, standing->shown, each.value, standing->said, each.value});
  }
  kept_.push_back(out);
  if (kept_.size() > kKeptCorrections) kept_.pop_front();
  return out;
}

Result<Corrections::Done> Corrections::commit(Store& store, const std::string& proposal, const std::string& who) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Proposal& each) { return each.id == proposal && each.who == who; });
  if (found == kept_.end()) return Error{Errc::not_found, "there is no proposal '" + proposal + "' of " + who + "; it was committed, or forgotten after newer ones: propose again"};
  const Proposal taken = std::move(*found);
  kept_.erase(found);
  json values = json::array();
  std::vector<Correction> corrections;
  for (const Value& each : taken.values) {
    values.push_back({{"subject", each.subject}, {"field", each.field}, {"said", each.said}, {"value", each.value}});
    corrections.push_back({each.subject, each.field, each.value, each.before, each.said});
  }
  if (const Status made = make_directories(folder_, 0700); !made) return made.error();
  const std::filesystem::path file = folder_ / (taken.id + ".json");
  const std::string text = json{{"who", who}, {"values", values}}.dump(-1, ' ', false, json::error_handler_t::replace);
  if (const Status written = write_file_atomically(file, as_bytes(text), 0600); !written) return written.error();
  if (const Status done = store.correct(corrections, who); !done) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return done.error();
  }
  return Done{taken.id, taken.values.size()};
}

Result<Corrections::Proposal> Corrections::read(const std::string& id) const {
  if (!is_uuid_text(id)) return Error{Errc::not_found, "there is no commit '" + id + "' that is not undone"};
  const auto text = read_file(folder_ / (id + ".json"), kLongestCommit);
  if (!text && text.error().code == Errc::not_found) return Error{Errc::not_found, "there is no commit '" + id + "' that is not undone"};
  if (!text) return text.error();
  const json line = json::parse(*text, nullptr, false);
  const auto damaged = [&] { return Error{Errc::data_loss, (folder_ / (id + ".json")).string() + " is damaged"}; };
  if (!line.is_object() || !line.contains("who") || !line["who"].is_string() || !line.contains("values") || !line["values"].is_array()) return damaged();
  Proposal out{id, line["who"].get<std::string>(), {}};
  for (const json& each : line["values"]) {
    Value value;
    for (const auto& [name, into] : {std::pair{"subject", &value.subject}, std::pair{"field", &value.field}, std::pair{"said", &value.said}, std::pair{"value", &value.value}}) {
      if (!each.is_object() || !each.contains(name) || !each[name].is_string()) return damaged();
      *into = each[name].get<std::string>();
    }
    out.values.push_back(std::move(value));
  }
  return out;
}

std::string Corrections::last_of(const std::string& who) const {
  std::vector<std::string> ids;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".json") ids.push_back(at->path().stem().string());
  }
  std::sort(ids.rbegin(), ids.rend());  // they begin with their time
  for (const std::string& each : ids) {
    const auto commit = read(each);
    if (commit && commit->who == who) return each;
  }
  return "";
}

/// Whether this person says all of it as before: the process was killed before it was written, or before its undoing was noted.
bool Corrections::is_undone(Store& store, const Proposal& commit) const {
  return std::all_of(commit.values.begin(), commit.values.end(), [&](const Value& each) {
    const auto standing = store.standing({each.subject, each.field, {}, {}, {}}, commit.who);
    return standing && standing->said == each.said;
  });
}

Result<Corrections::Done> Corrections::undo(Store& store, const std::string& commit, const std::string& who) {
  std::string id = commit.empty() ? last_of(who) : commit;
  auto taken = read(id);
  for (std::error_code failed; commit.empty() && taken && !failed && is_undone(store, *taken);) {
    std::filesystem::remove(folder_ / (id + ".json"), failed);
    id = last_of(who);
    taken = read(id);
  }
  if (!taken) return taken.error();
  // What a person said is that person's to take back; another one corrects it.
  if (taken->who != who) return Error{Errc::refused, "commit '" + id + "' is of " + taken->who + ", and undone by nobody else"};
  std::vector<Correction> corrections;
  for (const Value& each : taken->values) corrections.push_back({each.subject, each.field, each.said, {}, each.value});
  if (const Status done = store.correct(corrections, who); !done) return done.error();
  std::error_code ignored;
  std::filesystem::remove(folder_ / (id + ".json"), ignored);
  return Done{id, corrections.size()};
}

}  // namespace ghost::ariascribe
