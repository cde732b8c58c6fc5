#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ardus/block_decoder.h"
#include "ardus/chunk_assembly.h"
#include "ardus/elsewhere_service.h"
#include "ardus/manifest_receiving_service.h"
#include "ardus/peer_service.h"
#include "ardus/ports_service.h"
#include "ardus/receiver.h"
#include "ardus/sender_service.h"
#include "ardus/session_keys.h"
#include "ardus/store_service.h"
#include "ardus/trial_hearing.h"
#include "ardus/v1/node.b2.h"
#include "ardus/v1/session.b2.h"
#include "b2/client_service.h"
#include "b2/node_service.h"
#include "b2/workers.h"

namespace ghost::ardus {

/// One transfer to here: joins the announced session by TLS, gets the manifest, asks for what is missing, drives the receiver core with
/// the sockets, lets the store verify and commit on a thread of its own, and hands the receipt to the sender. On the reactor's thread.
class ReceivingSession : private BlockSink {
 public:
  using Phase = v1::TransferPhase;
  struct Parts {
    b2::Node& node;
    Ports& ports;
    Way way;
    std::filesystem::path into;
    std::vector<std::filesystem::path> seeds;  ///< whose files may hold chunks of what comes
    Owners owners;
    std::string accept_from;        ///< a sender's name, words or id; "" for any that may send
    std::string serves = {};                ///< where this node hands on what it has: "10.0.0.7:1834"; "" nowhere
    std::vector<std::string> mirrors = {};  ///< publications whose chunks are taken where multicast is not enough
    Logger log;
    std::function<void()> changed;  ///< told() has other things to tell
    std::function<void(PeerDesk::Holding)> verified = {};  ///< the copy is in place
    std::function<void(SendingSession::Origin)> relay = {};  ///< for a relay: what it may hand on. It takes chunks by Fetch alone, and holds its receipt back
    std::function<void(const ChunkSet& lacking)> relay_more = {};  ///< for a relay, once its session has begun: what of it is still to come
    std::uint64_t fetch_rate = 0;           ///< bit/s of what comes by Fetch; 0: as fast as it comes
    net::Address control = {};              ///< where to join, if not where the announcement says
    bool told_before = false;               ///< of a sender at that address that it may not send: not again in the log
  };
  ReceivingSession(Parts parts, Announcement announcement);
  ~ReceivingSession() override;

  std::uint32_t session() const { return announcement_.session; }
  const Announcement& announcement() const { return announcement_; }
  /// The session was announced again: it still lives, unless that is an old announcement sent once more.
  void announced(const Announcement& again);
  /// Whether it is to be joined where that says: it is the same session, and nobody answers where this one says.
  bool wants_another_way(const Announcement& again) const;
  /// Joins there, by a way that leads there.
  void announced_elsewhere(const Announcement& again, const Way& way, std::string serves);
  /// Whether a member of the house answers where the session was announced.
  bool is_proven() const { return !sender_.node.is_none(); }
  bool is_connected() const { return link_ != nullptr; }
  const Way& way() const { return parts_.way; }
  TimePoint started() const { return started_; }
  /// This machine has another address there.
  void moved(const Way& way, std::string serves);
  v1::Transfer told() const;
  bool ended() const { return ended_; }
  bool verified() const { return ended_ && phase_ == v1::TransferPhase::done; }
  void cancel();
  /// Of a relay's: the copy is whole, and the receipt held back.
  bool holds() const { return holds_; }
  /// Of a relay's: those it serves are done, and the receipt may go.
  void release();
  /// Of a relay's: tells the sender of those it serves; false where there is no connection at present.
  bool pass_on(std::vector<v1::RelayedReceiver> receivers);
  /// The sender was started again and announces the same content anew: ends at once, so that the next session finds the store free.
  void supersede() { end(Phase::failed, "the sender was started again", std::string(name(Errc::aborted))); }
  /// Others are announced, and nobody has proven to be the sender of this one.
  void give_way() { end(Phase::failed, "no member of the house answers at " + target_.text(), std::string(name(Errc::unauthenticated))); }

