#pragma once
#include <atomic>
#include <vector>

#include "base/unique_fd.h"
#include "net/network.h"

namespace ghost::net {

struct EpollOptions {
  /// How long a turn may poll before it parks in epoll_wait, when the last waits were shorter than that. Zero, or a machine
  /// with one core, always parks.
  Duration spin = Duration::zero();
  /// At most this share of the thread's time goes into polling that found nothing.
  double spin_share = 0.5;
  /// Whether another process of this user may listen in the same places: never; one that is started to take over from this; or this
  /// one takes over from a process that runs.
  enum class Listening : std::uint8_t { alone, to_be_relieved, relieving };
  Listening listening = Listening::alone;
  /// TCP connections, made and accepted: what is lost comes again 30 ms after its answer was due, not 200 ms, as far as the kernel lets
  /// that be asked for (Linux 6.15). For few small messages that somebody waits for.
  bool resends_soon = false;
  /// TCP connections but those to oneself, made and accepted: no segment is larger than an MTU of 1,500 carries, whatever the interface's is. Where two MTUs meet
  /// in one Ethernet the larger frames are dropped and nobody is told: a connection would stand still.
  bool small_segments = false;
};

/// The real world: epoll, one thread. `run()` turns until `stop()`.
class EpollNetwork : public Network, public Reactor {
 public:
  static Result<std::unique_ptr<EpollNetwork>> create(const EpollOptions& options = {});

  Reactor& reactor() override { return *this; }
  /// Turns until stop() is called, on this thread.
  virtual void run() = 0;
  /// One turn: waits at most until `deadline`, handles what is ready.
  virtual void turn(TimePoint deadline) = 0;
  /// Ends run() after its turn. From any thread, and from a signal handler.
  virtual void stop() = 0;

  /// A stream over a descriptor that is connected already (one end of a socketpair, one handed over).
  virtual Result<std::unique_ptr<ByteStream>> adopt_stream(UniqueFd fd) = 0;
  /// A listener over a descriptor that listens already (socket activation, an upgrade).
  virtual Result<std::unique_ptr<Listener>> adopt_listener(UniqueFd fd, OnAccept on_accept) = 0;

  /// Takes sockets that another process has bound (sd_listen_fds(3)): listen() and open_datagram() for their addresses, port 0 being any,
  /// use them instead of opening others, and hear nothing by them before hear_inherited(), which also closes those nobody asked for.
  /// Errors: malformed for one that neither listens nor is for datagrams.
  virtual Status inherit(std::vector<UniqueFd> sockets) = 0;
  virtual void hear_inherited() = 0;
  /// What the process that takes over from this one is to inherit: what listens, and what was opened with DatagramOptions::handed_on.
  virtual std::vector<int> sockets_to_hand_on() const = 0;
  /// That process serves: the files of Unix sockets are its own.
  virtual void on_handed_on() = 0;

  /// Calls `ready` with the events of poll(2) whenever `fd` has some of `events`, until the watch is destroyed: for pipes,
  /// pidfds, signalfds, netlink. `fd` must outlive the watch. One that cannot be watched (a plain file) is told once, by POLLNVAL.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Watch> watch(int fd, short events, std::function<void(short)> ready) = 0;
};

}  // namespace ghost::net
