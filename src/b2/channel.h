#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_queue.h"
#include "base/time.h"
#include "b2/endpoint.h"
#include "b2/frame.h"
#include "b2/service.h"
#include "b2/stream_table.h"
#include "base/token_bucket.h"

namespace ghost::b2 {

/// What may wait on one stream for its peer's windows: a writer beyond it, that heeds no back-pressure, loses its call.
inline constexpr std::size_t kMaxWaiting = 64 * 1024 * 1024;

enum class Side : std::uint8_t { dialer, acceptor };

/// Who hears of a channel's own events. None of them is called after the channel was closed or lost.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  /// The peer has said HELLO: calls may be made.
  virtual void on_hello(const v1::Hello& peer) = 0;
  /// The peer's services have changed.
  virtual void on_services_changed() {}
  /// The peer takes no new calls; the open ones go on.
  virtual void on_leaving() {}
  /// The channel is over: what is left in the output may still be sent, then the transport is to be closed.
  virtual void on_finished(const Error& why) = 0;
  /// Much came at once and a part of it is answered: the output is worth sending before the rest is looked at.
  virtual void on_batch() {}
  /// next_wakeup() has become earlier.
  virtual void on_wakeup(TimePoint when) = 0;
};

/// One b2 connection (docs/spec/b2.md §2–§7): frames, calls both ways, credit, deadlines, limits. Pure: bytes come in by on_bytes(),
/// leave by the output queue; time comes from the clock it was given. Held by a shared_ptr, because calls that are being answered
/// keep the way back (CallSink) and callers keep the way to cancel (Caller).
class Channel : public CallSink, public Caller, public std::enable_shared_from_this<Channel> {
 public:
  /// All references outlive the channel, or it is closed by lost() before they go.
  struct Wiring {
    Endpoint& endpoint;
    const Clock& clock;
    ByteQueue& output;
    ChannelEvents& events;
    std::shared_ptr<const Identity> peer;  ///< who is at the other end, for the rights of its calls
    std::function<Result<Bytes>(std::string_view, std::size_t)> export_key;  ///< empty off TLS
    const ChannelLimits* limits = nullptr;  ///< what this peer is held to; null: the endpoint's
    bool remote = false;  ///< the peer is on another machine
  };

  Channel(Side side, Wiring wiring);
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Begins: the dialer speaks first; the time to HELLO runs.
  void open();
  void on_bytes(BytesView bytes);
  void on_time();
  TimePoint next_wakeup() const { return wakeup_; }
  /// The output has fallen below low water: waiting data goes on.
  void on_writable();
  /// The transport is gone: every open call ends with what is known, every handler is told.
  void lost(const Error& why);
  /// Takes no new calls from the peer, lets the open ones end, then finishes. At once with an error.
  void go_away(const Status& why);
  /// The same for a process that shuts down: of the peer's calls, those that are answered with a stream end at once, with
  /// Errc::busy and `why`, since nobody knows how long they would go on.
  void drain(const std::string& why);
  /// Tells the peer of a change in our services.
  void tell_services(const v1::ServiceEntry& changed);
  /// Tells the peer that a later list of revoked nodes is known here.
  void tell_revocations();

  bool ready() const { return peer_hello_.has_value() && !over_; }
  bool over() const { return over_; }
  /// When the peer's bytes came last, or the channel was opened.
  TimePoint heard() const { return heard_; }
  /// Whether calls may be started: ready, and neither side has said GOAWAY.
  bool takes_calls() const { return ready() && !leaving_ && !peer_last_; }
  /// The peer's HELLO with all updates; only when ready().
  const v1::Hello& peer_hello() const { return *peer_hello_; }
  const Identity& peer() const { return *wiring_.peer; }
  /// Takes the place of the peer's identity: a token was shown, a name was learnt.
  void set_peer(std::shared_ptr<const Identity> peer);
  std::size_t open_streams() const { return streams_.size(); }

