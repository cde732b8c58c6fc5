#pragma once
#include <span>
#include <vector>

#include "score.h"

namespace ghost::disc {

/// From ticks to seconds, through changes of tempo and over fermatas.
class TempoMap {
 public:
  /// Both in order of time, from the start of the piece; the first tempo is at 0.
  TempoMap(std::vector<Tempo> tempos, std::vector<Fermata> fermatas);

  double seconds(Tick at) const;

 private:
  double in_tempo(Tick at) const;

  std::vector<Tempo> tempos_;
  std::vector<double> starts_;  ///< seconds at each
  std::vector<Fermata> fermatas_;
};

}  // namespace ghost::disc
