#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cells.h"
#include "codec.h"

namespace ghost::b2::bench {

/// Another library that b2 is measured against, by a program of bench/b2.
struct Rival {
  std::string_view name;
  bool spins;      ///< it can poll before it waits
  bool encrypts;   ///< by TLS, or by what it has in its place
  bool encodes;    ///< messages, which is all it does
  bool fits(const Cell& cell) const {
    const bool codec = cell.measure == Cell::Measure::codec;
    if (encodes || codec) return encodes && codec;
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

/// A codec other than b2's, in a process of its own.
class CodecRival {
 public:
  virtual ~CodecRival() = default;
  /// Encodes and decodes by turns for `span`.
  virtual Result<CodecTimes> run(Duration span) = 0;
};

/// @param message  what is encoded and decoded, as b2 encodes it
Result<std::unique_ptr<CodecRival>> open_codec_rival(const Rival& rival, BytesView message);

}  // namespace ghost::b2::bench
