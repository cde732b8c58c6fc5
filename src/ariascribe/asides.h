#pragma once
#include <string>
#include <string_view>

namespace ghost::ariascribe {

/// A title without what says nothing of the work.
struct WithoutAsides {
  std::string text;
  std::string performers;  ///< "(Sinfonia X feat. piano: Y)" without its brackets
  std::string arranger;    ///< "arr. X"
};

/// Takes off "(Live)", "[Remastered 2011]", "(feat. …)", "(arr. …)" and the like.
/// @param title  normalised()
WithoutAsides take_off_asides(std::string_view title);

}  // namespace ghost::ariascribe
