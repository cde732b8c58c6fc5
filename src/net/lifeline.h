#pragma once
#include <memory>

namespace ghost::net {

/// A member by which work planned for later, or a call that just came back from a handler, learns whether its object still
/// lives: take a watch() before, ask expired() after.
class Lifeline {
 public:
  using Watch = std::weak_ptr<const void>;

  Lifeline() : token_(std::make_shared<char>()) {}
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  Watch watch() const { return token_; }

 private:
  std::shared_ptr<const void> token_;
};

}  // namespace ghost::net
