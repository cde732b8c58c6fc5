#pragma once
#include <functional>
#include <memory>
#include <string>

#include "b2/hosting.h"
#include "b2/link_service.h"
#include "net/epoll.h"

namespace ghost::b2 {

/// A hosted child's connection to its host: serves the child's endpoint to it, and makes calls to what the host serves. The host
/// counts the child as ready once this has said HELLO, so it is made when everything else stands. On the reactor's thread only.
class HostLink {
 public:
  /// @param gone  the host has ended, or has no more use for this process, which ends in its turn; may destroy the link
  HostLink(net::Reactor& reactor, Endpoint& endpoint, std::unique_ptr<net::ByteStream> stream, std::function<void(const Error&)> gone);

  /// The link over the descriptor that B2_HOST_FD names; null when no host started this process. The variable is taken away, so
  /// that programs this one starts do not take the connection for theirs. Errors say what is wrong with the descriptor.
  static Result<std::unique_ptr<HostLink>> from_environment(net::EpollNetwork& network, Endpoint& endpoint,
                                                            std::function<void(const Error&)> gone);

  /// The host has said HELLO: its services may be called.
  bool ready() { return link_.channel().ready(); }
  std::shared_ptr<Caller> host() { return link_.shared_channel(); }
  /// For ServiceTable::on_change.
  void tell_services(const v1::ServiceEntry& changed) { link_.channel().tell_services(changed); }
  /// Takes no more calls, ends streams, lets other calls end; `gone` follows.
  void leave(const std::string& why) { link_.channel().drain(why); }

 private:
  ChannelLimits limits_ = hosting_limits();
  Link link_;
};

}  // namespace ghost::b2
