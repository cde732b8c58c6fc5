#pragma once
#include <functional>

#include "base/result.h"
#include "net/address.h"

namespace ghost::b2::bench {

/// A server in a forked child, which ends with this object, or with this process. Forks: no other thread may run.
class ChildServer {
 public:
  /// Serves until it is killed; calls `listening` once it listens. What it returns is why it could not.
  using Serve = std::function<Status(const std::function<void(const net::Address&)>& listening)>;

  static Result<ChildServer> start(const Serve& serve);
  ChildServer(ChildServer&& other) noexcept : process_(std::exchange(other.process_, -1)), address_(std::move(other.address_)) {}
  ChildServer& operator=(ChildServer&&) = delete;
  ~ChildServer();

  const net::Address& address() const { return address_; }
  int process() const { return process_; }

 private:
  explicit ChildServer(int process) : process_(process) {}

  int process_;
  net::Address address_;
};

}  // namespace ghost::b2::bench
