#include "ardus/layout_choice.h"

#include <algorithm>

namespace ghost::ardus {

std::optional<Layout> LayoutChoice::choose(bool insist, std::span<const Candidate> candidates, TimePoint now) {
  using Verdict = LayoutTrial::Verdict;
  if (due_ == TimePoint{}) due_ = now;
  const auto any = [&](Verdict verdict) { return std::ranges::any_of(candidates, [&](const Candidate& each) { return each.verdict == verdict; }); };
  if (!insist && any(Verdict::small)) return Layout::standard;  // whatever the others say
  const bool holds = std::ranges::any_of(candidates, [this](const Candidate& each) { return each.verdict == Verdict::open && each.ready && each.ready_since <= due_; });
  if (holds && now - due_ < kTrialPatience) return std::nullopt;
  if (insist) return Layout::jumbo;
  return !holds && any(Verdict::jumbo) ? Layout::jumbo : Layout::standard;
}

}  // namespace ghost::ardus
