#pragma once
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ardus/peer_service.h"
#include "ardus/ports_service.h"
#include "ardus/receiver_service.h"
#include "ardus/relay_service.h"
#include "ardus/sender_service.h"
#include "ardus/session_service.h"
#include "ardus/transfer_metrics_service.h"
#include "ardus/v1/node.b2.h"
#include "b2/node_service.h"
#include "base/token_bucket.h"

namespace ghost::ardus {

/// ardus.v1.Node, and what hangs on it: this node's transfers in both directions, its sockets, and ardus.v1.Session for those who join.
/// On the reactor's thread only. Adds itself to the node's services while it lives.
class ArdusNode : public v1::NodeService {
 public:
  struct Options {
    std::optional<std::filesystem::path> into;  ///< takes every transfer of a trusted sender into this folder
    std::vector<std::string> interfaces;        ///< to hear announcements on; none: the default route's
    Ip ip = Ip::any;                            ///< by which they are heard
    std::string accept_from;                    ///< a sender's name, words or id; "" for any that may send
    std::vector<std::filesystem::path> seeds = {};  ///< folders whose files may hold some of what comes
    std::vector<std::string> mirrors = {};      ///< publications whose chunks are taken where multicast is not enough
    std::optional<Relay::Wish> relay = {};      ///< hands a distant sender's sessions on
    Owners owners = Owners::own;                ///< whether files get the owners and ACLs they have at the publisher
    std::function<void(const v1::Transfer&)> ended = {};  ///< hears of each transfer that is over, in and out; may be empty
  };
  /// @param holder  for the message when one of its ports is busy
  ArdusNode(b2::Node& node, const Logger& log, HolderOf holder = {});
  ~ArdusNode() override;

  /// Opens the sockets that receiving takes, if there is somewhere to receive into.
  Status start(Options options);

  void send(v1::SendRequest request, b2::ServerStream<v1::Transfer> stream) override;
  void receive(v1::ReceiveRequest request, b2::ServerStream<v1::Transfer> stream) override;
  Result<v1::StatusResponse> status(const v1::StatusRequest& request, const b2::CallContext& context) override;
  Result<v1::CancelResponse> cancel(const v1::CancelRequest& request, const b2::CallContext& context) override;
  void watch(v1::WatchRequest request, b2::ServerStream<v1::Transfers> stream) override;

 private:
  /// Where transfers go, and the sockets announcements are heard by.
  struct Reception {
    std::filesystem::path into;
    std::vector<std::filesystem::path> seeds;
    Owners owners = Owners::own;
    Ip ip = Ip::any;
    std::vector<Way> ways;
    std::vector<std::string> mirrors;
    std::vector<Ports::Listening> announcements, reports;  ///< of each way
    std::vector<Ports::Listening> data;                    ///< of each IP
    TimePoint more_at{};                                   ///< then interfaces are looked at again for the IP they lack
    Duration more_in = std::chrono::seconds(1);
  };
  /// A session that is announced from an address of IPv6, and says that it is from one that goes before it, too.
  struct Doubled {
    TimePoint since;
    int heard = 0;
  };
  /// Somebody who is told of transfers: `tell` writes what is due and says whether there is more to come.
  struct Follower {
    std::function<bool()> tell;
    bool gone = false;
    bool full = false;  ///< it has not read what it was told; the stream rings when it has
  };
  /// Writes one message to whoever follows.
  template <class Message>
  using Say = std::function<void(const Message&)>;
  /// A transfer that is over.
  struct Past {
    v1::Transfer transfer;
    std::uint64_t reception, serial;  ///< as Receiving has them
  };
  struct Receiving {
    std::unique_ptr<ReceivingSession> session;
    std::uint64_t reception;  ///< number of the Receive call it came by; 0: what the daemon was started with
    std::uint64_t serial;     ///< its own, from 1: session numbers are the senders', and strangers' too
  };

  /// A session by its number and who announces it: another can't take its place by using the number.
  using Announced = std::pair<std::uint32_t, PublicKey>;

  std::string serve_peers(const Way& way);
  std::vector<std::shared_ptr<Reception>> receptions() const;
  void look_at_ways();
  Status hear_announcements(const std::shared_ptr<Reception>& reception, std::size_t way);
  Status add_way(const std::shared_ptr<Reception>& reception, const Way& way);
  void look_for_more_ways(const std::shared_ptr<Reception>& reception);
  bool waits_for_better(const Announcement& announcement, const Way& way, const Reception& reception);
  void announced_again(const Receiving& known, const Announcement& announcement, const Way& way);
  Way way_towards(const Announcement& announcement, const Way& way) const;
  void move(const std::shared_ptr<Reception>& reception, std::size_t number, const Way& to);
  bool make_way();
  bool is_told_of(const std::string& host) const;
  bool told_of(const std::string& host);
  Result<std::shared_ptr<Reception>> open_reception(std::filesystem::path into, const std::vector<std::string>& interfaces, Ip ip);
  void on_announcements(std::span<const net::Datagram> batch, const Way& way);
  void on_announcement(const Announcement& announcement, const Way& way);
  void change();
  bool somebody_ended() const;
  void tell_all();
  void tidy();
  void remember(const v1::Transfer& transfer, std::uint64_t reception, std::uint64_t serial);
  template <class Message>
  void follow(b2::ServerStream<Message> stream, std::function<bool(const Say<Message>&)> tell);
  SendingSession* sending(std::uint32_t session);
  std::vector<SendingSession*> all_sending() const;  ///< but for what is relayed
  std::map<std::uint64_t, v1::Transfer> received_by(std::uint64_t reception) const;  ///< by serial
  v1::Transfers transfers() const;
  std::string metrics_text() const;

  b2::Node& node_;
  Logger log_;
  Options options_;
  Ports ports_;
  SessionDesk desk_;
  PeerDesk peers_;
  std::map<net::Address, std::unique_ptr<net::Listener>> serving_;  ///< 1834/tcp, by the way's address: what was received is handed on
  std::shared_ptr<Reception> reception_;               ///< what the daemon was started with; null for none
  std::map<std::uint64_t, std::shared_ptr<Reception>> calls_;  ///< of Receive calls: the newest takes what is announced
  std::uint64_t call_count_ = 0, serials_ = 0;
  std::map<std::uint32_t, std::unique_ptr<SendingSession>> sending_;
  std::map<Announced, Receiving> receiving_;
  std::unique_ptr<Relay> relay_;                       ///< null where nothing is relayed
  std::map<Announced, Doubled> doubled_;               ///< that have not come from that one yet
  std::map<Announced, TimePoint> heard_;               ///< sessions that ended here, and when they may be tried again
  std::map<std::string, TimePoint> told_of_;           ///< hosts that announced what is not to be trusted, and when that was told: once an hour
  std::deque<Past> history_;
  TransferMetrics metrics_;
  std::vector<std::shared_ptr<Follower>> followers_;   ///< shared with the events of their streams
  TokenBucket announcements_{200, 50};                 ///< signatures checked a second
  TokenBucket announced_told_{20, 0.2};                ///< lines of the log: a stranger may announce much
  TimePoint told_{}, tell_at_{};
  bool tell_planned_ = false;
  net::Timer tell_timer_, tidy_timer_, ways_timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

/// What a node's key signs in Status: nonce, node, time and sockets (docs/spec/ardus.md, "Status").
Bytes status_signed_bytes(BytesView nonce, const v1::StatusResponse& status);
constexpr std::string_view kStatusDomain = "ardus status";

}  // namespace ghost::ardus
