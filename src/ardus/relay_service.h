#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ardus/receiver_service.h"
#include "ardus/sender_service.h"
#include "b2/client_service.h"

namespace ghost::ardus {

/// Hands sessions of a sender that multicast does not reach on to its own site (docs/spec/ardus.md §9.3): takes each content once, by the
/// control connection, into a cache, sends it here meanwhile, as a session of its own, and gives the receipts back. On the reactor's thread.
class Relay {
 public:
  struct Wish {
    net::Address from;                    ///< control of the senders: "10.0.0.1:1117"
    std::vector<std::string> interfaces;  ///< to send on; none: the default route's
    std::filesystem::path cache;
    std::uint64_t cache_size = 0;         ///< bytes
    std::uint64_t rate = 0;               ///< bit/s, of what is fetched and of what is sent here, each; 0: what the ways carry
    Ip ip = Ip::any;                      ///< to send by
    Sources sources = Sources::any;       ///< of the groups that are sent to
  };
  struct Parts {
    b2::Node& node;
    Ports& ports;
    Logger log;
    std::function<void()> changed;
  };
  Relay(Parts parts, Wish wish);
  ~Relay();

  /// A session that is sent here; null for another.
  SendingSession* sending(std::uint32_t session);
  std::vector<SendingSession*> all_sending();
  std::vector<v1::Transfer> transfers() const;

 private:
  /// A session of the sender, and what becomes of it here.
  struct Passing {
    Announcement announcement;
    std::filesystem::path folder;
    std::unique_ptr<ReceivingSession> up;
    std::unique_ptr<SendingSession> down;
    std::optional<SendingSession::Origin> origin;  ///< what `down` hands on, once the manifest is here
    std::vector<v1::RelayedReceiver> told;
    std::vector<Bytes> awaited;  ///< nodes that were under way in a session before `down`
    TimePoint told_at{}, again_at{}, whole_at{}, connected_at{}, anew_at{}, awaited_since{};
    Duration anew_in = std::chrono::seconds(2);  ///< `down` has failed: the next one after this
    bool listed = true;  ///< the sender still has it
  };
  void look();
  void ask();
  void on_announced(const Result<v1::AnnouncedResponse>& answer);
  void take_up(const Announcement& announcement);
  void receive(Passing& passing);
  void on_manifest(std::uint32_t session, SendingSession::Origin origin);
  void hand_on(Passing& passing);
  void tend_down(Passing& passing, bool whole);
  void tend(Passing& passing);
  bool are_back(const Passing& passing) const;
  void tell(Passing& passing);
  Status make_room(const std::filesystem::path& keep, std::uint64_t bytes);

  Parts parts_;
  Wish wish_;
  std::unique_ptr<b2::Client> client_;
  bool asking_ = false;
  TimePoint ask_at_{};
  std::string problem_;            ///< as it was logged last
  std::map<std::uint32_t, Passing> passing_;  ///< by the sender's session
  net::Timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

/// Bytes that the files under a folder take.
std::uint64_t bytes_under(const std::filesystem::path& folder);

}  // namespace ghost::ardus
