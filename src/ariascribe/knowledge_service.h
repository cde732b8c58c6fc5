#pragma once
#include <memory>

#include "ariascribe/album.h"
#include "ariascribe/explanation.h"
#include "ariascribe/matcher.h"
#include "ariascribe/repertoire.h"
#include "ariascribe/work_search.h"

namespace ghost::ariascribe {

/// The repertoire in this program and the matcher that knows it: what services and verbs share. Immutable.
struct Knowledge {
  const Repertoire repertoire;
  const Matcher matcher;
  const WorkSearch search;

  /// @param stored  imported works, whose composers the repertoire has; null: none
  explicit Knowledge(Repertoire loaded, std::shared_ptr<const StoredWorks> stored = {}) : repertoire(std::move(loaded)), matcher(repertoire, std::move(stored)), search(matcher) {}
  /// Takes some 10 ms; only a damaged program makes it fail.
  static Result<std::unique_ptr<Knowledge>> load();
};

}  // namespace ghost::ariascribe
