#pragma once
#include <functional>
#include <memory>

#include "load.h"
#include "net/address.h"

namespace ghost::b2::bench {

/// The baseline: messages behind a 4-byte little-endian length, over epoll and nothing else; one thread a side, all that a read
/// brought answered by one write. A connection's first message has 4 bytes: the size of the messages it wants as a stream, each
/// sent by a write of its own, or 0 for an echo.

/// Serves on loopback or a Unix socket, and tells where; does not return unless it cannot listen.
Status serve_raw(const net::Address& at, const std::function<void(const net::Address&)>& listening);

Result<std::unique_ptr<Load>> open_raw(const net::Address& server, const Work& work);

}  // namespace ghost::b2::bench
