#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::ariascribe {

/// What is known of a track before: tags, or text from a disc, as messy as they are.
struct TrackInput {
  std::string title, album, artist, composer;
  std::string performer, conductor, ensemble;
  std::string songwriter;  ///< a disc's word for who wrote it: the composer, where that is one known
  int track_number = 0;  ///< 0: not known
};

struct Performer {
  std::string name;
  std::string role;        ///< conductor, orchestra, ensemble, choir, soloist
  std::string instrument;  ///< or voice, of a soloist; "" when not known
  friend bool operator==(const Performer&, const Performer&) = default;
};

/// How much is to be done with an identification without asking.
enum class Band : std::uint8_t {
  apply,   ///< right in practice always: may be written
  review,  ///< a person should look
  leave    ///< too little is known: the file stays as it is
};
std::string_view name(Band band);

/// How sure one field is, and why.
struct FieldReason {
  std::string field;      ///< "composer", "work", "catalogue", "key", "movement_no", "movement", "performers", "arranger"
  double confidence = 0;  ///< 0 … 1
  std::string reason;     ///< a sentence for a person
};

/// What a track is. Absent is "", 0 or empty.
struct Identification {
  std::string composer, arranger, work;
  std::vector<std::string> catalogue;  ///< "op:27/2"
  std::string key;                     ///< "C# minor"
  int movement_no = 0;
  std::string movement;  ///< without its number
  int movement_count = 0;
  std::vector<Performer> performers;
  Band band = Band::leave;
  std::vector<FieldReason> reasons;
  std::string work_id;  ///< in the repertoire; "" when the work is not in it

  /// The confidence of a field; 0 when nothing is said of it.
  double confidence(std::string_view field) const;
};

}  // namespace ghost::ariascribe
