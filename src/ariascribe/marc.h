#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ariascribe/claims.h"
#include "base/result.h"

namespace ghost::ariascribe {

/// One field of a bibliographic record: data of a control field ("001"), or subfields.
struct MarcField {
  std::string tag;
  std::string data;                                       ///< of 001 … 009
  std::vector<std::pair<char, std::string>> subfields;

  /// The first subfield of a code; "".
  std::string_view sub(char code) const;
};

struct MarcRecord {
  std::vector<MarcField> fields;
  const MarcField* first(std::string_view tag) const;
};

/// One record of ISO 2709 (MARC 21), 5 to 99,999 bytes with its terminator. Text is UTF-8 or, where the leader says so, MARC-8 in Latin letters.
Result<MarcRecord> parse_marc(std::string_view bytes);

/// Composer, work, who plays on it (docs/spec/ariascribe.md §11). malformed when it has no title.
Result<std::vector<Record>> records_of(const MarcRecord& marc);

}  // namespace ghost::ariascribe
