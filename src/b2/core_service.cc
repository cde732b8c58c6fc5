#include "b2/core_service.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "b2/descriptor_set.h"

namespace ghost::b2 {

std::uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), std::fclose);
  unsigned long long total = 0, resident = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &total, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Whether the caller may use any method of a service; otherwise why not the first.
static Status may_use(const v1::ServiceEntry& entry, const Identity& caller) {
  Status first;
  for (const v1::Method& method : entry.methods) {
    const Status allowed = caller.may(method.needs, entry.name + "/" + method.name);
    if (allowed) return allowed;
    if (first) first = allowed;
  }
  return first;
}

Result<v1::DescribeResponse> CoreService::describe(const v1::DescribeRequest& request, const CallContext& context) {
  v1::DescribeResponse response;
  response.node_name = endpoint_.name;
  response.node_id = Bytes(endpoint_.node.bytes.begin(), endpoint_.node.bytes.end());
  response.program = endpoint_.program;
  response.house = endpoint_.house;
  response.addresses = endpoint_.addresses;
  std::vector<BytesView> sets;
  for (const v1::ServiceEntry& entry : endpoint_.services.entries()) {
    if (!request.service.empty() && entry.name != request.service) continue;
    if (const Status allowed = may_use(entry, *context.caller); !allowed) {
      if (request.service.empty()) continue;
      endpoint_.refuse_right(*context.caller, allowed.error());
      return allowed.error();
    }
    response.services.push_back(entry);
    if (const Service* service = endpoint_.services.service(entry.name)) sets.push_back(service->info().file_descriptor_set);
  }
  if (!request.service.empty() && response.services.empty()) {
    return Error{Errc::not_found, endpoint_.name + " has no service '" + request.service + "'; Describe without a name lists what it has"};
  }
  if (request.descriptors) response.file_descriptor_set = merge_descriptor_sets(sets);
  return response;
}

v1::HealthResponse CoreService::health_now() const {
  v1::HealthResponse response;
  response.health = v1::Health::serving;
  for (const v1::ServiceEntry& entry : endpoint_.services.entries()) {
    if (entry.health != v1::Health::not_serving) continue;
    response.health = v1::Health::not_serving;
    response.detail += (response.detail.empty() ? "not serving: " : ", ") + entry.name;
  }
  return response;
}

Result<v1::HealthResponse> CoreService::health(const v1::HealthRequest& request, const CallContext&) {
  if (request.service.empty()) return health_now();
  for (const v1::ServiceEntry& entry : endpoint_.services.entries()) {
    if (entry.name != request.service) continue;
    v1::HealthResponse response;
    response.health = entry.health;
    return response;
  }
  return Error{Errc::not_found, endpoint_.name + " has no service '" + request.service + "'"};
}

v1::StatsResponse CoreService::stats_now() const {
  v1::StatsResponse response;
  response.uptime_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - started_).count());
  response.connections = endpoint_.counters.connections;
  response.connections_total = endpoint_.counters.connections_total;
  response.refused_total = endpoint_.counters.refused_total();
  for (std::size_t why = 0; why < endpoint_.counters.refused.size(); ++why) {
    if (endpoint_.counters.refused[why] == 0) continue;
    v1::RefusedFor& told = response.refused_for.emplace_back();
    told.reason = name(static_cast<Refusal>(why));
    told.count = endpoint_.counters.refused[why];
  }
  response.bytes_in = endpoint_.counters.bytes_in;
  response.bytes_out = endpoint_.counters.bytes_out;
  response.budget_used = endpoint_.budget.used();
  response.budget = endpoint_.budget.total();
  response.resident_bytes = resident_bytes();
  response.methods = endpoint_.services.stats();
  return response;
}

Result<v1::StatsResponse> CoreService::stats(const v1::StatsRequest&, const CallContext&) { return stats_now(); }

Result<v1::LimitsResponse> CoreService::limits(const v1::LimitsRequest&, const CallContext&) {
  const ChannelLimits& limits = endpoint_.limits;
  v1::LimitsResponse response;
  response.limits = endpoint_.hello().limits;
  response.receive_budget = endpoint_.budget.total();
  response.connections = told_.connections;
  response.unidentified_connections = told_.unidentified;
  response.unidentified_per_address = told_.unidentified_per_address;
  response.first_bytes_ms = told_.first_bytes_ms;
  response.hello_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(limits.hello_timeout).count());
  response.max_connection_window = limits.max_connection_window;
  response.max_stream_window = limits.max_stream_window;
  return response;
}

}  // namespace ghost::b2
