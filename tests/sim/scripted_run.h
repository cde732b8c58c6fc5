#pragma once
#include <memory>
#include <string>
#include <vector>

#include "acts.h"
#include "net/sim.h"

namespace ghost::b2::test {

/// Two programs and one connection after another between them, on simulated hosts; bytes say what each does, and what a third puts
/// into the stream between them that neither wrote. What must hold is asked after each act, and at the end, when all is mended:
/// budgets and windows within their bounds and then back at nothing, every call ended once, nobody called who had ended. As long as
/// nothing foreign was put in, histories must be right too.
class ScriptedRun {
 public:
  explicit ScriptedRun(BytesView script);  ///< which outlives it
  ~ScriptedRun();

  /// What was wrong; empty when everything held.
  std::vector<std::string> run();

 private:
  static constexpr std::size_t kMostActs = 400;

  net::Address address(std::size_t number) const { return net::Address::ip4({10, 0, 0, static_cast<std::uint8_t>(number + 1)}, 0); }
  std::uint8_t next() { return script_.remaining() != 0 ? script_.u8() : std::uint8_t{0}; }
  void act(std::uint8_t what);
  void call(Node& node);
  void tell(Node& node);
  void follow(Node& node);
  void ping(Node& node);
  void put_frame(Node& node);
  void put_garbage(Node& node);
  void hog(std::size_t which);
  void toggle_service(std::size_t which);
  void check_bounds();
  void mend();
  void finish();

  ByteReader script_;
  net::SimWorld world_{1};
  Truth truth_;
  ChannelLimits limits_;
  bool clocks_jump_ = false, cut_ = false;
  std::vector<std::unique_ptr<Follower>> followers_;  ///< they outlive the nodes
  std::array<net::Network*, 2> networks_{};
  std::array<std::unique_ptr<Node>, 2> nodes_;
  std::array<std::uint64_t, 2> hogged_{};
  struct Extra;
  std::array<std::unique_ptr<Extra>, 2> extras_;
  std::uint64_t pings_ = 0, pongs_ = 0;
};

}  // namespace ghost::b2::test
