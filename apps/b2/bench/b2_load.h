#pragma once
#include <functional>
#include <memory>

#include "b2/client_service.h"
#include "load.h"

namespace ghost::b2::bench {

/// How both ends of b2 are set up.
struct Setup {
  Duration spin = Duration::zero();  ///< net::EpollOptions::spin
  bool tls = false;                  ///< mutual TLS
  bool datagrams = false;            ///< UDP, calls without keys; raw is TCP all the same
};

/// Serves the bench's service as any program would, and tells where; does not return unless it cannot listen.
Status serve_b2(const net::Address& at, const Setup& setup, const std::function<void(const net::Address&)>& listening);

/// Dials and says HELLO on all of the work's connections.
Result<std::unique_ptr<Load>> open_b2(const net::Address& server, const Setup& setup, const Work& work);

}  // namespace ghost::b2::bench
