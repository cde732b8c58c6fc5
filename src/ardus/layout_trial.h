#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "ardus/message.h"
#include "base/time.h"

namespace ghost::ardus {

/// How long one that hears nothing at all is tried.
inline constexpr Duration kTrialPatience = std::chrono::seconds(3);

/// Whether datagrams of the jumbo layout reach one receiver: by what its interface takes, and by what it heard of the TRIALs
/// (docs/spec/ardus.md §5.12). Its sender's view. Pure.
class LayoutTrial {
 public:
  enum class Verdict : std::uint8_t {
    small,  ///< it takes none of them, or they do not come through
    open,   ///< to be tried still
    jumbo   ///< a long TRIAL has come to it
  };

  /// It joined, or did so anew.
  /// @param largest  bytes of UDP payload its interface takes, as it told; 0: it did not
  /// @param from     the address it did so from, without the port
  /// @param begun    the session is under way, so that it holds up nobody else: it is waited for anew
  /// @return whether that is another interface or way than before, so that nothing counts that was heard by that one
  bool joined(std::uint32_t largest, std::string_view from, bool begun);
  /// It is waited for from now on: not again, if it was before.
  /// @return whether it was not
  bool begin(TimePoint now);
  /// Its answer: what it has heard up to this round.
  void heard(std::uint16_t round, bool is_long);
  /// Datagrams of the stream did not come, whatever it had heard.
  void failed() { failed_ = true; }

  Verdict verdict(TimePoint now) const;
  std::uint32_t largest() const { return largest_; }

 private:
  std::uint32_t largest_ = 0;
  std::string from_;
  bool long_ = false, failed_ = false;
  unsigned short_alone_ = 0;     ///< answers, of different rounds, of one that has heard short ones only
  std::uint16_t last_round_ = 0; ///< of them
  TimePoint since_{};
};

}  // namespace ghost::ardus
