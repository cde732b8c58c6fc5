#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ghost::b2 {

/// A fixed number of threads that run what they are given, in order of arrival. Work that throws ends the process: results, also
/// bad ones, are values.
class Workers {
 public:
  explicit Workers(std::size_t threads);
  /// Ends after the work under way; what has not begun is dropped.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// From any thread.
  void run(std::function<void()> work);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ghost::b2
