#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <optional>
#include <string>
#include <vector>

#include "ardus/grant.h"
#include "ardus/layout_choice.h"
#include "ardus/layout_trial.h"
#include "ardus/manifest_sending_service.h"
#include "ardus/outbox_service.h"
#include "ardus/pace_timer_service.h"
#include "ardus/ports_service.h"
#include "ardus/receipt.h"
#include "ardus/scan_service.h"
#include "ardus/sender.h"
#include "ardus/session_keys.h"
#include "ardus/stream_map.h"
#include "ardus/v1/node.b2.h"
#include "ardus/v1/session.b2.h"
#include "b2/node_service.h"
#include "b2/workers.h"

namespace ghost::ardus {

/// One transfer from here: scans, announces, takes receivers in, drives the sender core with the sockets, and gathers receipts. On the
/// reactor's thread; the scan runs on a thread of its own.
class SendingSession : private BlockSource {
 public:
  struct Parts {
    b2::Node& node;
    Ports& ports;
    Logger log;
    std::function<void()> changed;  ///< told() has other things to tell
  };
  SendingSession(Parts parts, v1::SendRequest request);
  /// What a relay hands on (docs/spec/ardus.md §9.3).
  struct Origin {
    std::shared_ptr<const Manifest> manifest;
    Bytes encoded;
    std::vector<Bytes> certificates;  ///< the publisher's, as its sender showed them
    Bytes signed_grant;               ///< that this node may
    Grant grant;                      ///< the same, read: whose session receipts are for
  };
  /// A relay's: announced at once, begun by provide(), ended by release().
  SendingSession(Parts parts, v1::SendRequest request, Origin origin);
  ~SendingSession() override;

  std::uint32_t session() const { return name_.session; }
  const v1::SendRequest& request() const { return request_; }
  v1::Transfer told() const;
  bool ended() const { return ended_; }
  void cancel();
  /// Control listeners made for this session.
  std::vector<net::Address> listening() const {
    std::vector<net::Address> all;
    for (const auto& listener : listeners_) all.push_back(listener->address());
    return all;
  }

  /// Signed, for a relay; nothing before it is known what is sent, and of what is relayed itself.
  std::optional<Bytes> announced() const;
  /// A Store takes the content under `folder`, and has all but these chunks: what is there is sent, the rest as it comes.
  void provide(const std::filesystem::path& folder, const ChunkSet& lacking);
  /// The rest does not come any more.
  void give_up(const Error& why) { fail(why); }
  /// No receiver comes any more: it ends when those that are here are done.
  void release();
  /// Of a relay's session: its receivers, for the session it relays.
  std::vector<v1::RelayedReceiver> passed_on() const;
  /// Nobody here is waited for.
  bool is_settled() const;

  // What receivers ask (proto/ardus/v1/session.proto). `who` is a member of the house.
  Result<v1::RelayedResponse> relayed(const v1::RelayedRequest& request, const b2::Identity& who);
  Result<v1::JoinResponse> join(const v1::JoinRequest& request, const b2::Identity& who);
  void manifest(const v1::ManifestRequest& request, b2::ServerStream<v1::ManifestPart> stream);
  Result<v1::NeedSetResponse> need_set(const v1::NeedSetRequest& request, const b2::Identity& who);
  void keys(b2::ServerStream<v1::KeysUpdate> stream);
  Result<v1::HeardResponse> heard(const v1::HeardRequest& request, const b2::Identity& who);
  Result<v1::CensusResponse> census(const v1::CensusRequest& request, const b2::Identity& who);
  void fetch(const v1::FetchRequest& request, b2::ServerStream<v1::FetchedPart> stream);

