#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/datagram.h"
#include "b2/datagram_seal.h"
#include "b2/service.h"

namespace ghost::b2 {

/// The caller's end of calls in datagrams (docs/spec/b2.md §13), to one server. Pure; time comes from the clock it was given. Plain: look-ups
/// that are open to everyone. Pure: the same, each in one datagram, answers no longer than 1,180 bytes. Sealed: any unary method.
///
/// What does not fit a datagram goes by the connection, where there is one: a request that is too long or has metadata, and an answer that is.
class DatagramCaller final : public Caller, public std::enable_shared_from_this<DatagramCaller> {
 public:
  /// Functions may be empty.
  struct Wiring {
    const Clock& clock;
    std::string where;                         ///< the server's address, for messages
    std::function<void()> on_output;           ///< take_outgoing() has something, for the first time since it was called
    std::function<void(TimePoint)> on_wakeup;  ///< next_wakeup() has become earlier
    std::weak_ptr<Caller> connection;          ///< for what does not fit
  };
  /// Of a sealed caller, what b2.v1.Datagrams/Open and the connection's TLS gave.
  struct Session {
    std::uint64_t id;
    std::uint64_t epoch;
    DatagramKeys keys;
  };

  /// @param form  plain or pure
  DatagramCaller(Wiring wiring, DatagramForm form);
  DatagramCaller(Wiring wiring, const Session& session);
  ~DatagramCaller() override;

  /// From the server's address.
  void on_datagram(BytesView datagram);
  void on_time();
  TimePoint next_wakeup() const { return wakeup_; }
  /// To be called at the end of each turn that on_output() rang in.
  std::vector<Bytes> take_outgoing();
  /// The session, or the program's wish to go on, is over: every call ends with what is known of it, and no other is taken.
  void lost(const Error& why);

  // Caller. Every call has a deadline, of kMostDatagramTime at most; that a call was cancelled is not told to the server.
  ClientCall start(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                   std::unique_ptr<CallHandler> handler) override;
  void cancel(std::uint64_t key) override;
  void release(std::uint64_t, std::size_t) override {}

  struct Counters {
    std::uint64_t sent = 0, received = 0, repeats = 0, ignored = 0, by_connection = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  class Relay;
  struct Waiting {
    std::string path;              ///< "SERVICE/METHOD"
    std::uint32_t method = 0;
    Bytes request;
    bool idempotent = false;
    TimePoint deadline{};
    std::unique_ptr<CallHandler> handler;
    std::uint64_t sequence = 0;    ///< 0: not sent yet
    std::uint64_t nonce = 0;       ///< pure
    TimePoint repeat_at = TimePoint::max();
    Duration interval{};
    bool taken = false;            ///< the server has told that it has it
    bool resend = false;           ///< stands in resend_
    bool fetching = false;         ///< its answer comes by the connection
    ClientCall fetch;
  };
  using Table = std::map<std::uint64_t, Waiting>;

  DatagramCaller(Wiring wiring, DatagramForm form, std::uint64_t id, std::uint64_t epoch);
  ClientCall by_connection(std::string_view service, std::string_view method, const Payload& request, const CallOptions& options,
                           std::unique_ptr<CallHandler> handler, const std::string& why);
  void on_pure(BytesView datagram);
  void on_cookie(const DatagramHead& head, const DatagramBody& body);
  void on_answers(const DatagramBody& body);
  void on_answer(const AnswerRecord& answer);
  void use_connection(std::uint64_t key, Waiting& call);
  std::uint32_t hash_of(std::string_view service, std::string_view method, const std::string& path);
  void renumber();
  void send_pure();
  void send_calls();
  bool ask_for_cookie();
  void number_fresh();
  void plan_repeat(Waiting& call);
  void queue_repeat(std::uint64_t key, Waiting& call);
  Bytes sealed(DatagramWriter& writer, std::uint64_t number);
  DatagramHead next_head();
  std::uint64_t mark() const { return by_sequence_.empty() ? next_sequence_ : by_sequence_.begin()->first; }
  void expire(TimePoint now);
  Error late(const Waiting& call) const;
  void end(std::uint64_t key, const Status& status, BytesView answer = {});
  void output();
  void wake_by(TimePoint when);

  Wiring wiring_;
  const DatagramForm form_;
  std::unique_ptr<DatagramSeal> seal_;
  std::optional<Error> over_;

  std::uint64_t id_;               ///< plain: 0 until a cookie came
  std::uint64_t epoch_;
  std::uint64_t number_ = 0;       ///< plain: what comes back in every answer
  std::optional<Cookie> cookie_;
  TimePoint cookie_at_{};
  TimePoint ask_at_{};             ///< for a cookie
  Duration ask_interval_{};

  Table calls_;
  std::map<std::uint64_t, std::uint64_t> by_sequence_;  ///< → key: those that are not done with
  std::map<std::uint64_t, std::uint64_t> by_nonce_;
  std::deque<std::uint64_t> fresh_;    ///< keys of calls that were never sent
  std::vector<std::uint64_t> resend_;
  std::uint64_t last_key_ = 0, next_sequence_ = 1;
  std::size_t allowed_;                ///< calls on the way: grows by answers, halves by silence
  TimePoint narrowed_{};
  std::vector<AnswerRecord> records_;
  std::array<std::pair<std::string, std::uint32_t>, 16> hashes_;  ///< of methods called lately
  std::vector<Bytes> outgoing_;
  Counters counters_;
  bool told_ = false;
  TimePoint wakeup_ = TimePoint::max();
};

}  // namespace ghost::b2
