#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/child_spec.h"
#include "b2/house.h"
#include "base/file.h"
#include "base/result.h"

namespace ghost::workflow {

/// Receivers on this machine, to show and to test the main job with: each is a host of its own in a network namespace where this
/// process may make one, with as much packet loss as is wished; else a process on 127.0.0.2 and so on, without loss. They
/// are members of the house with the role listen. What was made is undone at destruction.
class StageHosts {
 public:
  struct Spec {
    unsigned count = 3;                ///< 1 … 32
    double loss = 0;                   ///< of incoming UDP packets, 0 … 0.9; only in namespaces
    std::filesystem::path state;       ///< the node's; theirs are in its folder "stage/hosts"
    std::filesystem::path ardus;       ///< the program
    bool namespaces = true;            ///< false: processes on loopback, also for root
  };
  /// Blocks for about 50 ms a host. Takes away what a process that was killed left under the same names.
  static Result<std::unique_ptr<StageHosts>> make(Spec spec, const b2::House& house);
  ~StageHosts();
  StageHosts(const StageHosts&) = delete;
  StageHosts& operator=(const StageHosts&) = delete;

  /// One program for each, for a supervisor to run.
  const std::vector<b2::ChildSpec>& children() const { return children_; }
  /// The interface by which they are reached.
  const std::string& interface() const { return interface_; }
  /// For people: "3 hosts in network namespaces gl-stage-1 to gl-stage-3, 2 % packet loss".
  std::string text() const;

 private:
  explicit StageHosts(Spec spec) : spec_(std::move(spec)) {}
  void make_on_loopback();
  void give_namespaces_up(const Error& why);
  Status make_in_namespaces();
  Status choose_prefix();
  Status make_namespace(unsigned number);
  Status lose_packets(const std::string& name);
  void clear();
  std::string namespace_of(unsigned number) const { return prefix_ + "-" + std::to_string(number); }
  /// Our end of a host's link; the other is its "eth0".
  std::string link_of(unsigned number) const { return prefix_ + "-v" + std::to_string(number); }
  std::filesystem::path state_of(unsigned number) const { return spec_.state / "stage" / "hosts" / std::to_string(number); }

  Spec spec_;
  bool in_namespaces_ = false;
  std::string prefix_, interface_, why_not_;
  std::optional<FileLock> names_;  ///< held as long as the names are ours
  unsigned subnet_ = 0;
  std::vector<b2::ChildSpec> children_;
};

}  // namespace ghost::workflow
