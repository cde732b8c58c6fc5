#include "b2/endpoint.h"

#include <algorithm>
#include <bit>

#include "b2/compression.h"
#include "b2/reply_cache.h"
#include "base/sha256.h"

namespace ghost::b2 {

namespace {

/// Four buckets per power of two of microseconds.
std::size_t bucket_of(std::uint64_t us) {
  if (us < 4) return static_cast<std::size_t>(us);
  const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;
  return power * 4 + ((us >> (power - 2)) & 3) - 4;
}

double top_of(std::size_t bucket) {
  if (bucket < 4) return static_cast<double>(bucket + 1);
  const std::size_t power = (bucket + 4) / 4;
  return static_cast<double>(std::uint64_t{1} << power) * (1.0 + static_cast<double>((bucket + 4) % 4 + 1) / 4.0);
}

v1::MethodKind wire_kind(MethodKind kind) {
  switch (kind) {
    case MethodKind::unary: return v1::MethodKind::unary;
    case MethodKind::server_stream: return v1::MethodKind::server_stream;
    case MethodKind::client_stream: return v1::MethodKind::client_stream;
    case MethodKind::bidirectional: return v1::MethodKind::bidirectional;
  }
  return v1::MethodKind::unary;
}

}  // namespace

void MethodCounters::took(Duration time) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
  sum_us_ += std::chrono::duration<double, std::micro>(time).count();
  ++timed_;
  ++histogram_[std::min(bucket_of(us), histogram_.size() - 1)];
}

void MethodCounters::ended(std::uint16_t status) {
  --open_;
  ++statuses_[status < kStatuses ? status : static_cast<std::uint16_t>(Errc::unknown)];
  if (status != kOk && status != static_cast<std::uint16_t>(Errc::cancelled)) ++failed_;
}

v1::MethodStats MethodCounters::told() const {
  v1::MethodStats stats;
  stats.calls = calls_;
  stats.failed = failed_;
  stats.open = open_;
  if (timed_ == 0) return stats;
  stats.mean_us = sum_us_ / static_cast<double>(timed_);
  stats.p50_us = quantile_us(0.5);
  stats.p99_us = quantile_us(0.99);
  return stats;
}

double MethodCounters::quantile_us(double share) const {
  const auto beyond = static_cast<std::uint64_t>(static_cast<double>(timed_) * (1 - share));
  std::uint64_t seen = 0;
  for (std::size_t bucket = histogram_.size(); bucket-- > 0;) {
    seen += histogram_[bucket];
    if (seen > beyond) return top_of(bucket);
  }
  return 0;
}

