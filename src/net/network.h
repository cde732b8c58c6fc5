#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/byte_queue.h"
#include "base/bytes.h"
#include "base/result.h"
#include "net/address.h"
#include "net/reactor.h"

namespace ghost::net {

/// What the kernel says of the process at the other end of a Unix socket (SO_PEERCRED).
struct PeerProcess {
  std::uint32_t uid;
  std::uint32_t gid;
  std::int32_t pid;
};

/// What TLS found out about the other side.
struct TlsPeer {
  std::string alpn;               ///< the protocol agreed on, "" when none was
  Bytes public_key;               ///< of the certificate it proved to hold: 32 bytes of Ed25519; empty when it sent none
  std::vector<Bytes> certificates;  ///< DER, leaf first, as sent
};

/// Both ends of a byte stream, as far as they are known.
struct Peer {
  Address local;
  Address remote;
  std::optional<PeerProcess> process;
  std::optional<TlsPeer> tls;
};

/// Who gets a byte stream's events. All are called on the reactor's thread, never from inside a call into the stream.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// Bytes arrived; the view is valid during the call. The handler keeps what it can't use yet.
  virtual void on_bytes(BytesView bytes) = 0;
  /// The output was above high water and has fallen below: more may be written.
  virtual void on_writable() = 0;
  /// The stream has ended and nothing follows. `why` is cancelled for an orderly end by the peer.
  virtual void on_closed(const Error& why) = 0;
};

/// A reliable, ordered stream of bytes: TCP, a Unix socket, TLS or a WebSocket over one, or a simulated one.
///
/// Output is gathered: what is appended to output() in one turn leaves at its end in one system call, or when on_bytes() of the
/// same stream returns. A handler may destroy the stream from any of its callbacks. Destroying it closes it and drops what was not sent.
class ByteStream {
 public:
  static constexpr std::size_t kHighWater = 256 * 1024;  ///< output beyond this should wait for on_writable()
  static constexpr std::size_t kLowWater = 64 * 1024;

  virtual ~ByteStream() = default;

  /// Begins to read, or hands the events to another handler (a protocol that was sniffed takes over).
  virtual void set_handler(StreamHandler& handler) = 0;

  /// Where to write: append to it; the flush at the end of the turn is planned by the first byte.
  virtual ByteQueue& output() = 0;
  /// Bytes appended and not yet taken by the kernel.
  virtual std::size_t unsent() const = 0;
  /// Sends what is gathered without waiting for the end of the turn.
  virtual void flush() = 0;

  /// Whether the peer can work on what it is sent while this side goes on: it runs elsewhere, or on another processor. False when
  /// that cannot be told.
  virtual bool peer_runs_beside() const { return false; }

  /// Stops reading (back-pressure on the peer) or goes on.
  virtual void set_reading(bool on) = 0;

  /// Sends what is queued, then says goodbye (FIN, TLS close_notify); on_closed() follows. Gives up after `patience`.
  virtual void finish(Duration patience) = 0;

  virtual const Peer& peer() const = 0;

  /// RFC 8446 §7.5 keying material bound to this connection. unsupported when this is no TLS.
  virtual Result<Bytes> export_key(std::string_view label, std::size_t length) const {
    (void)label, (void)length;
    return Error{Errc::unsupported, "keying material is exported by TLS connections only"};
  }
};

/// Accepts streams while it lives.
class Listener {
 public:
  virtual ~Listener() = default;
  /// Where it really listens: the port the kernel chose when 0 was asked for.
  virtual const Address& address() const = 0;
};

using OnAccept = std::function<void(std::unique_ptr<ByteStream>)>;
using OnConnect = std::function<void(Result<std::unique_ptr<ByteStream>>)>;

/// A connection attempt; destroying it gives the attempt up.
class Connecting {
 public:
  virtual ~Connecting() = default;
};

struct Datagram {
  Address from;     ///< who sent it; on sending, the own address to send from (its port is not looked at), or empty
  Address to;       ///< whom it was sent to: tells multicast groups apart; on sending, the destination
  BytesView bytes;  ///< valid during the call
  std::uint32_t interface = 0;  ///< index of the interface it came in by; on sending, 0 lets routing choose
};

struct DatagramOptions {
  Address local;                   ///< port 0 lets the kernel choose
  bool share_port = false;         ///< SO_REUSEADDR: several sockets, of whichever user, may receive the same group
  bool share_with_own = false;     ///< SO_REUSEPORT: sockets of the same user that ask for it, too, may have the port; no other user's
  int hops = 0;                    ///< how far datagrams to a single address go (TTL, hop limit); 0 keeps the system's
  std::size_t receive_buffer = 0;  ///< wished for SO_RCVBUF in bytes; 0 keeps the system's
  std::size_t max_datagram = 1500; ///< longer ones are cut off and dropped, counted in truncated()
  bool handed_on = false;          ///< the process that takes over from this one gets the socket, too (EpollNetwork::sockets_to_hand_on)
  bool coalesced = false;          ///< for much traffic: the kernel may hand over runs that came together (UDP_GRO); takes 1 MiB
};

/// A UDP socket that sends and receives in batches.
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;

  /// Called with what arrived, up to 64 at a time, or with `coalesced` some hundred.
  virtual void on_datagrams(std::function<void(std::span<const Datagram>)> handler) = 0;
  /// Sends in order; returns how many the kernel took. The rest was dropped: this is UDP.
  virtual std::size_t send(std::span<const Datagram> batch) = 0;
  /// The same for whoever tries again: returns how many of the first are done with, sent or such that can't be (no route, a source address that is gone).
  /// Those from there on were not tried: the socket's buffer is full.
  virtual std::size_t send_until_full(std::span<const Datagram> batch) = 0;

  /// Joins `group` on the interface with that index (0: the system's choice), from any source or, with `source`, from one only
  /// (SSM, RFC 4607). Errors name the group and the interface.
  virtual Status join(const Address& group, std::uint32_t interface, const std::optional<Address>& source = {}) = 0;
  virtual Status leave(const Address& group, std::uint32_t interface, const std::optional<Address>& source = {}) = 0;
  /// How far multicast from here goes, and whether this host hears its own.
  virtual Status set_multicast(std::uint32_t interface, int hops, bool loop) = 0;

  virtual const Address& address() const = 0;
  virtual std::size_t receive_buffer() const = 0;  ///< what the kernel granted, in bytes
  virtual std::uint64_t truncated() const = 0;
  /// Bytes of memory that what has arrived and was not handed over yet takes, as the kernel counts them: some more than there are in it.
  /// Beyond twice receive_buffer() what comes is lost.
  virtual std::size_t waiting() const { return 0; }
};

struct NetworkInterface {
  std::uint32_t index;
  std::string name;
  bool up;
  bool loopback;
  bool multicast;
  std::vector<Address> addresses;  ///< port 0
};

/// One host's sockets and its reactor: the kernel's, or one simulated host's.
class Network {
 public:
  virtual ~Network() = default;

  virtual Reactor& reactor() = 0;

  /// Errors: busy when the address is taken, refused without the right; both name it.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& at, OnAccept on_accept) = 0;
  /// Calls `done` once, in a later turn, unless the returned attempt is destroyed before.
  virtual std::unique_ptr<Connecting> connect(const Address& to, Duration timeout, OnConnect done) = 0;
  virtual Result<std::unique_ptr<DatagramSocket>> open_datagram(const DatagramOptions& options) = 0;
  virtual Result<std::vector<NetworkInterface>> interfaces() = 0;
};

}  // namespace ghost::net
