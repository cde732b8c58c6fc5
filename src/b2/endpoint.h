#pragma once
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "b2/datagram_counters.h"
#include "b2/rights.h"
#include "b2/service.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/hello.b2.h"

namespace ghost::b2 {

class Channel;

/// Features of HELLO: a callee that keeps the answers of calls with a key (docs/spec/b2.md §5).
inline constexpr std::string_view kFeatureKeys = "keys";
/// One that takes messages compressed by zstd (§4).
inline constexpr std::string_view kFeatureZstd = "zstd";

/// Which messages an endpoint compresses, of those it is worth with.
enum class Compress : std::uint8_t { never, to_remote, always };

/// What an endpoint holds its peers to (docs/spec/b2.md §7). Told in HELLO.
struct ChannelLimits {
  std::uint32_t frame_bytes = 64 * 1024;
  std::uint32_t streams = 256;
  std::uint32_t message_bytes = 4 * 1024 * 1024;
  std::uint32_t connection_window = 64 * 1024;  ///< at first
  std::uint32_t stream_window = 64 * 1024;
  std::uint32_t max_connection_window = 4 * 1024 * 1024;
  std::uint32_t max_stream_window = 1024 * 1024;
  double control_burst = 1000;  ///< CANCEL, refused CALL, PING, empty DATA: so many at once,
  double control_rate = 33;     ///< then so many a second
  Duration hello_timeout = std::chrono::seconds(10);
  Duration ping_after = std::chrono::seconds(15);     ///< silence before PING
  Duration ping_patience = std::chrono::seconds(10);  ///< silence after it before the connection is given up
  Duration keep_alive = std::chrono::seconds(1);      ///< the shortest PING interval accepted
};

/// The bytes all connections of a process may hold for their peers: windows beyond the first, and messages in assembly.
class ReceiveBudget {
 public:
  explicit ReceiveBudget(std::uint64_t total = 256 * 1024 * 1024) : total_(total) {}
  bool take(std::uint64_t bytes) {
    if (bytes > total_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void give(std::uint64_t bytes) { used_ -= bytes; }
  std::uint64_t used() const { return used_; }
  std::uint64_t total() const { return total_; }

 private:
  std::uint64_t total_;
  std::uint64_t used_ = 0;
};

/// How often a method was called and how long it took; durations in a histogram of four buckets per power of two.
class MethodCounters {
 public:
  static constexpr std::uint16_t kOk = 0;
  static constexpr std::size_t kStatuses = 17;  ///< kOk and those of Errc

  void began() { ++calls_, ++open_; }
  /// @param status  kOk or an Errc; a caller that gave up (cancelled) is no failure
  void ended(std::uint16_t status);
  void ended(Errc status) { ended(static_cast<std::uint16_t>(status)); }
  void took(Duration time);

  std::uint64_t calls() const { return calls_; }
  std::uint32_t open() const { return open_; }
  /// Calls that ended with that status.
  std::uint64_t ended_with(std::size_t status) const { return statuses_[status]; }
  /// Of the calls, those that were timed.
  std::uint64_t timed() const { return timed_; }
  double timed_us() const { return sum_us_; }  ///< how long these took together
  /// How many of these took less than 2^power microseconds.
  std::uint64_t faster_than(unsigned power) const;
  v1::MethodStats told() const;

 private:
  /// The bound, in microseconds, under which that share of the timed calls stayed.
  double quantile_us(double share) const;

  std::uint64_t calls_ = 0, failed_ = 0, timed_ = 0;
  std::uint32_t open_ = 0;
  std::array<std::uint64_t, kStatuses> statuses_{};
  double sum_us_ = 0;
  std::array<std::uint32_t, 160> histogram_{};
};

/// A method under its index. Copies what it knows of the service, which may leave while its last calls are open.
struct MethodEntry {
  Service* service = nullptr;  ///< null once the service has left: its indexes stay taken
  std::size_t method = 0;      ///< index into the service's methods
  std::string service_name, name, needs;
  MethodKind kind = MethodKind::unary;
  bool on_loop = false;
  MethodCounters counters;
};

/// The services of one endpoint and the indexes of their methods. Several channels share it; indexes are never used twice.
class ServiceTable {
 public:
  /// @param service  outlives the table, or is removed before it goes
  void add(Service& service, v1::Health health = v1::Health::serving);
  void remove(Service& service);
  void set_health(const Service& service, v1::Health health);
  /// What the configuration says of the methods of services that are added from here on.
  void set_rights(std::shared_ptr<const Rights> rights) { rights_ = std::move(rights); }

  MethodEntry* find(std::uint16_t index) { return index < methods_.size() && methods_[index].service ? &methods_[index] : nullptr; }
  /// Of a service and a method by name; nothing when there is none.
  MethodEntry* find(std::string_view service, std::string_view method);
  const std::vector<v1::ServiceEntry>& entries() const { return entries_; }
  Service* service(std::string_view name) const;
  std::vector<v1::MethodStats> stats() const;
  const std::deque<MethodEntry>& methods() const { return methods_; }  ///< by index, those of services that left too

  /// Rings after every change, with what HELLO_UPDATE has to tell.
  std::function<void(const v1::ServiceEntry&)> on_change;

 private:
  std::deque<MethodEntry> methods_;  ///< by index; a deque so that entries stay where they are
  std::vector<v1::ServiceEntry> entries_;
  std::vector<Service*> services_;  ///< as entries_
  std::shared_ptr<const Rights> rights_;
};

/// Why connections and calls are turned away. A closed set: each is a label of a metric (docs/spec/b2.md §10).
enum class Refusal : std::uint8_t {
  connection_limit,  ///< too many connections, or too many that did not say who they are
  silence,           ///< first bytes or HELLO did not come in time
  protocol,          ///< nothing that is served here, or not in this place
  needs_tls,         ///< off loopback without TLS
  tls,               ///< the handshake failed
  broken_rule,       ///< a connection that was ended because its peer broke the protocol
  call_right,        ///< calls that who called may not make
  call_limit,        ///< calls beyond a limit, or while shutting down
  revoked,           ///< a connection that was ended because the house took its peer out
  call_unfit,        ///< calls that could not be taken for another reason
  http_host,         ///< HTTP's Host is no name of this server
  http_origin,       ///< HTTP from a page of another server
  http_token,        ///< HTTP with a wrong token, or without one where it is needed
  count_
};
/// "connection_limit", …: the enumerator's name.
std::string_view name(Refusal why);
/// How the refusal of a call that ends with `code` is counted.
Refusal refusal_of_call(Errc code);

class Compression;
class ReplyCache;

/// A call that came in and failed, as its handler, or its deadline, ended it.
struct FailedCall {
  std::string_view service, method;
  Errc status;
  std::string_view why;
  const Identity& caller;
  const TraceContext* trace;  ///< null for a call without one
  Duration took;              ///< zero where that was not measured
};

/// What all channels of a process share: who it is, what it serves, what it allows.
struct Endpoint {
  Endpoint();
  ~Endpoint();

  std::string name;     ///< of the node, for people
  std::string program;  ///< "ariascribe 0.1.0"
  NodeId node;
  std::string house;    ///< "" for none
  Bytes house_id;
  std::vector<std::string> addresses;  ///< where it listens, as people write them; a hosted child's are told by its host too
  std::uint64_t boot_epoch = 0;
  std::uint64_t revocations = 0;  ///< number of the house's list of revoked nodes that is known here; 0 for none
  ChannelLimits limits;
  ReceiveBudget budget;
  ServiceTable services;
  Compress compress = Compress::to_remote;
  std::unique_ptr<Compression> compression;  ///< always there
  std::unique_ptr<ReplyCache> replies;  ///< of calls that carry a key; always there

  /// Runs work off the loop and `then` back on it. Left empty, work runs at once.
  std::function<void(std::function<Result<Bytes>()> work, std::function<void(Result<Bytes>)> then)> run_on_worker;

  /// The connections there are, those this side dialed too: for what all peers are to hear of, or to be judged by anew.
  std::set<Channel*> channels;
  /// Rings when a peer tells that it knows a later list of revoked nodes than `revocations`; may be empty.
  std::function<void(std::shared_ptr<Channel>)> later_revocations;
  /// Whether the house has taken that node out, for those that are known by more than a connection; may be empty.
  std::function<bool(const NodeId&)> is_revoked;

  /// Hears of calls that fail, but for those their callers gave up; may be empty.
  std::function<void(const FailedCall&)> call_failed;

  struct Counters {
    std::uint64_t connections = 0, connections_total = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t bytes_saved = 0;  ///< of what was sent, by compression
    std::uint64_t retried = 0;  ///< calls of this side that were sent again
    std::array<std::uint64_t, static_cast<std::size_t>(Refusal::count_)> refused{};
    DatagramCounters datagrams;

    void refuse(Refusal why) { ++refused[static_cast<std::size_t>(why)]; }
    std::uint64_t refused_total() const { return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0}); }
  } counters;

  /// Counts a call, or what comes to the same, that `who` had no right to, and tells on_refused.
  void refuse_right(const Identity& who, const Error& why) {
    counters.refuse(Refusal::call_right);
    if (on_refused) on_refused(who, why);
  }
  /// Rings for each; may be empty.
  std::function<void(const Identity& who, const Error& why)> on_refused;

  v1::Hello hello() const { return hello(limits); }
  /// What is told to a peer that is held to other limits.
  v1::Hello hello(const ChannelLimits& held_to) const;
};

}  // namespace ghost::b2