std::uint64_t MethodCounters::faster_than(unsigned power) const {
  const std::size_t end = std::min(bucket_of(std::uint64_t{1} << power), histogram_.size());
  return std::accumulate(histogram_.begin(), histogram_.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
}

std::string_view name(Refusal why) {
  switch (why) {
    case Refusal::connection_limit: return "connection_limit";
    case Refusal::silence: return "silence";
    case Refusal::protocol: return "protocol";
    case Refusal::needs_tls: return "needs_tls";
    case Refusal::tls: return "tls";
    case Refusal::broken_rule: return "broken_rule";
    case Refusal::call_right: return "call_right";
    case Refusal::call_limit: return "call_limit";
    case Refusal::revoked: return "revoked";
    case Refusal::call_unfit: return "call_unfit";
    case Refusal::http_host: return "http_host";
    case Refusal::http_origin: return "http_origin";
    case Refusal::http_token: return "http_token";
    case Refusal::count_: break;
  }
  return "";
}

Refusal refusal_of_call(Errc code) {
  if (code == Errc::refused || code == Errc::unauthenticated) return Refusal::call_right;
  return code == Errc::exhausted || code == Errc::busy ? Refusal::call_limit : Refusal::call_unfit;
}

void ServiceTable::add(Service& service, v1::Health health) {
  const ServiceInfo& info = service.info();
  v1::ServiceEntry entry;
  entry.name = info.name;
  entry.version = info.version;
  const auto digest = sha256(info.file_descriptor_set);
  entry.descriptor_hash = Bytes(digest.begin(), digest.end());
  entry.first_method = static_cast<std::uint32_t>(methods_.size());
  entry.method_count = static_cast<std::uint32_t>(info.methods.size());
  entry.health = health;
  for (std::size_t i = 0; i < info.methods.size(); ++i) {
    const MethodInfo& method = info.methods[i];
    v1::Method told;
    told.name = method.name;
    told.kind = wire_kind(method.kind);
    told.needs = rights_ ? rights_->needs(info.name, method.name, method.needs) : std::string(method.needs);
    told.idempotent = method.idempotent;
    const std::string needs = told.needs;
    entry.methods.push_back(std::move(told));
    MethodEntry& added = methods_.emplace_back();
    added.service = &service;
    added.method = i;
    added.service_name = info.name;
    added.name = method.name;
    added.needs = needs;
    added.kind = method.kind;
    added.on_loop = method.on_loop;
  }
  entries_.push_back(entry);
  services_.push_back(&service);
  if (on_change) on_change(entry);
}

void ServiceTable::remove(Service& service) {
  const auto found = std::find(services_.begin(), services_.end(), &service);
  if (found == services_.end()) return;
  const auto at = found - services_.begin();
  v1::ServiceEntry gone = entries_[static_cast<std::size_t>(at)];
  for (std::uint32_t i = 0; i < gone.method_count; ++i) methods_[gone.first_method + i].service = nullptr;
  entries_.erase(entries_.begin() + at);
  services_.erase(found);
  gone.method_count = 0;
  gone.methods.clear();
  gone.health = v1::Health::not_serving;
  if (on_change) on_change(gone);
}

void ServiceTable::set_health(const Service& service, v1::Health health) {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    if (services_[i] != &service || entries_[i].health == health) continue;
    entries_[i].health = health;
    if (on_change) on_change(entries_[i]);
  }
}

Service* ServiceTable::service(std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name == name) return services_[i];
  }
  return nullptr;
}

MethodEntry* ServiceTable::find(std::string_view service, std::string_view method) {
  for (const v1::ServiceEntry& entry : entries_) {
    if (entry.name != service) continue;
    for (std::uint32_t i = 0; i < entry.method_count; ++i) {
      if (entry.methods[i].name == method) return &methods_[entry.first_method + i];
    }
  }
  return nullptr;
}

std::vector<v1::MethodStats> ServiceTable::stats() const {
  std::vector<v1::MethodStats> all;
  for (const MethodEntry& entry : methods_) {
    if (entry.service == nullptr) continue;
    v1::MethodStats stats = entry.counters.told();
    stats.service = entry.service_name;
    stats.method = entry.name;
    all.push_back(std::move(stats));
  }
  return all;
}

Endpoint::Endpoint() : compression(std::make_unique<Compression>()), replies(std::make_unique<ReplyCache>(*this)) {}
Endpoint::~Endpoint() = default;

v1::Hello Endpoint::hello(const ChannelLimits& held_to) const {
  v1::Hello hello;
  hello.version = 1;
  if (!node.is_none()) hello.node_id = Bytes(node.bytes.begin(), node.bytes.end());
  hello.name = name;
  hello.boot_epoch = boot_epoch;
  hello.features = {std::string(kFeatureKeys)};
  if (compress != Compress::never) hello.features.emplace_back(kFeatureZstd);
  v1::Limits told;
  told.frame_bytes = held_to.frame_bytes;
  told.metadata_bytes = 8192;
  told.streams = held_to.streams;
  told.message_bytes = held_to.message_bytes;
  told.connection_window = held_to.connection_window;
  told.stream_window = held_to.stream_window;
  hello.limits = told;
  hello.keep_alive_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(held_to.keep_alive).count());
  hello.services = services.entries();
  hello.house = house;
  hello.house_id = house_id;
  hello.revocations = revocations;
  return hello;
}

}  // namespace ghost::b2
