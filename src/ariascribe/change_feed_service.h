#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ariascribe/store_service.h"
#include "ariascribe/v1/collection.b2.h"
#include "b2/workers.h"
#include "net/reactor.h"

namespace ghost::ariascribe {

/// Tells subscribers what changes in the catalogue, whoever changes it (docs/spec/ariascribe.md §10.3): the revision is looked at every half second as
/// long as anybody listens. On the reactor's thread; the database is read on one of its own.
class ChangeFeed {
 public:
  using Open = std::function<Result<std::unique_ptr<Store>>()>;
  ChangeFeed(net::Reactor& reactor, Open open) : reactor_(reactor), open_(std::move(open)), worker_(std::make_unique<b2::Workers>(1)) {}
  ~ChangeFeed() { stop(); }

  /// exhausted, by the stream's end, where there are too many.
  void subscribe(const v1::ChangesRequest& request, b2::ServerStream<v1::ChangesPage> stream);
  /// Ends all streams and the thread.
  void stop();

 private:
  struct Subscriber {
    b2::ServerStream<v1::ChangesPage> stream;
    std::int64_t rev = 0;  ///< how far it has been told, with id
    std::string id;
    bool told = false;     ///< its first page
    bool full = false;     ///< its queue is; on_ready will ring
    bool asked = false;    ///< the worker reads for it
  };
  void look();
  void read_for(const std::shared_ptr<Subscriber>& subscriber);
  void tell(const std::shared_ptr<Subscriber>& subscriber, Result<v1::ChangesPage> page);

  net::Reactor& reactor_;
  const Open open_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;  ///< shared with the callbacks of their streams and the work for them
  net::Timer timer_;
  std::unique_ptr<Store> store_;  ///< the worker's
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::unique_ptr<b2::Workers> worker_;  ///< last, so that it ends first
};

}  // namespace ghost::ariascribe
