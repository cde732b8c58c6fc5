#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "ariascribe/change_feed_service.h"
#include "ariascribe/corrections_service.h"
#include "ariascribe/repertoire.h"
#include "ariascribe/thread_stream_service.h"
#include "base/guarded.h"

namespace ghost::ariascribe {

/// Where a daemon's catalogue is.
struct CollectionPlaces {
  std::string store;             ///< as Store::open() takes it
  std::filesystem::path state;   ///< corrections and files on their way in: below STATE/ariascribe
  std::filesystem::path index;   ///< the directory of the index
};

/// ariascribe.v1.Collection: what is imported, read and written over b2. On the reactor's thread; the database is read and written on threads of its own.
class CollectionService : public v1::CollectionService {
 public:
  /// @param shipped  the repertoire as it was shipped: the index leaves its works out
  /// @param indexed  from any thread: the index was written anew; may be empty
  CollectionService(net::Reactor& reactor, CollectionPlaces places, std::function<Result<Repertoire>()> shipped, std::function<void()> indexed);
  ~CollectionService() override { stop(); }

  void import(b2::BidiStream<v1::ImportPiece, v1::ImportEvent> stream) override;
  void export_(v1::ExportRequest request, b2::ServerStream<v1::ExportPiece> stream) override;
  void subscribe(v1::ChangesRequest request, b2::ServerStream<v1::ChangesPage> stream) override { feed_.subscribe(request, std::move(stream)); }
  Result<v1::Subject> show(const v1::ShowRequest& request, const b2::CallContext& context) override;
  Result<v1::CorrectionsProposal> propose(const v1::CorrectionsRequest& request, const b2::CallContext& context) override;
  Result<v1::CommitCorrectionsResponse> commit(const v1::CommitCorrectionsRequest& request, const b2::CallContext& context) override;
  Result<v1::UndoCorrectionsResponse> undo(const v1::UndoCorrectionsRequest& request, const b2::CallContext& context) override;

  /// Ends all streams, stops an import where it can go on the next time, and waits for the threads. On the reactor's thread, while it takes posted work.
  void stop();

 private:
  struct Upload;
  Result<std::unique_ptr<Store>> open_store() const;
  /// Brings the index up to the catalogue; what goes wrong is for the next time, since the catalogue is as it should be.
  void index_anew(Store& store) const;
  /// The same on a thread of its own: it may wait for another process that does it. From any thread.
  void index_soon();
  void take_piece(const std::shared_ptr<Upload>& upload, const v1::ImportPiece& piece, std::size_t bytes);
  Status begin(Upload& upload, const v1::ImportStart& start);
  void run_import(const std::shared_ptr<Upload>& upload);
  Result<v1::ImportSummary> import_spooled(const std::shared_ptr<Upload>& upload);

  net::Reactor& reactor_;
  const CollectionPlaces places_;
  const std::function<Result<Repertoire>()> shipped_;
  const std::function<void()> indexed_;
  std::shared_ptr<Upload> upload_;                  ///< the one import; shared with the thread that does it
  std::vector<std::shared_ptr<ThreadStream<v1::ExportPiece>>> sendings_;  ///< exports
  Guarded<Corrections> corrections_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< gone when posted work must not touch this
  ChangeFeed feed_;
  std::mutex indexer_mutex_;
  std::unique_ptr<b2::Workers> importer_, exporters_, indexer_;  ///< last, so that they end first
};

}  // namespace ghost::ariascribe