 private:
  /// A receiver, by its node id.
  struct Peer {
    b2::Identity identity;
    ChunkSet lacks;               ///< by its last NeedSet
    bool ready = false;           ///< NeedSet has come …
    TimePoint ready_since{};      ///< … then, first of those that no end came between
    net::Address reports;
    std::size_t way = 0;          ///< by which it came: index into ways_
    ReceiverNumber number;        ///< 0: none in the core
    BlockIndex position;
    Secret secret{};
    std::shared_ptr<b2::ServerStream<v1::KeysUpdate>> keys;  ///< shared with its own on_cancel; waits for the session to begin
    v1::CensusState state = v1::CensusState::unknown;
    Bytes receipt;
    std::string detail;
    std::uint64_t bytes_done = 0;
    bool streamed = false;        ///< its last Join was answered with the manifest's stream
    std::string serves;           ///< where it hands its copy on, once it has one; "" nowhere
    bool elsewhere = false;       ///< fetches what it lacks from others …
    TimePoint got_on{};           ///< … and had more of it then …
    std::uint32_t got = 0;        ///< … namely so many blocks
    std::set<b2::NodeId> named;   ///< receivers it was told to fetch from
    std::size_t serving = 0;      ///< receivers that were told to fetch from it
    bool relay = false;           ///< hands it on to another site: does not count as a receiver
    std::vector<Bytes> certificates;  ///< with its receipt, to a relay
    LayoutTrial trial;            ///< whether datagrams of the jumbo layout reach it
    bool awaits_trial = false;    ///< it came late, and is admitted when that is known
    std::optional<bool> takes_stream;  ///< decided when it was admitted; none: it was not yet
    std::uint64_t fetched = 0;    ///< bytes, by Fetch …
    std::uint64_t fetched_before = 0;  ///< … of them, before the last NeedSet
    std::uint64_t to_fetch = 0;   ///< bytes that it lacked by that, of one that does not take the stream
    TimePoint fetched_at{};       ///< when it was admitted, or had something by Fetch last
    bool left = false;            ///< its control connection ended …
    TimePoint left_at{};          ///< … then
  };

  /// A receiver that a relay serves.
  struct Remote {
    b2::NodeId relay;
    v1::RelayedReceiver told;
    b2::Identity identity;  ///< once its receipt has come: proven by its certificate
  };
  Status take_remote(const v1::RelayedReceiver& told, const b2::NodeId& relay);
  std::size_t joined_behind() const;
  bool given_up(const Peer& peer) const;
  v1::Receiver told(const Remote& remote) const;
  Announcement announcement(std::size_t way) const;
  void join_relay(Peer& peer, v1::JoinResponse& response) const;
  void offer_manifest(const v1::JoinRequest& request, const Peer& peer, v1::JoinResponse& response);

  Status read(BlockIndex block, std::span<std::uint8_t> out) override;
  Status read_chunk(std::uint32_t chunk, std::uint32_t offset, std::span<std::uint8_t> out);

  Status open_ways();
  Status open_way(const Way& way);
  Status listen_for_control(const Way& way);
  bool is_first_of_interface(std::size_t way) const;
  std::vector<Way> all_of(const std::vector<Way>& ways) const;
  bool carries(std::size_t way) const;
  bool is_under_way(const Peer& peer) const;
  void tend_ways();
  std::optional<std::size_t> way_of(const v1::JoinRequest& request, const b2::Identity& who) const;
  std::string ways_in_words() const;
  void scan_on_worker();
  void on_scanned(Result<std::unique_ptr<Content>> content);
  bool somebody_missing() const;
  void announce();
  void begin_if_due();
  void begin();
  void admit(Peer& peer);
  // sender_layout_service.cc
  Status check_layout() const;
  bool may_be_jumbo() const;
  std::optional<Layout> choose_layout();
  bool takes_stream(const Peer& peer) const;
  void try_anew(Peer& peer);
  bool is_stuck_by_tcp(const Peer& peer) const;
  bool is_being_tried(const Peer& peer) const;
  void admit_when_tried(Peer& peer);
  void send_trials();
  void tend_trials();
  void watch_jumbo();
  std::string why_by_tcp(const Peer& peer) const;
  static bool is_given_up(const Peer& peer, const b2::Identity& who);
  void look_for_the_gone();
  void tell_keys(Peer& peer);
  void tell_next_secret(Peer& peer);
  void tend_secrets();
  void evict(Peer& peer);
  void evict_the_gone();
  Status look_at_ways();
  ChunkSet not_in_stream(const Peer& peer) const;
  void pump();
  void send_batch(std::span<const Outgoing> batch);
  Sender& core();
  void look_what_came();
  void on_reports(std::span<const net::Datagram> batch);
  void name_peers();
  void name_peer(Peer& peer);
  void watch_elsewhere(Peer& peer, const PeerProgress& progress);
  void set_elsewhere(Peer& peer, bool elsewhere);
  void check_end();
  void look_at_core();
  bool expected_here() const;
  double share_done(const SenderProgress& progress) const;
  std::size_t verified() const;
  void end(v1::TransferPhase phase, std::string detail, std::string error = {});
  void fail(const Error& error);
  void change() { parts_.changed(); }
  SenderOptions sender_options() const;
  std::uint64_t ceiling() const;
  Duration patience() const;
  v1::Receiver told(const Peer& peer) const;
  std::string by_unicast(const Peer& peer) const;
  TimePoint now() const { return parts_.node.network().now(); }

