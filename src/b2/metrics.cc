#include "b2/metrics.h"

#include <fmt/format.h>

namespace ghost::b2 {

namespace {

void one(std::string& out, std::string_view name, std::string_view type, std::string_view help, double value) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

template <class Value>
void each_method(std::string& out, std::string_view name, std::string_view type, std::string_view help, const v1::StatsResponse& stats, Value value) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  for (const v1::MethodStats& method : stats.methods) {
    out += fmt::format("{}{{service=\"{}\",method=\"{}\"}} {}\n", name, method.service, method.method, value(method));
  }
}

}  // namespace

std::string prometheus_text(std::string_view program, const v1::StatsResponse& stats) {
  const auto space = program.find(' ');
  std::string out = fmt::format("# HELP ghostlight_build_info What is running.\n# TYPE ghostlight_build_info gauge\n"
                                "ghostlight_build_info{{program=\"{}\",version=\"{}\"}} 1\n",
                                program.substr(0, space), space == std::string_view::npos ? "" : program.substr(space + 1));
  one(out, "b2_uptime_seconds", "gauge", "Time since the process started.", static_cast<double>(stats.uptime_ms) / 1000);
  one(out, "b2_connections", "gauge", "Connections open.", static_cast<double>(stats.connections));
  one(out, "b2_connections_total", "counter", "Connections accepted or made.", static_cast<double>(stats.connections_total));
  one(out, "b2_refused_total", "counter", "Connections and calls turned away.", static_cast<double>(stats.refused_total));
  one(out, "b2_received_bytes_total", "counter", "Bytes received on b2 connections.", static_cast<double>(stats.bytes_in));
  one(out, "b2_sent_bytes_total", "counter", "Bytes sent on b2 connections.", static_cast<double>(stats.bytes_out));
  one(out, "b2_receive_budget_used_bytes", "gauge", "Bytes of the receive budget in use.", static_cast<double>(stats.budget_used));
  one(out, "b2_resident_bytes", "gauge", "Memory resident.", static_cast<double>(stats.resident_bytes));
  each_method(out, "b2_calls_total", "counter", "Calls taken.", stats, [](const v1::MethodStats& method) { return method.calls; });
  each_method(out, "b2_calls_failed_total", "counter", "Calls that ended with an error.", stats, [](const v1::MethodStats& method) { return method.failed; });
  each_method(out, "b2_calls_open", "gauge", "Calls that are being handled.", stats, [](const v1::MethodStats& method) { return method.open; });
  return out;
}

}  // namespace ghost::b2
