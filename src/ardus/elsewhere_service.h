#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ardus/manifest.h"
#include "ardus/stream_map.h"
#include "ardus/v1/session.b2.h"
#include "ardus/ways_service.h"
#include "b2/client_service.h"
#include "b2/node_service.h"
#include "b2/workers.h"
#include "base/log.h"

namespace ghost::ardus {

constexpr Duration kDialImpatience = std::chrono::milliseconds(100);  ///< b2::Dial::Parts::impatience, to senders and receivers

/// Fetches chunks of a session's content from others than its sender: receivers that are done (docs/spec/ardus.md §9.2) and publications on
/// the web (§11). Nobody there is believed: each chunk is hashed before it is handed on. A few at a time, the last ones first, since the
/// group is sent the first ones first: so both ways together never bring much twice. On the reactor's thread.
class Elsewhere {
 public:
  struct Parts {
    b2::Node& node;
    Logger log;
    std::uint32_t session = 0;
    Way way;                                          ///< by which receivers are reached
    std::shared_ptr<const Manifest> manifest;
    std::vector<std::string> mirrors;                 ///< addresses of publications, http or https
    std::function<ChunkSet(std::size_t most)> wanted; ///< the last ones that are lacking, and not on their way
    std::function<void(std::uint32_t chunk, BytesView bytes)> take;
    std::function<void()> changed;                    ///< active() is another
  };
  explicit Elsewhere(Parts parts);
  ~Elsewhere();  ///< not from within `take` or `changed`

  /// A receiver that the sender named.
  void add_peer(const v1::PeerSource& peer);
  /// Whether the web is to be asked: called again and again while it may.
  void look(bool multicast_suffices);
  bool active() const { return active_; }
  /// From where, or why it failed, for people.
  const std::string& detail() const { return detail_; }
  std::uint64_t bytes() const { return bytes_; }  ///< that came, and were right

 private:
  struct Source {
    std::string name;  ///< for people
    net::Address address;
    b2::NodeId node;
    Bytes grant;
  };
  void next();
  void dial();
  void on_dialed(Result<std::unique_ptr<b2::Link>> link);
  void ask_peer();
  void ask_web();
  bool hand_on(std::uint32_t chunk, BytesView bytes);
  void ended(const Status& status);
  void peer_failed(const Error& why);
  void set_active(bool active);
  bool still(const std::weak_ptr<char>& alive, std::uint64_t batch) const { return !alive.expired() && batch == batch_; }

  Parts parts_;
  std::vector<Source> peers_;          ///< the first is asked
  std::unique_ptr<b2::Dial> dial_;
  std::unique_ptr<b2::Link> link_;
  net::Timer watch_;                   ///< a peer that says nothing is left
  bool busy_ = false, active_ = false, web_too_ = false, from_web_ = false;
  std::uint64_t batch_ = 0;            ///< what answers another is not heard
  std::uint64_t bytes_ = 0;
  TimePoint web_after_{};              ///< the web failed: not before
  std::string detail_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);  ///< shared with the fetching thread
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::unique_ptr<b2::Workers> worker_;  ///< last, so that it ends first; made when the web is asked
};

}  // namespace ghost::ardus
