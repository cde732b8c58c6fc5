#pragma once
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "ariascribe/store_service.h"

namespace ghost::ariascribe {

/// Corrections of the catalogue that can be looked at before they are written, and undone after: what `ariascribe correct` does, for several fields at
/// once. A commit is a file of the state directory, written before the catalogue (docs/spec/ariascribe.md §10.4). One thread at a time.
class Corrections {
 public:
  /// @param state  the node's state directory
  explicit Corrections(const std::filesystem::path& state) : folder_(state / "ariascribe" / "corrections") {}

  struct Value {
    std::string subject, field;
    std::string before, after;  ///< as shown
    std::string said;           ///< by this person before
    std::string value;          ///< by this person after
  };
  struct Proposal {
    std::string id, who;
    std::vector<Value> values;
  };
  /// What would be shown otherwise. exhausted above 1,000 values; malformed for a field of many values or one the subject has not; not_found.
  Result<Proposal> propose(Store& store, const std::vector<Correction>& corrections, const std::string& who);
  struct Done {
    std::string commit;
    std::size_t values = 0;
  };
  /// Writes what was proposed, all or nothing. not_found for a proposal that is not kept, or another person's; conflict where a value stands otherwise.
  Result<Done> commit(Store& store, const std::string& proposal, const std::string& who);
  /// Has every value said again as before a commit, "" being the person's last one not undone. not_found; conflict where one was corrected since.
  Result<Done> undo(Store& store, const std::string& commit, const std::string& who);

 private:
  Result<Proposal> read(const std::string& id) const;
  std::string last_of(const std::string& who) const;
  bool is_undone(Store& store, const Proposal& commit) const;

  const std::filesystem::path folder_;
  UuidSource uuids_;
  std::deque<Proposal> kept_;  ///< the newest last
};

}  // namespace ghost::ariascribe
