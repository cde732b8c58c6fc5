#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "b2/datagram.h"
#include "b2/datagram_cookie.h"
#include "b2/datagram_seal.h"
#include "b2/endpoint.h"

namespace ghost::b2 {

/// Calls a caller may have open or unfinished: sequence numbers from the lowest on that is not done with.
inline constexpr std::uint64_t kDatagramWindow = 256;
/// The longest time that a call in a datagram may take; also for one whose caller told none.
inline constexpr Duration kMostDatagramTime = std::chrono::minutes(5);

/// What a server of datagrams holds its callers to (docs/spec/b2.md §13.8).
struct DatagramLimits {
  std::size_t callers = 4096;          ///< plain ones that are remembered
  std::size_t callers_per_source = 64; ///< of one IPv4 address or IPv6 /64
  std::size_t sessions = 4096;
  std::size_t open = 1024;             ///< calls being carried out
  std::size_t kept_bytes = 16 * 1024 * 1024;  ///< answers kept for repeats and for Fetch
  std::size_t fetched_bytes = 4 * 1024 * 1024;  ///< one answer kept for Fetch
  unsigned answers = 32;               ///< how often one answer is sent
  Duration idle = std::chrono::seconds(120);   ///< after which a plain caller is forgotten
  Duration pure_time = std::chrono::seconds(2);
  double cookie_burst = 200, cookie_rate = 100;  ///< a second and source
  double pure_burst = 1000, pure_rate = 1000;
};

/// The server's end of calls in datagrams (docs/spec/b2.md §13): what came from where goes in, what is to be sent comes out. Pure; time
/// comes from the clock it was given. Held by a shared_ptr, because calls that are being answered keep the way back.
class DatagramCallee final : public CallSink, public std::enable_shared_from_this<DatagramCallee> {
 public:
  /// References outlive it, or it is closed before they go. Functions may be empty.
  struct Wiring {
    Endpoint& endpoint;
    const Clock& clock;
    std::function<void()> on_output;            ///< take_outgoing() has something, for the first time since it was called
    std::function<void(TimePoint)> on_wakeup;   ///< next_wakeup() has become earlier
    std::function<std::string(const DatagramPeer&)> name_of;  ///< an address for people
  };
  struct Outgoing {
    DatagramPeer to;
    Bytes bytes;
  };

  /// @param secret  32 random bytes that cookies are made with
  DatagramCallee(Wiring wiring, const std::array<std::uint8_t, 32>& secret, const DatagramLimits& limits);
  explicit DatagramCallee(Wiring wiring, const std::array<std::uint8_t, 32>& secret) : DatagramCallee(std::move(wiring), secret, DatagramLimits()) {}
  ~DatagramCallee() override;

  void on_datagram(BytesView datagram, const DatagramPeer& from);
  void on_time();
  TimePoint next_wakeup() const { return wakeup_; }
  /// What is to be sent: answers are put together here. To be called at the end of each turn that on_output() rang in.
  std::vector<Outgoing> take_outgoing();

  /// A session whose datagrams are sealed with those keys, and whose calls have that caller's rights. exhausted when there are too many.
  /// @param session  random, and the one the keys were derived for
  Status open_session(std::uint64_t session, const DatagramKeys& keys, std::shared_ptr<const Identity> caller);
  void close_session(std::uint64_t session);
  /// The answer that was too long for a datagram, for who opened the session; it is handed out once.
  Result<Bytes> fetch(std::uint64_t session, std::uint64_t sequence, const Identity& caller);

  /// Takes no more calls; those under way go on.
  void go_away() { leaving_ = true; }
  /// Takes nothing any more and tells the handlers of calls under way; the endpoint and the clock are not touched again.
  void close();

  // CallSink
  bool write(std::uint64_t, const Payload&) override { return false; }
  void finish(std::uint64_t key, const Payload& last) override;
  void fail(std::uint64_t key, const Error& error) override;
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t key, std::function<void()> cancelled) override;
  void run_on_worker(std::uint64_t key, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) override;