 private:
  static constexpr Duration kRedial = std::chrono::milliseconds(500);
  static constexpr std::size_t kMuchOnDisk = 64 * 1024 * 1024;  ///< bytes waiting for the store's thread: the sender is told

  static constexpr Duration kStallMost = std::chrono::seconds(8);

  void on_block(BlockIndex block, BytesView bytes) override;

  void dial();
  void on_dialed(Result<std::unique_ptr<b2::Link>> link);
  Result<b2::Identity> judge_sender(const b2::Link& link);
  Status judge_origin(const v1::Origin& origin);
  void let_go_of_sockets(const Way& way, std::string serves);
  void tell_relay();
  void hand_over();
  void let_go_of_link();
  void look_at_link();
  void lost(const Error& why);
  void call_failed(const Error& error);
  void redial();
  void note(std::string_view step);
  void join();
  void on_joined(const v1::JoinResponse& response);
  void get_manifest();
  void on_manifest();
  void await_manifest(const v1::JoinResponse& response);
  Status listen_to_manifest(const v1::ManifestStream& offer);
  void on_manifest_stream(Result<Bytes> manifest);
  void stream_is_over();
  Status take_manifest();
  Status open_reports();
  void open_store();
  void on_store(Result<std::unique_ptr<Store>> store);
  void need();
  void get_keys();
  void on_keys(const v1::KeysUpdate& update);
  void fetch_rest(const v1::ChunkRuns& runs);
  void learn_secret(const v1::KeysUpdate& update);
  Status read_map(const v1::KeysUpdate& update);
  net::Address group() const { return data_group(name_.session, parts_.way.family(), sources_of(announcement_)); }
  Result<Ports::Membership> join_group();
  Status listen_to_group();
  void leave_group();
  void keep_early(std::span<const net::Datagram> batch);
  void take_early();
  void take_trials(std::span<const net::Datagram> batch);
  void take_by_tcp(const v1::KeysUpdate& update);
  Status start_core(const v1::KeysUpdate& update);
  void fetch(const v1::ChunkRuns& runs);
  void fetch_next();
  void fetch_all(const v1::ChunkRuns& runs, std::function<void()> then);
  Elsewhere& elsewhere();
  ChunkSet wanted_elsewhere(std::size_t most);
  void look_elsewhere(const ReceiverProgress& progress);
  void tell_elsewhere();
  void hold_blocks_of(std::uint32_t chunk);
  void on_datagrams(std::span<const net::Datagram> batch);
  void forged_from(const net::Address& from);
  bool crowded() const;
  void pump();
  void take_chunk(std::uint32_t chunk, Bytes bytes);
  void put_taken();
  void sync_what_waits();
  void on_taken(std::uint32_t chunk, const Status& status, std::uint64_t bytes_done, bool complete);
  void commit();
  void on_committed(const Status& status, std::uint64_t bytes_done);
  void send_census();
  void on_census(const Result<v1::CensusResponse>& answer);
  void look();
  void give_up(const Error& error);
  void end(Phase phase, std::string detail, std::string error = {});
  /// Runs `work` on the store's thread and `then` back here, unless this has gone.
  void on_disk(std::function<void()> work, std::function<void()> then);
  b2::Caller& caller() { return link_->channel(); }
  TimePoint now() const { return parts_.node.network().now(); }
  void change() { parts_.changed(); }

