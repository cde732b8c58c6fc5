#pragma once
#include <optional>
#include <span>

#include "ardus/layout_trial.h"
#include "ardus/payload.h"
#include "base/time.h"

namespace ghost::ardus {

/// The layout that a session begins with, by what is known of its receivers (docs/spec/ardus.md §5.12). Pure.
class LayoutChoice {
 public:
  /// One of those that joined, and lack anything.
  struct Candidate {
    LayoutTrial::Verdict verdict = LayoutTrial::Verdict::open;
    bool ready = false;         ///< its NeedSet has come …
    TimePoint ready_since{};    ///< … then
  };

  /// The session is to begin.
  /// @param insist  on the jumbo layout, whoever takes it; else it is for all or for none
  /// @return nothing as long as somebody is tried who was ready when it was to begin first, which is kTrialPatience at most: who comes later holds up nobody
  std::optional<Layout> choose(bool insist, std::span<const Candidate> candidates, TimePoint now);
  /// It is not to begin after all.
  void put_off() { due_ = {}; }

 private:
  TimePoint due_{};  ///< since then the session is to begin; none: it is not
};

}  // namespace ghost::ardus