 private:
  /// A call that was taken: its answer stays until the caller is done with it.
  struct Slot {
    bool open = true;
    bool due = false;     ///< stands in its caller's due list
    bool lost = false;    ///< done, but its answer had to make room
    AnswerState state = AnswerState::done;
    std::uint8_t status = 0;
    unsigned sent = 0;
    Bytes answer;
  };
  struct Party {
    std::uint64_t id = 0;
    DatagramForm form = DatagramForm::plain;
    DatagramPeer at;
    std::uint64_t source = 0;  ///< plain: of its first datagram, as it is counted
    std::uint64_t number = 0;  ///< plain: what its datagrams told
    std::unique_ptr<DatagramSeal> seal;
    std::shared_ptr<const Identity> identity;
    std::uint64_t mark = 1;    ///< sequence numbers below are done with
    std::map<std::uint64_t, Slot> slots;
    std::size_t open = 0;
    std::vector<std::uint64_t> due;
    bool queued = false;       ///< stands in dirty_
    Cookie cookie{};           ///< of cookie_minute and `at`
    std::uint64_t cookie_minute = 0;
    TimePoint heard{};
    std::list<std::uint64_t>::iterator place;  ///< plain: in idle_
  };
  using Name = std::pair<DatagramForm, std::uint64_t>;
  /// A call that its handler has.
  struct Open {
    Name party;
    std::uint64_t sequence = 0;
    MethodEntry* method = nullptr;
    TimePoint began{};
    TimePoint deadline = TimePoint::max();
    bool answered = false;  ///< its time is over
    bool armed = false;     ///< stands in deadlines_
    // PURE
    DatagramPeer from;
    std::uint32_t hash = 0;
    std::uint64_t nonce = 0;
    std::size_t room = 0;   ///< length of the call
    std::function<void()> cancelled;
    std::shared_ptr<std::atomic<bool>> token;
  };

  void on_pure(BytesView datagram, const DatagramPeer& from);
  void on_plain(BytesView datagram, const DatagramHead& head, const DatagramPeer& from);
  void on_sealed(BytesView datagram, const DatagramHead& head, const DatagramPeer& from);
  void on_calls(Party& party, const DatagramBody& body);
  void on_call(Party& party, const CallRecord& call, std::uint64_t epoch);
  Result<MethodEntry*> judge(const Identity& caller, DatagramForm form, std::uint32_t hash);
  Status judge_form(const MethodEntry& method, DatagramForm form) const;
  void dispatch(Open open, Duration timeout, std::shared_ptr<const Identity> caller, BytesView request);
  Result<MethodEntry*> method_of(std::uint32_t hash);

  void refuse(const DatagramHead& head, const Cookie& refused, const DatagramPeer& to);
  void answer(const Open& open, std::uint8_t status, const Payload& payload);
  void settle(Party& party, std::uint64_t sequence, std::uint8_t status, const Payload& payload);
  void end(std::uint64_t key, std::uint8_t status, const Payload& payload);
  void due(Party& party, std::uint64_t sequence, Slot& slot);
  void pack(Party& party);
  void send(const DatagramPeer& to, Bytes bytes);
  void output();
  void wake_by(TimePoint when);

  Party* find(const Name& name);
  Party* make_room_and_add(std::uint64_t id, const DatagramPeer& from);
  bool forget_one(const std::uint64_t* source, TimePoint heard_by = TimePoint::max());
  void forget(Party& party);
  void touch(Party& party);
  void set_mark(Party& party, std::uint64_t mark);
  void end_closed_sessions();
  void drop_answer(Slot& slot);
  void trim();
  void tell_gauges();
  std::shared_ptr<const Identity> stranger(const DatagramPeer& at) const;
  DatagramCounters& counters() { return wiring_.endpoint.counters.datagrams; }

  Wiring wiring_;
  const DatagramLimits limits_;
  CookieJar cookies_;
  SourceRates cookie_rate_, pure_rate_;
  bool leaving_ = false, closed_ = false;
  bool handling_ = false;  ///< a party is at work: none may go
  std::vector<std::uint64_t> closing_;  ///< sessions that go after that

  std::map<Name, std::unique_ptr<Party>> parties_;
  std::list<std::uint64_t> idle_;  ///< plain callers, those heard longest ago first
  std::map<std::uint64_t, std::size_t> by_source_;  ///< plain callers
  std::size_t sessions_ = 0;
  std::uint64_t last_id_ = 0;      ///< handed out with cookies; none twice
  std::uint64_t floor_ = 0;        ///< no caller up to this id that is not in parties_ is taken: it may have been forgotten
  std::size_t kept_ = 0;           ///< bytes of answers

  std::unordered_map<std::uint64_t, Open> open_;
  std::uint64_t last_key_ = 0;
  std::set<std::pair<TimePoint, std::uint64_t>> deadlines_;

  std::unordered_map<std::uint32_t, MethodEntry*> methods_;  ///< by hash; null where two have the same
  std::size_t methods_known_ = 0;
  std::vector<CallRecord> records_;
  std::vector<Name> dirty_;
  std::vector<Outgoing> outgoing_;
  bool told_ = false;  ///< on_output() rang
  TimePoint wakeup_ = TimePoint::max();
};

}  // namespace ghost::b2
