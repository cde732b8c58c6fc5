#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ghost::disc {

/// Musical time: 40,320 ticks are a whole note, so that every note down to a dotted 64th in triplets, quintuplets and septuplets
/// is whole.
using Tick = std::int64_t;
inline constexpr Tick kWhole = 40'320;

enum class Touch : unsigned char { plain, staccato, tenuto };
enum class Ornament : unsigned char { none, trill, mordent, prall };

/// One key pressed, as it is written: ornaments, ties and rolls are played out by perform().
struct Note {
  int pitch = 60;      ///< MIDI key, 60 = c4
  Tick start = 0;      ///< from the start of its section
  Tick length = 0;     ///< as written
  Touch touch = Touch::plain;
  Ornament ornament = Ornament::none;
  int above = 0, below = 0;  ///< the neighbours in the key, for ornaments
  bool tied = false;         ///< goes on in the next note of the same pitch
  bool accented = false;
  bool downbeat = false;     ///< the first of its bar
  int rolled = 0;            ///< its place in a rolled chord from below, 0 when struck at once
  int graces_before = 0;     ///< this many grace notes take their time from its start
  bool grace = false;        ///< one of those; `rolled` is then its place among them
};

/// What is set at a tick and stays so until the next.
struct Dynamic {
  Tick at = 0;
  double from = 0, to = 0;  ///< loudness, 0…127
  Tick over = 0;            ///< ticks from `from` to `to`; 0: at once
};
struct Tempo {
  Tick at = 0;
  double from = 0, to = 0;  ///< quarter notes a minute
  Tick over = 0;
};
struct Pedal {
  Tick at = 0;
  Tick every = 0;  ///< lifted and pressed again every so many ticks from here on; 0: up
};
struct Fermata {
  Tick at = 0, length = 0;
};

/// A part of the piece that may be played more than once.
struct Section {
  std::string name;
  Tick length = 0;
  std::vector<Tick> bars;                ///< the start of each
  std::vector<std::vector<Note>> notes;  ///< by voice, in order of start
  std::vector<std::vector<Dynamic>> voice_dynamics;
  std::vector<Dynamic> dynamics;
  std::vector<Tempo> tempos;
  std::vector<Pedal> pedals;
  std::vector<Fermata> fermatas;
};

struct Voice {
  std::string name;
  int program = 0;  ///< General MIDI, 0 = grand piano
  int volume = 100; ///< per cent of the written loudness
  int touch = 95;   ///< per cent of its written length that a plain note sounds
  int pan = 64;     ///< 0 left … 127 right
};

/// A piece in our notation (data/demo/README.md).
struct Score {
  std::string title, composer;
  std::vector<Voice> voices;
  std::vector<Section> sections;
  std::vector<std::size_t> form;  ///< indexes of sections in the order they are played
};

}  // namespace ghost::disc
