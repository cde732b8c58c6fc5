#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::portlight {

/// A row of IANA's service-names-port-numbers.csv that has a number, as it stands there.
struct CsvRow {
  std::uint16_t first = 0, last = 0;
  std::string name, transport, description, assignee, registered, modified, reference, note;
};

/// Reads the file IANA publishes (RFC 4180, with its heading). Malformed names the line; at most 16 MB, 200,000 records and 8 KB a field.
Result<std::vector<CsvRow>> parse_iana_csv(std::string_view csv);

/// One line without tabs; "[Kunihiko_Morota]" becomes "Kunihiko Morota".
std::string plain_text(std::string_view field);

}  // namespace ghost::portlight
