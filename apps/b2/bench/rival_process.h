#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cells.h"

namespace ghost::b2::bench {

/// Another library that b2 is measured against, by a program of bench/b2.
struct Rival {
  std::string_view name;
  bool spins;      ///< it can poll before it waits
  bool encrypts;   ///< by TLS, or by what it has in its place
  bool fits(const Cell& cell) const {
    return (spins || cell.setup.spin == Duration::zero()) && (encrypts || !cell.setup.tls) && !cell.setup.datagrams;
  }
};

std::span<const Rival> rivals();

/// "raw,grpc,zmq" as rivals; raw, which is always there, is no rival. malformed names what is not known; not_found says how to build
/// the programs.
Result<std::vector<const Rival*>> choose_rivals(std::string_view list);

/// A server and a client of the rival, connected. Both end with the Load.
/// @param place      "tcp", or the path of a Unix socket to serve on
/// @param directory  for keys of the two
Result<std::unique_ptr<Load>> open_rival(const Rival& rival, const Cell& cell, const std::string& place, const std::string& directory);

}  // namespace ghost::b2::bench