  Parts parts_;
  Announcement announcement_;
  b2::Target target_;
  std::unique_ptr<b2::Dial> dial_;
  std::unique_ptr<b2::Link> link_;
  std::uint64_t link_count_ = 0;          ///< answers to calls of earlier links are not heard
  std::uint64_t told_on_ = 0;             ///< the link that Keys were told on last
  int answers_due_ = 0;                   ///< on this link: calls that are answered at once, but Census: a sender that took the last receipt has ended
  TimePoint due_since_{};                 ///< one is; none: not
  Duration stall_patience_ = std::chrono::seconds(1);  ///< with a link that says nothing while it should
  bool joined_for_keys_ = false;                       ///< anew, since they did not come
  int keys_calls_ = 0;
  b2::Identity sender_;
  std::optional<Error> may_not_send_;         ///< why what the sender says of itself is not enough: it must be a relay
  PublicKey publisher_{};                     ///< whose content it must be
  std::uint64_t receipt_session_ = 0;         ///< the session the receipt is for …
  SessionNonce receipt_nonce_{};              ///< … and its nonce: of the origin, where this comes by a relay
  bool relayed_ = false, holds_ = false, released_ = false;
  Bytes relay_grant_;
  net::Timer redial_timer_, look_timer_, pump_timer_, fetch_timer_;
  SessionName name_;
  std::optional<std::uint64_t> joined_;       ///< on this link, or by the last Join: the manifest's size by its answer
  enum class ManifestState : std::uint8_t { none, asked, here } manifest_state_ = ManifestState::none;
  std::uint64_t manifest_calls_ = 0;          ///< what comes by earlier ones does not count
  std::unique_ptr<ManifestReceiving> manifest_stream_;  ///< until the needs are told
  bool wants_stream_ = true;                  ///< it has not failed yet
  Bytes manifest_bytes_;
  std::shared_ptr<const Manifest> manifest_;  ///< shared with the store, which may outlast this on its thread
  std::shared_ptr<Store> store_;              ///< shared with the work under way on its thread
  std::optional<ChunkSet> lacks_;             ///< chunks the store has not taken yet, as far as is known here
  ChunkSet on_their_way_;                     ///< to the store's thread
  ChunkSet to_fetch_;                         ///< with a fetch_rate: by Fetch, and not asked for yet
  std::uint64_t fetch_count_ = 0;             ///< times that was set: what goes on with an earlier one ends
  std::uint32_t tail_ = 0;                    ///< from here on nothing is lacking that is not on its way
  std::shared_ptr<Elsewhere> elsewhere_;      ///< shared with what its end waits in
  std::optional<StreamMap> map_;
  std::optional<ChunkAssembly> assembly_;
  std::unique_ptr<BlockDecoder> decoder_;
  std::unique_ptr<SessionReceiverKeys> keys_;
  std::unique_ptr<Receiver> core_;
  ReceiverNumber number_;
  net::Address reports_to_;
  Ports::Listening reports_, data_;
  Ports::Membership membership_;
  TrialHearing trials_;        ///< on this link, or by the last Join
  bool by_tcp_ = false;        ///< the stream's datagrams are larger than come here …
  ChunkSet from_group_;        ///< … and these were on their way to the store when that was told
  bool from_anybody_ = false;  ///< the group did not come from the sender's address, and may come from another
  Bytes early_;                               ///< datagrams that came before the keys …
  std::vector<std::size_t> early_sizes_;      ///< … and how long each is
  std::vector<BytesView> views_;
  std::vector<net::Datagram> outgoing_;
  std::vector<std::pair<std::uint32_t, Bytes>> taken_;  ///< chunks that go to the store at the end of this turn, or when it is free
  int puts_ = 0;                              ///< under way on the store's thread
  TimePoint put_at_{};                        ///< the last of them did, and the store has not been told to sync since; none: nothing waits
  std::size_t on_disk_bytes_ = 0;             ///< handed to the store's thread and not yet taken
  bool committing_ = false, ended_ = false, census_under_way_ = false, opening_ = false;
  Phase phase_ = Phase::announcing;
  std::string detail_, error_;
  std::uint64_t bytes_done_ = 0, fallback_bytes_ = 0;
  bool heard_group_ = false;
  bool wary_ = false;                         ///< the core is, at the last look
  std::vector<std::string> forgers_;          ///< addresses that forged symbols came from
  Bytes receipt_;
  v1::CensusState census_ = v1::CensusState::unknown;  ///< what the sender is still to be told
  std::string census_detail_;
  TimePoint started_, heard_, stopped_{}, rejoined_{}, pump_at_{};
  std::optional<v1::Transfer> last_;          ///< as it ended
  int dials_failed_ = 0;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);  ///< shared with the store's thread
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::shared_ptr<bool> is_confined_ = std::make_shared<bool>(false);  ///< the worker's: it can write beneath the target folder only
  std::unique_ptr<b2::Workers> worker_;  ///< last, so that it ends first
};

}  // namespace ghost::ardus
