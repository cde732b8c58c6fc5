#pragma once
#include <memory>
#include <optional>

#include "flow_witness.h"
#include "machine.h"

namespace ghost::b2::test {

/// A stream whose bytes a witness sees as they pass: those that were sent after all that had been received before. It stands still
/// with its machine, and can carry bytes that its user never wrote.
class TappedStream final : public net::ByteStream, private net::StreamHandler {
 public:
  TappedStream(Machine& machine, std::unique_ptr<net::ByteStream> inner, std::shared_ptr<FlowWitness> witness);

  void set_handler(net::StreamHandler& handler) override;
  ByteQueue& output() override { return output_; }
  std::size_t unsent() const override { return output_.size() + inner_->unsent(); }
  void flush() override;
  void set_reading(bool on) override { inner_->set_reading(on); }
  void finish(Duration patience) override;
  const net::Peer& peer() const override { return inner_->peer(); }

  /// Puts bytes between those of the user, where one of its frames has ended. The witness does not see them.
  void inject(Bytes bytes);

 private:
  void on_bytes(BytesView bytes) override;
  void on_writable() override;
  void on_closed(const Error& why) override;

  Machine& machine_;
  std::unique_ptr<net::ByteStream> inner_;
  std::shared_ptr<FlowWitness> witness_;
  net::StreamHandler* handler_ = nullptr;
  ByteQueue output_;
  bool planned_ = false;
  bool full_ = false;  ///< on_writable() is owed
  std::optional<Duration> finishing_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace ghost::b2::test
