#include "ariascribe/identification.h"

namespace ghost::ariascribe {

std::string_view name(Band band) {
  switch (band) {
    case Band::apply: return "apply";
    case Band::review: return "review";
    case Band::leave: break;
  }
  return "leave";
}

double Identification::confidence(std::string_view field) const {
  for (const FieldReason& reason : reasons) {
    if (reason.field == field) return reason.confidence;
  }
  return 0;
}

}  // namespace ghost::ariascribe
