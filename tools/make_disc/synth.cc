#include "synth.h"

#include <fluidsynth.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <tuple>

namespace ghost::disc {

namespace {

constexpr double kLongestTail = 9.0;   ///< seconds after the last event
constexpr float kSilence = 1.0e-4f;    ///< -80 dBFS
constexpr int kDamperPedal = 64, kPan = 10, kReverbSend = 91;

struct Free {
  void operator()(fluid_settings_t* settings) const { delete_fluid_settings(settings); }
  void operator()(fluid_synth_t* synth) const { delete_fluid_synth(synth); }
};

struct Event {
  enum class Kind : unsigned char { pedal_up, note_off, note_on, pedal_down };  // in this order at the same moment
  std::int64_t frame = 0;
  Kind kind = Kind::note_on;
  int channel = 0, key = 0, velocity = 0;
};

std::int64_t frame_at(double seconds) { return std::llround(seconds * kFramesPerSecond); }

int channel_of(std::size_t voice) { return static_cast<int>(voice < 9 ? voice : voice + 1); }  // the tenth channel is for drums

std::vector<Event> events_of(const Performance& performance) {
  std::vector<Event> events;
  for (const Strike& strike : performance.strikes) {
    const int channel = channel_of(strike.voice);
    const std::int64_t start = frame_at(strike.start);
    events.push_back({start, Event::Kind::note_on, channel, strike.pitch, strike.velocity});
    events.push_back({std::max(frame_at(strike.end), start + 64), Event::Kind::note_off, channel, strike.pitch, 0});
  }
  for (const PedalChange& pedal : performance.pedals)
    for (std::size_t voice = 0; voice < performance.voices.size(); ++voice)
      events.push_back({frame_at(pedal.at), pedal.down ? Event::Kind::pedal_down : Event::Kind::pedal_up, channel_of(voice), 0, 0});
  std::ranges::sort(events, {}, [](const Event& event) {
    return std::tuple(event.frame, event.kind, event.channel, event.key, event.velocity);
  });
  return events;
}

class Synth {
 public:
  Status open(const Performance& performance, const std::filesystem::path& sound_font) {
    settings_.reset(new_fluid_settings());
    fluid_settings_setnum(settings_.get(), "synth.sample-rate", kFramesPerSecond);
    fluid_settings_setnum(settings_.get(), "synth.gain", 0.4);
    fluid_settings_setint(settings_.get(), "synth.polyphony", 256);
    fluid_settings_setint(settings_.get(), "synth.chorus.active", 0);
    fluid_settings_setint(settings_.get(), "synth.dynamic-sample-loading", 1);  // of 148 MB only the instruments in use
    fluid_settings_setnum(settings_.get(), "synth.reverb.room-size", 0.62);
    fluid_settings_setnum(settings_.get(), "synth.reverb.damp", 0.35);
    fluid_settings_setnum(settings_.get(), "synth.reverb.width", 0.9);
    fluid_settings_setnum(settings_.get(), "synth.reverb.level", 0.55);
    synth_.reset(new_fluid_synth(settings_.get()));
    if (!synth_) return Error{Errc::exhausted, "FluidSynth did not start"};
    if (fluid_synth_sfload(synth_.get(), sound_font.c_str(), 1) == FLUID_FAILED)
      return Error{Errc::not_found, sound_font.string() + ": FluidSynth cannot read this sound font"};
    for (std::size_t i = 0; i < performance.voices.size(); ++i) {
      const Voice& voice = performance.voices[i];
      fluid_synth_program_change(synth_.get(), channel_of(i), voice.program);
      fluid_synth_cc(synth_.get(), channel_of(i), kPan, voice.pan);
      fluid_synth_cc(synth_.get(), channel_of(i), kReverbSend, 64);
    }
    return {};
  }

  void send(const Event& event) {
    switch (event.kind) {
      case Event::Kind::pedal_up: fluid_synth_cc(synth_.get(), event.channel, kDamperPedal, 0); break;
      case Event::Kind::pedal_down: fluid_synth_cc(synth_.get(), event.channel, kDamperPedal, 127); break;
      case Event::Kind::note_on: fluid_synth_noteon(synth_.get(), event.channel, event.key, event.velocity); break;
      case Event::Kind::note_off: fluid_synth_noteoff(synth_.get(), event.channel, event.key); break;
    }
  }

  /// Appends so many frames of sound.
  Status render(std::int64_t frames, std::vector<float>& out) {
    const std::size_t at = out.size();
    out.resize(at + 2 * static_cast<std::size_t>(frames));
    if (frames > 0 && fluid_synth_write_float(synth_.get(), static_cast<int>(frames), out.data() + at, 0, 2,
                                              out.data() + at, 1, 2) != FLUID_OK)
      return Error{Errc::io, "FluidSynth stopped in the middle of the piece"};
    return {};
  }

 private:
  std::unique_ptr<fluid_settings_t, Free> settings_;
  std::unique_ptr<fluid_synth_t, Free> synth_;
};

bool is_silent(const std::vector<float>& samples, std::size_t from) {
  return std::all_of(samples.begin() + static_cast<std::ptrdiff_t>(from), samples.end(), [](float s) { return std::abs(s) < kSilence; });
}

/// What sounds on when every key is up.
Status ring_out(Synth& synth, std::vector<float>& out) {
  for (double rung = 0; rung < kLongestTail; rung += 0.25) {
    const std::size_t from = out.size();
    if (Status done = synth.render(kFramesPerSecond / 4, out); !done) return done;
    if (is_silent(out, from)) break;
  }
  return {};
}

}  // namespace

Result<std::vector<float>> synthesise(const Performance& performance, const std::filesystem::path& sound_font) {
  Synth synth;
  if (Status opened = synth.open(performance, sound_font); !opened) return opened.error();
  std::vector<float> out;
  out.reserve(2 * static_cast<std::size_t>((performance.length + kLongestTail + 1) * kFramesPerSecond));
  std::int64_t now = 0;
  for (const Event& event : events_of(performance)) {
    if (Status done = synth.render(event.frame - now, out); !done) return done.error();
    now = event.frame;
    synth.send(event);
  }
  if (Status done = ring_out(synth, out); !done) return done.error();
  return out;
}

}  // namespace ghost::disc
