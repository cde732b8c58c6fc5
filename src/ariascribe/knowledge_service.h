#pragma once
#include <memory>

#include "ariascribe/album.h"
#include "ariascribe/matcher.h"
#include "ariascribe/repertoire.h"

namespace ghost::ariascribe {

/// The repertoire in this program and the matcher that knows it: what services and verbs share. Immutable.
struct Knowledge {
  const Repertoire repertoire;
  const Matcher matcher;

  explicit Knowledge(Repertoire loaded) : repertoire(std::move(loaded)), matcher(repertoire) {}
  /// Takes some 10 ms; only a damaged program makes it fail.
  static Result<std::unique_ptr<Knowledge>> load();
};

}  // namespace ghost::ariascribe
