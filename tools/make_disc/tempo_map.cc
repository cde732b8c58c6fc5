#include "tempo_map.h"

#include <algorithm>
#include <cmath>

namespace ghost::disc {

namespace {

constexpr double kFermata = 0.9;  ///< of its written length, held on top

/// Seconds from the tempo's own place to `ticks` after it.
double spent(const Tempo& tempo, Tick ticks) {
  const double quarter = static_cast<double>(kWhole) / 4;
  const double length = static_cast<double>(ticks) / quarter;
  if (tempo.over <= 0 || tempo.from == tempo.to) return length * 60 / tempo.to;
  // Inside a ramp the tempo is linear in musical time, so the time is the logarithm of the ratio of the tempos.
  const double ramp = static_cast<double>(tempo.over) / quarter;
  const double inside = std::min(length, ramp);
  const double reached = tempo.from + (tempo.to - tempo.from) * inside / ramp;
  return 60 * ramp / (tempo.to - tempo.from) * std::log(reached / tempo.from) + (length - inside) * 60 / tempo.to;
}

}  // namespace

TempoMap::TempoMap(std::vector<Tempo> tempos, std::vector<Fermata> fermatas)
    : tempos_(std::move(tempos)), fermatas_(std::move(fermatas)) {
  double now = 0;
  for (std::size_t i = 0; i < tempos_.size(); ++i) {
    if (i > 0) now += spent(tempos_[i - 1], tempos_[i].at - tempos_[i - 1].at);
    starts_.push_back(now);
  }
}

double TempoMap::in_tempo(Tick at) const {
  const auto after = std::ranges::upper_bound(tempos_, at, {}, &Tempo::at);
  const auto index = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - tempos_.begin() - 1));
  return starts_[index] + spent(tempos_[index], at - tempos_[index].at);
}

double TempoMap::seconds(Tick at) const {
  double total = in_tempo(at);
  Tick held_to = 0;  // two voices with the same fermata hold it once
  for (const Fermata& fermata : fermatas_) {
    const Tick start = std::max(fermata.at, held_to), end = fermata.at + fermata.length;
    if (start >= at) break;
    if (end > start) total += kFermata * (in_tempo(std::min(at, end)) - in_tempo(start));
    held_to = std::max(held_to, end);
  }
  return total;
}

}  // namespace ghost::disc
