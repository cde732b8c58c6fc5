#pragma once
#include <deque>
#include <filesystem>
#include <memory>
#include <vector>

#include "ariascribe/live_knowledge_service.h"
#include "ariascribe/thread_stream_service.h"
#include "ariascribe/v1/audit.b2.h"
#include "b2/workers.h"

namespace ghost::ariascribe {

/// ariascribe.v1.Auditor: a library looked through for those who cannot read its files themselves. On the reactor's thread; files are read on others.
class AuditorService : public v1::AuditorService {
 public:
  AuditorService(net::Reactor& reactor, LiveKnowledge knowledge);
  ~AuditorService() override { stop(); }

  void audit(v1::AuditRequest request, b2::ServerStream<v1::AuditEvent> stream) override;
  /// Ends all audits and waits for the threads. On the reactor's thread, while it takes posted work.
  void stop();

 private:
  using Answer = ThreadStream<v1::AuditEvent>;
  struct Job {
    std::shared_ptr<Answer> answer;
    std::vector<std::filesystem::path> places;
  };

  /// Ends those waiting whose callers have gone.
  void forget_cancelled();
  void run_next();

  net::Reactor& reactor_;
  const LiveKnowledge knowledge_;
  std::vector<std::shared_ptr<Answer>> running_;
  std::deque<Job> waiting_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< gone when posted work must not touch this
  std::unique_ptr<b2::Workers> workers_;                     ///< last, so that they end first
};

}  // namespace ghost::ariascribe
