#pragma once
#include <cstdint>
#include <optional>

#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// Which of the TRIALs that come to a receiver are looked at, and which are told to its sender by Heard (docs/spec/ardus.md §5.12): what anybody
/// sends, or sends once more, costs few checks of a signature and no calls. Pure.
class TrialHearing {
 public:
  /// It joins, anew perhaps and by another interface: what it heard before says nothing of that, and no answer to it comes any more.
  void joined() { *this = TrialHearing(); }
  /// Whether this one says what is not known yet, so that its signature is worth a check: which this counts as.
  bool is_worth_a_check(const Trial& trial, TimePoint now);
  /// The signature was right.
  /// @return whether Heard is called now: round() and any_long() go with it, and answered() follows
  bool heard(const Trial& trial);
  void answered(bool taken);

  std::uint16_t round() const { return last_.value_or(0); }
  bool any_long() const { return long_; }

 private:
  std::optional<std::uint16_t> last_;  ///< the newest round
  bool long_ = false;                  ///< one of the longest came …
  bool told_long_ = false;             ///< … and the sender knows …
  bool telling_ = false, telling_long_ = false;  ///< … or is being told
  double checks_ = 0;                  ///< that may be made at once
  TimePoint counted_{};                ///< as of then; none: never
};

}  // namespace ghost::ardus
