#pragma once
#include <deque>
#include <filesystem>
#include <memory>

#include "ariascribe/api.h"
#include "ariascribe/enhancer_service.h"
#include "ariascribe/live_knowledge_service.h"
#include "base/guarded.h"

namespace ghost::ariascribe {

/// ariascribe.v1.Library: tags proposed, written with a journal and undone. Handlers run on the worker pool.
class LibraryService : public v1::LibraryService {
 public:
  /// @param state      the node's state directory, where the journal is
  LibraryService(LiveKnowledge knowledge, std::filesystem::path state) : knowledge_(std::move(knowledge)), state_(std::move(state)) {}

  Result<v1::Proposal> propose(const v1::ProposeRequest& request, const b2::CallContext& context) override;
  Result<v1::CommitResponse> commit(const v1::CommitRequest& request, const b2::CallContext& context) override;
  Result<v1::UndoResponse> undo(const v1::UndoRequest& request, const b2::CallContext& context) override;

 private:
  struct Kept {
    std::string id;
    std::vector<FileProposal> files;
  };

  /// Takes the files that a commit is for out of their proposal. not_found.
  Result<std::vector<FileProposal>> take(const v1::CommitRequest& request);

  const LiveKnowledge knowledge_;
  const std::filesystem::path state_;
  Guarded<std::deque<Kept>> proposals_;  ///< the newest last
};

}  // namespace ghost::ariascribe