  static constexpr Duration kAnnounceFirst = std::chrono::seconds(1);

  Parts parts_;
  v1::SendRequest request_;
  SessionName name_;
  Sources sources_ = Sources::any;
  std::vector<Way> ways_;                           ///< of an interface one after the other: by IPv4, by IPv6, by IPv6 from a link-local address
  std::vector<bool> joined_by_;                     ///< somebody who is under way has, by that way …
  std::vector<bool> gone_;                          ///< … and its address is not this machine's at present
  std::uint64_t ceiling_told_ = 0;                  ///< bit/s: what the cores know
  std::vector<net::Address> controls_;              ///< of each way: where to join
  std::vector<std::unique_ptr<net::Listener>> listeners_;  ///< made for this session
  std::vector<Ports::Listening> sockets_;           ///< of each way
  std::unique_ptr<Content> content_;
  std::optional<StreamMap> map_;
  std::vector<Bytes> segments_;
  Secret first_secret_{};
  std::optional<SenderKeys> keys_;
  std::optional<Sender> core_;
  std::unique_ptr<ManifestSending> manifest_stream_;  ///< null where it is not worth it; stays when it has ended
  std::map<b2::NodeId, Peer> peers_;
  std::map<b2::NodeId, Remote> remotes_;
  std::optional<Origin> origin_;
  bool provided_ = false, released_ = false;
  ChunkSet to_come_;                                ///< chunks that a relay is still to get
  std::uint32_t told_readable_ = ~std::uint32_t{0};  ///< what the core knows of readable_: all, until it is told
  std::uint32_t readable_ = 0;                      ///< blocks of the stream, from its beginning, of which nothing is in to_come_
  struct Unreadable {
    TimePoint since, again;                         ///< it is not looked at before `again`
  };
  std::map<std::uint32_t, Unreadable> unreadable_;  ///< chunks a relay had, and lost again
  Bytes chunk_;                                     ///< of a relay: the last one read, which is right …
  std::uint32_t chunk_number_ = ~std::uint32_t{0};  ///< … and which it is
  std::vector<std::function<bool()>> fetching_;     ///< Fetch, which waits for some of it
  Outbox outbox_;
  v1::TransferPhase phase_ = v1::TransferPhase::scanning;
  std::string detail_, error_;
  bool ended_ = false, attacked_ = false;
  TimePoint started_, ready_since_{}, calm_since_{};
  TimePoint stopped_{};
  TimePoint sampled_{}, ways_looked_{}, ways_here_{};
  std::uint64_t sampled_bytes_ = 0, rate_ = 0;      ///< bit/s of late
  std::uint64_t announcements_ = 0, fetched_bytes_ = 0;
  std::optional<v1::Transfer> last_;                ///< as it ended
  Duration announce_every_ = kAnnounceFirst;
  net::Timer announce_timer_, begin_timer_, check_timer_, trial_timer_;
  LayoutChoice layout_choice_;
  std::uint16_t trial_round_ = 0;
  TimePoint trial_sent_{};
  Duration trial_pause_{};                          ///< to the next round
  PaceTimer pump_timer_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);  ///< shared with the scan
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::unique_ptr<b2::Workers> worker_;  ///< last, so that it ends first
};

}  // namespace ghost::ardus
