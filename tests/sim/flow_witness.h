#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "b2/frame.h"
#include "b2/v1/hello.b2.h"

namespace ghost::b2::test {

/// Watches one end of a connection and keeps books of its own (docs/spec/b2.md §2–§5): whether what that end sends fits into the
/// windows its peer has granted by then, and whether its frames follow the rules of streams.
class FlowWitness {
 public:
  /// @param dialer   the watched end's side
  /// @param sceptic  divides the windows granted: a witness that believes less than was said, for the test of the test
  explicit FlowWitness(bool dialer, std::uint32_t sceptic = 1) : dialer_(dialer), sceptic_(sceptic) {}

  void sent(BytesView bytes) { read(out_, bytes, true); }
  void received(BytesView bytes) { read(in_, bytes, false); }
  /// The peer is known to break rules: what it says of windows is noted, what it breaks is not this end's fault.
  void distrust_peer() { honest_peer_ = false; }

  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t frames() const { return frames_; }

 private:
  struct Direction {
    bool preface = false;
    bool hello = false;
    Bytes partial;
  };
  struct Window {
    std::int64_t left = 0;
    bool ended = false;  ///< this end has said RESP, CANCEL or END on it
  };

  void read(Direction& direction, BytesView bytes, bool outgoing);
  void on_sent(const FrameHeader& header, BytesView payload);
  void on_received(const FrameHeader& header, BytesView payload);
  void on_peer_hello(BytesView payload);
  Window& window(std::uint32_t stream);
  void wrong(const FrameHeader& header, const std::string& what);

  const bool dialer_;
  const std::uint32_t sceptic_;
  bool honest_peer_ = true;
  Direction in_, out_;
  std::int64_t connection_ = 0;
  std::int64_t stream_window_ = 0;
  std::uint32_t frame_bytes_ = 64 * 1024;
  std::map<std::uint32_t, Window> windows_;
  std::uint32_t last_own_ = 0, last_theirs_ = 0;
  std::uint64_t frames_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace ghost::b2::test
