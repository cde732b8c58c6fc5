#pragma once
#include <string>
#include <vector>

#include "audiojuggler/toc.h"

namespace ghost::audiojuggler {

/// What CD-TEXT says of a disc or a track, in UTF-8 and otherwise as it is; "" where it says nothing.
struct Text {
  std::string title, performer, songwriter, composer, arranger, message;

  bool empty() const {
    return title.empty() && performer.empty() && songwriter.empty() && composer.empty() && arranger.empty() && message.empty();
  }
  /// Takes from `other` what is missing here.
  void fill_from(const Text& other);
  friend bool operator==(const Text&, const Text&) = default;
};

/// What is known of one track beside its place.
struct TrackInfo {
  Text text;
  std::string isrc;  ///< 12 characters, "" for none
};

/// A disc as a drive or an image tells of it.
struct Disc {
  Toc toc;
  Text text;
  std::string mcn;                ///< media catalogue number, 13 digits, "" for none
  std::vector<TrackInfo> tracks;  ///< as toc.tracks
};

/// "DEABC2600001": whether it has the form of an ISRC (ISO 3901): 2 letters, 3 letters or digits, 7 digits.
bool is_isrc(std::string_view text);
/// 13 digits.
bool is_mcn(std::string_view text);

}  // namespace ghost::audiojuggler
