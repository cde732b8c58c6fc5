#include "b2/metrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "b2/reply_cache.h"

namespace ghost::b2 {

namespace {

/// Upper bounds of the latency histogram: 2^power microseconds, 16 µs to 67 s.
constexpr unsigned kFirstPower = 4, kLastPower = 26, kPowerStep = 2;

/// As the format wants a label's value.
std::string escaped_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

std::string method_labels(const MethodEntry& method) {
  return fmt::format("service=\"{}\",method=\"{}\"", escaped_label(method.service_name), escaped_label(method.name));
}

/// Gathers the text, a family at a time.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <class Value>
  void sample(Value value, std::string_view labels = "", std::string_view suffix = "") {
    text_ += labels.empty() ? fmt::format("{}{} {}\n", name_, suffix, value) : fmt::format("{}{}{{{}}} {}\n", name_, suffix, labels, value);
  }
  template <class Value>
  void one(std::string_view name, std::string_view type, std::string_view help, Value value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, name_;
};

void add_refusals(Exposition& out, const Endpoint& endpoint) {
  out.family("b2_refused_total", "counter", "Connections and calls turned away, by reason.");
  for (std::size_t why = 0; why < endpoint.counters.refused.size(); ++why) {
    out.sample(endpoint.counters.refused[why], fmt::format("reason=\"{}\"", name(static_cast<Refusal>(why))));
  }
}

void add_calls(Exposition& out, const MethodEntry& method) {
  const std::string labels = method_labels(method);
  for (std::size_t status = 0; status < MethodCounters::kStatuses; ++status) {
    const std::uint64_t calls = method.counters.ended_with(status);
    if (calls == 0 && status != MethodCounters::kOk) continue;
    out.sample(calls, fmt::format("{},status=\"{}\"", labels, status == MethodCounters::kOk ? "ok" : name(static_cast<Errc>(status))));
  }
}

void add_durations(Exposition& out, const MethodEntry& method) {
  if (method.counters.timed() == 0) return;
  const std::string labels = method_labels(method);
  for (unsigned power = kFirstPower; power <= kLastPower; power += kPowerStep) {
    const double seconds = static_cast<double>(std::uint64_t{1} << power) / 1e6;
    out.sample(method.counters.faster_than(power), fmt::format("{},le=\"{}\"", labels, seconds), "_bucket");
  }
  out.sample(method.counters.timed(), labels + ",le=\"+Inf\"", "_bucket");
  out.sample(method.counters.timed_us() / 1e6, labels, "_sum");
  out.sample(method.counters.timed(), labels, "_count");
}

void add_methods(Exposition& out, const ServiceTable& services) {
  std::vector<const MethodEntry*> served;
  std::uint64_t streams = 0;
  for (const MethodEntry& method : services.methods()) {
    if (method.service == nullptr) continue;
    served.push_back(&method);
    if (method.kind != MethodKind::unary) streams += method.counters.open();
  }
  out.one("b2_streams_open", "gauge", "Calls under way whose method streams.", streams);
  out.family("b2_calls_open", "gauge", "Calls under way.");
  for (const MethodEntry* method : served) out.sample(method->counters.open(), method_labels(*method));
  out.family("b2_calls_total", "counter", "Calls that have ended, by status.");
  for (const MethodEntry* method : served) add_calls(out, *method);
  out.family("b2_call_duration_seconds", "histogram", "How long calls took; of methods that run on the loop one call in 16 is timed.");
  for (const MethodEntry* method : served) add_durations(out, *method);
}

void add_datagrams(Exposition& out, const DatagramCounters& counted) {
  if (!counted.served) return;
  out.one("b2_datagrams_received_total", "counter", "Datagrams of calls received.", counted.received);
  out.one("b2_datagrams_sent_total", "counter", "Datagrams of answers and cookies sent.", counted.sent);
  out.one("b2_datagrams_received_bytes_total", "counter", "Bytes of datagrams received.", counted.received_bytes);
  out.one("b2_datagrams_sent_bytes_total", "counter", "Bytes of datagrams sent.", counted.sent_bytes);
  out.family("b2_datagrams_dropped_total", "counter", "Datagrams, or calls in them, that got no answer, by reason.");
  for (std::size_t why = 0; why < counted.dropped.size(); ++why) {
    out.sample(counted.dropped[why], fmt::format("reason=\"{}\"", name(static_cast<DatagramDrop>(why))));
  }
  out.family("b2_datagrams_calls_total", "counter", "Calls by datagram that were taken, by form.");
  out.sample(counted.plain, "form=\"plain\"");
  out.sample(counted.pure, "form=\"pure\"");
  out.sample(counted.sealed, "form=\"sealed\"");
  out.one("b2_datagrams_repeats_total", "counter", "Calls that came again and were not carried out again.", counted.repeats);
  out.one("b2_datagrams_cookies_total", "counter", "Cookies handed out.", counted.cookies);
  out.one("b2_datagrams_use_stream_total", "counter", "Answers that were too long for a datagram.", counted.use_stream);
  out.one("b2_datagrams_forgotten_total", "counter", "Callers that had to make room for others.", counted.forgotten);
  out.one("b2_datagrams_callers", "gauge", "Callers without keys that are remembered.", counted.callers);
  out.one("b2_datagrams_sessions", "gauge", "Sessions with keys.", counted.sessions);
  out.one("b2_datagrams_open", "gauge", "Calls by datagram under way.", counted.open);
  out.one("b2_datagrams_kept_bytes", "gauge", "Answers kept for repeats.", counted.kept_bytes);
}

void add_hosted(Exposition& out, const std::vector<HostedCount>& hosted) {
  if (hosted.empty()) return;
  out.family("b2_child_ready", "gauge", "1 while a hosted child serves.");
  for (const HostedCount& child : hosted) out.sample(child.ready ? 1 : 0, fmt::format("child=\"{}\"", escaped_label(child.name)));
  out.family("b2_child_restarts_total", "counter", "How often a hosted child was started again.");
  for (const HostedCount& child : hosted) out.sample(child.restarts, fmt::format("child=\"{}\"", escaped_label(child.name)));
}

}  // namespace

std::string bridge_metrics(const v1::BridgeListResponse& bridge) {
  Exposition out;
  const v1::BridgeCounts counts = bridge.counts.value_or(v1::BridgeCounts());
  out.one("b2_nats_connected", "gauge", "1 while there is a connection to NATS.", bridge.connected ? 1 : 0);
  out.one("b2_nats_nodes", "gauge", "Other nodes of the house that are heard of by NATS.",
          std::count_if(bridge.nodes.begin(), bridge.nodes.end(), [](const v1::BridgeNode& node) { return node.alive; }));
  out.one("b2_nats_reconnects_total", "counter", "Connections to NATS after the first.", counts.reconnects);
  out.one("b2_nats_sent_total", "counter", "Messages of topics sent to other nodes.", counts.sent);
  out.one("b2_nats_received_total", "counter", "Messages of topics received from other nodes.", counts.received);
  out.one("b2_nats_lost_total", "counter", "Messages of topics that did not come, and were told as dropped.", counts.lost);
  out.one("b2_nats_refused_total", "counter", "Messages without a valid signature, too old, or of one who may not send them.", counts.refused);
  out.one("b2_nats_overflow_total", "counter", "Messages that found the queue to NATS, or from it, full.", counts.overflow);
  out.one("b2_nats_calls_made_total", "counter", "Calls of other nodes.", counts.calls_made);
  out.one("b2_nats_calls_taken_total", "counter", "Calls by other nodes that were carried out.", counts.calls_taken);
  out.one("b2_nats_calls_repeated_total", "counter", "Calls by other nodes that came again, and were not carried out again.", counts.calls_repeated);
  return out.take();
}

std::string prometheus_text(const Endpoint& endpoint, const v1::StatsResponse& stats, const std::vector<HostedCount>& hosted) {
  Exposition out;
  const std::string_view program = endpoint.program;
  const auto space = program.find(' ');
  out.family("ghostlight_build_info", "gauge", "What is running.");
  out.sample(1, fmt::format("program=\"{}\",version=\"{}\"", escaped_label(program.substr(0, space)),
                            space == std::string_view::npos ? "" : escaped_label(program.substr(space + 1))));
  out.one("b2_uptime_seconds", "gauge", "Time since the process started.", static_cast<double>(stats.uptime_ms) / 1000);
  out.one("b2_connections", "gauge", "Connections of b2 open.", stats.connections);
  out.one("b2_connections_total", "counter", "Connections of b2 accepted or made.", stats.connections_total);
  add_refusals(out, endpoint);
  out.one("b2_retried_total", "counter", "Calls this side sent again.", endpoint.counters.retried);
  out.one("b2_replayed_total", "counter", "Calls that were answered by their key, without being done again.", endpoint.replies->replayed());
  out.one("b2_keys_kept", "gauge", "Idempotency keys kept.", endpoint.replies->kept());
  out.one("b2_keys_kept_bytes", "gauge", "Bytes of answers kept for them.", endpoint.replies->kept_bytes());
  out.one("b2_received_bytes_total", "counter", "Bytes received on connections of b2.", stats.bytes_in);
  out.one("b2_sent_bytes_total", "counter", "Bytes sent on connections of b2.", stats.bytes_out);
  out.one("b2_compression_saved_bytes_total", "counter", "Bytes that compression spared of what was sent.", endpoint.counters.bytes_saved);
  out.one("b2_receive_budget_bytes", "gauge", "The receive budget of the process.", stats.budget);
  out.one("b2_receive_budget_used_bytes", "gauge", "Bytes of the receive budget in use.", stats.budget_used);
  out.one("b2_resident_bytes", "gauge", "Memory resident.", stats.resident_bytes);
  add_methods(out, endpoint.services);
  add_datagrams(out, endpoint.counters.datagrams);
  add_hosted(out, hosted);
  return out.take();
}

}  // namespace ghost::b2