  /// Sends PING and calls `answered` with the round trip, or with why there is none.
  void ping(std::function<void(Result<Duration>)> answered);

  // Caller
  ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                   std::unique_ptr<CallHandler> handler) override;
  void cancel(std::uint64_t key) override;
  void release(std::uint64_t key, std::size_t bytes) override;  ///< of CallSink too: keys of calls both ways differ
  bool write_request(std::uint64_t key, const Payload& message) override;
  void finish_request(std::uint64_t key) override;

  // CallSink
  bool write(std::uint64_t key, const Payload& message) override;
  void finish(std::uint64_t key, const Payload& last) override;
  void fail(std::uint64_t key, const Error& error) override;
  void on_ready(std::uint64_t key, std::function<void()> ready) override;
  void on_cancel(std::uint64_t key, std::function<void()> cancelled) override;
  void run_on_worker(std::uint64_t key,
                     std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) override;
  void read(std::uint64_t key, MessageReader reader) override;
  void tell(std::uint64_t key, const Metadata& metadata) override;

 private:
  /// A message that waits for credit or for room in the output.
  struct Waiting {
    Bytes bytes;
    std::size_t sent = 0;
    bool begun = false;  ///< its first frame has left
    FrameType type{};
    std::uint8_t flags = 0;
    std::uint16_t code = 0;
    Bytes extensions;
  };

  /// What of a stream is plain numbers, so that a new life of it begins with one assignment.
  struct StreamState {
    std::uint32_t id = 0;
    bool ours = false;  ///< we are the caller
    bool queued = false;  ///< stands in ready_
    TimePoint deadline = TimePoint::max();

    std::int64_t send_window = 0;
    std::size_t waiting_from = 0;  ///< those before have left
    std::size_t waiting_bytes = 0;

    std::int64_t receive_window = 0;
    std::uint32_t window_size = 0;     ///< what receive_window may be at most
    std::int64_t credit_due = 0;       ///< bytes used and not yet given back; below 0 when more was given than used
    std::uint32_t read = 0;            ///< the reads_ in which read_bytes arrived
    std::uint32_t read_bytes = 0;      ///< used of what came in one read
    std::uint32_t unreleased = 0;      ///< with manual credit: delivered and not yet released, as it came
    std::uint64_t unreleased_plain = 0;  ///< the same, as it was handed over
    std::uint32_t given_early = 0;     ///< of the message in assembly: credit that went back before it was used
    std::uint64_t budget_taken = 0;    ///< for the assembly
    std::uint64_t window_taken = 0;    ///< for the window beyond the first
    bool assembling = false;
    bool compressed = false;           ///< the message in assembly
    bool manual_credit = false;
    bool request_done = false;  ///< the caller has said END

    // caller
    bool streams_request = false;
    bool told_full = false;  ///< its writer waits for on_ready()
    bool idempotent = false;
    std::uint16_t called = 0;  ///< the method's index in the peer's HELLO

    // callee
    bool dispatched = false;   ///< the handler has the call
    bool handler_done = false;
    bool was_cancelled = false;
    bool answer_sent = false;  ///< RESP is sent or waits
    bool timed = false;
    MethodEntry* method = nullptr;
    TimePoint began{};
  };

  /// What a call that came in may carry beside its request.
  struct Extras {
    std::optional<IdempotencyKey> key;
    std::optional<TraceContext> trace;  ///< of this call: its own span
    TraceContext parent;                ///< of its caller
    bool wants_hops = false;
    Metadata told;                      ///< for the caller, beside the answer
  };

  struct Stream : StreamState {
    std::vector<Waiting> waiting;
    Bytes assembly;
    std::unique_ptr<Extras> extras;  ///< few calls have any
    std::unique_ptr<CallHandler> handler;  ///< of the caller

    // callee
    Metadata metadata;
    std::function<void()> ready;
    std::function<void()> cancelled;
    std::shared_ptr<std::atomic<bool>> cancel_token;
    std::shared_ptr<const MessageReader> reader;  ///< shared with the call that is under way into it, which may end the stream

    /// Fresh again. Most calls leave little behind, so what is empty is not touched.
    void reset();
  };

  // receiving: channel.cc
  bool take_preface(BytesView& bytes);
  void reserve_partial(std::size_t total, std::size_t have);
  void take_frame(const FrameHeader& header, const std::uint8_t* frame);
  Status check_header(const FrameHeader& header) const;
  bool is_usual(const FrameHeader& header) const;
  void on_hello_frame(BytesView payload);
  void on_hello_update(BytesView payload);
  bool note_indexes(const v1::ServiceEntry& entry);
  void on_credit(const FrameHeader& header, BytesView payload);
  void on_ping(BytesView payload);
  void on_pong(BytesView payload);
  void on_goaway(const FrameHeader& header, BytesView payload);
  void add_connection_credit(std::uint32_t bytes);
  bool account_payload(std::uint32_t bytes);
  void give_credit();

  // calls that come in: channel_callee.cc
  void on_call(const FrameHeader& header, BytesView extensions, BytesView payload);
  Status judge_call(const FrameHeader& header, BytesView& payload, const Extensions& extensions, Metadata& metadata,
                    MethodEntry*& method);
  Status judge_right(std::uint16_t index, const MethodEntry& method);
  void refuse_call(std::uint32_t id, const Error& why);
  void dispatch(Stream& stream, BytesView request);
  void dispatch_compressed(Stream& stream, BytesView request);
  void dispatch_keyed(Stream& stream, BytesView request, CallContext context);
  void on_request_part(Stream& stream, const FrameHeader& header, BytesView payload);
  void on_request_message(Stream& stream, const FrameHeader& header, BytesView payload);
  void end_request(Stream& stream);
  void cut_off(Stream& stream, Errc code, std::string_view why);
  void on_cancel_frame(const FrameHeader& header);
  void cancel_handler(Stream& stream, Errc why);
  void end_if_done(Stream& stream);
  void answer(Stream& stream, std::uint16_t code, const Payload& payload);
  bool answer_with_metadata(Stream& stream, std::uint8_t flags, std::uint16_t code, const Payload& payload);
  void note_extras(Stream& stream, const Extensions& told);
  void count_end(Stream& stream, std::uint16_t status, std::string_view why);

  // calls that go out: channel_caller.cc
  void on_answer(const FrameHeader& header, BytesView payload);
  void deliver(Stream& stream, const FrameHeader& header, BytesView payload, bool is_last);
  void deliver_assembly(Stream& stream);
  void hand_over(Stream& stream, BytesView message);
  void tell_cancelled(const Stream& stream, Errc code);
  void end_call(Stream& stream, const Status& status);
  struct Known;
  const Known* find_method(std::string_view service, std::string_view method);

  // both
  bool assemble(Stream& stream, const FrameHeader& header, BytesView part);
  std::optional<Bytes> expand(Stream& stream, BytesView compressed);
  void end_either(Stream& stream, Errc code, const std::string& why);
  void release_stream_credit(Stream& stream, std::int64_t bytes);
  bool take_control_token(std::string_view what);
  void remove(Stream& stream);
  bool is_ours(std::uint32_t id) const { return (id & 1) == (side_ == Side::dialer ? 1u : 0u); }
  bool was_opened(std::uint32_t id) const { return id != 0 && id <= (is_ours(id) ? last_ours_ : last_theirs_); }

  // sending: channel_send.cc
  std::uint8_t* begin_frame(FrameType type, std::uint32_t stream, std::uint8_t flags, std::uint16_t code,
                            std::size_t extension_bytes, std::size_t payload_bytes);
  void send_message(Stream& stream, FrameType type, std::uint8_t flags, std::uint16_t code, BytesView extensions,
                    const Payload& payload);
  void send_plain(Stream& stream, FrameType type, std::uint8_t flags, std::uint16_t code, BytesView extensions, const Payload& payload);
  std::optional<Bytes> compressed(const Payload& payload);
  void send_hello();
  void send_credit(std::uint32_t stream, std::uint32_t bytes);
  void ring_ready(Stream& stream);
  void enqueue(Stream& stream);
  void pump();
  bool send_part(Stream& stream);
  bool output_full() const;

  void die(Errc code, std::string message);
  void end_with(Errc code, std::string message);
  void say_leaving(std::string_view why);
  void finish_if_drained();
  void wake_by(TimePoint when);
  void end_all(const Error& why);
  void expire(TimePoint now);

  std::weak_ptr<Caller> self_;  ///< made once: every call that is started gets a copy
  const Side side_;
  Wiring wiring_;
  const ChannelLimits& limits_;

  bool preface_seen_ = false;
  bool over_ = false;
  Errc gave_up_ = Errc::cancelled;  ///< why the call whose handler is being told ends
  std::optional<v1::Hello> peer_hello_;
  Bytes partial_;  ///< the beginning of a frame whose end has not come

  StreamTable<Stream> streams_;
  std::uint32_t last_ours_ = 0, last_theirs_ = 0;
  std::uint32_t theirs_open_ = 0;
  std::vector<std::uint32_t> ready_;  ///< streams with data waiting, served in turn
  std::size_t ready_from_ = 0;
  bool pumping_ = false;

  std::uint32_t reads_ = 0;       ///< how often bytes came
  std::uint32_t read_bytes_ = 0;  ///< of payload, in this read
  std::int64_t send_window_ = 0;
  std::int64_t receive_window_ = 0;
  std::uint32_t window_size_ = 0;
  std::uint32_t credit_due_ = 0;
  std::uint64_t budget_taken_ = 0;
  std::uint32_t peer_frame_bytes_ = 0;
  std::uint32_t peer_stream_window_ = 0;
  std::uint32_t peer_window_ = 0;  ///< of the connection, at first
  std::uint32_t peer_streams_ = 0;
  bool peer_keeps_keys_ = false;
  bool zstd_agreed_ = false;
  unsigned compressed_in_vain_ = 0;  ///< messages in a row
  unsigned left_alone_ = 0;          ///< messages that are not tried after that
  std::uint32_t ours_open_ = 0;

  TokenBucket control_;
  TimePoint wakeup_ = TimePoint::max();
  TimePoint hello_deadline_ = TimePoint::max();
  TimePoint heard_{};
  TimePoint next_deadline_ = TimePoint::max();  ///< no stream's deadline is earlier
  bool ping_sent_ = false;  ///< and nothing heard since
  TimePoint ping_sent_at_{};
  std::uint64_t ping_count_ = 0;
  struct PingWaiting {
    std::uint64_t number;
    TimePoint sent;
    std::function<void(Result<Duration>)> answered;
  };
  std::vector<PingWaiting> pings_;

  std::optional<Error> leaving_;        ///< we said GOAWAY
  std::optional<std::uint32_t> peer_last_;  ///< the peer said GOAWAY: the last of our streams it takes
  std::string peer_leaves_why_;

  /// Handlers whose call ended while a message was being handed over, perhaps to them: freed after that.
  std::vector<std::unique_ptr<CallHandler>> ended_;
  int handing_over_ = 0;

  /// Which method an index of the peer's has named, by a hash: a stranger's names may be long. Empty until its first HELLO_UPDATE.
  std::unordered_map<std::uint16_t, std::size_t> used_indexes_;

  std::vector<std::uint8_t> rights_;  ///< by method index: 0 not judged, 1 allowed, 2 refused
  struct Known {
    const char* method_at = nullptr;
    std::string service, method;
    std::uint16_t index = 0;
    bool takes_stream = false, gives_stream = false;
    bool idempotent = false;
  };
  std::unique_ptr<std::array<Known, 16>> known_methods_;  ///< of those that were called; most connections call none
};

}  // namespace ghost::b2
