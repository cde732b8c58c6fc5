#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ardus/v1/node.b2.h"
#include "ardus/ways_service.h"
#include "base/log.h"
#include "net/network.h"

namespace ghost::ardus {

/// Who holds a port of this machine, in words ("ardus (pid 812), of user root"); "" when it can't be told.
using HolderOf = std::function<std::string(std::string_view transport, std::uint16_t port)>;

/// A node's UDP sockets on ARDUS's three ports, shared by its sessions (docs/spec/ardus.md, "Sockets"). Opened when somebody listens
/// to them, closed when nobody does. On the reactor's thread only.
class Ports {
 public:
  using Handler = std::function<void(std::span<const net::Datagram>)>;

  /// @param listening  where this node's control connections are accepted: the address of a way is taken from them where it can be
  /// @param holder     for the message when a port is busy; may be empty
  Ports(net::Network& network, const Logger& log, std::function<std::vector<net::Address>()> listening, HolderOf holder);
  ~Ports();

  /// By the name of an interface: find_ways().
  Result<std::vector<Way>> ways(const std::string& interface, Ip ip) const { return find_ways(network_, interface, ip, listening_()); }
  /// The way that `way` has become, or its address is to become; nothing at present.
  std::optional<Way> again(const Way& way) const;
  std::optional<Way> link_local(const Way& way) const { return link_local_of(network_, way); }

 private:
  class Shared;

 public:
  /// Somebody who hears of a socket's datagrams, until it is destroyed.
  class Listening {
   public:
    Listening() = default;
    Listening(Listening&&) = default;
    Listening& operator=(Listening&&) = default;
    net::DatagramSocket& socket() const;
    explicit operator bool() const { return key_ != nullptr; }

   private:
    friend class Ports;
    Listening(std::shared_ptr<Shared> shared, std::shared_ptr<Handler> key) : shared_(std::move(shared)), key_(std::move(key)) {}
    std::shared_ptr<Shared> shared_;  ///< the socket lives as long as anybody listens to it
    std::shared_ptr<Handler> key_;    ///< dies with this
  };

  /// 1834 on the way's own address: reports, unicast repair, and where multicast is sent from. Errors say who else has it.
  Result<Listening> reports(const Way& way, Handler handler);
  /// 1835, receive-only. Hears of the groups joined by join().
  Result<Listening> data(net::Address::Family family, Handler handler);
  /// 1117/udp: announcements on that way.
  Result<Listening> announcements(const Way& way, Handler handler);
  /// Tells switches once more that those groups are listened to; at most once a second.
  void join_again(const Listening& listening);

  /// Makes the data socket of `listening` hear a group, while it lives.
  class Membership {
   public:
    Membership() = default;
    Membership(Membership&& other) noexcept : leave_(std::exchange(other.leave_, nullptr)) {}
    Membership& operator=(Membership&& other) noexcept {
      std::swap(leave_, other.leave_);
      return *this;
    }
    ~Membership() {
      if (leave_) leave_();
    }

   private:
    friend class Ports;
    std::function<void()> leave_;
  };
  /// @param source  whose datagrams alone are wanted (RFC 3376, RFC 4607); without it, anybody's. Several sessions may share a group: each
  /// hears its own source, and where one of them wants anybody's the socket takes anybody's until all have left.
  Result<Membership> join(const Listening& listening, const net::Address& group, const Way& way, const std::optional<net::Address>& source = {});

  /// An error that says a port is busy, with who holds it; others as they are.
  Error told_holder(Error error, std::string_view transport, std::uint16_t port) const;
  /// What is open, for Status.
  std::vector<v1::Socket> sockets() const;

 private:
  void keep_joined(const std::weak_ptr<Shared>& weak, const net::Address& group, std::uint32_t interface);
  Result<Listening> listen(const std::string& name, const net::DatagramOptions& options, std::string purpose, Handler handler);

  net::Network& network_;
  Logger log_;
  std::function<std::vector<net::Address>()> listening_;
  HolderOf holder_;
  std::map<std::string, std::weak_ptr<Shared>> shared_;  ///< by purpose and address
};

}  // namespace ghost::ardus
