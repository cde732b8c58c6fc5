#include <iostream>

#include "b2/client_service.h"
#include "b2/spec/v1/drill.b2.h"
#include "spec_peer.h"

namespace ghost::b2::spec_peer {

namespace {

class Client {
 public:
  Client(net::EpollNetwork& network, Target target) : network_(network), target_(std::move(target)) {
    endpoint_.name = "spec_peer";
    endpoint_.boot_epoch = 1;
    endpoint_.compress = Compress::always;  // b2spec is on this machine, too
    outcome_.none = true;
    outcome_.can = "1 2 3 4 5 6 7";
    dial();
  }
  ~Client() { link_.reset(); }

  bool done() const { return done_; }

 private:
  void dial() {
    dial_.reset();
    dial_ = std::make_unique<Dial>(Dial::Parts{network_, endpoint_, nullptr, {}}, target_, [this](Result<std::unique_ptr<Link>> link) {
      if (!link) return again();
      link_ = std::move(*link);
      Link::Events events;
      events.closed = [this](const Error&) { again(); };
      link_->set_events(std::move(events));
      ask();
    });
  }

  /// Connects anew, once nothing of the old connection is on the stack.
  void again() {
    if (std::exchange(coming_, true)) return;
    timer_ = network_.reactor().wake_at(network_.reactor().now() + std::chrono::milliseconds(10), [this](TimePoint) {
      coming_ = false;
      link_.reset();
      if (done_ || ++tries_ > 1000) return network_.stop();
      dial();
    });
  }

  void ask() {
    spec::v1::DrillClient(link_->channel()).next(outcome_, [this](Result<spec::v1::Task> task) {
      if (!task) return again();
      tries_ = 0;
      outcome_.none = false;
      outcome_.status = outcome_.messages = 0;
      outcome_.bytes = 0;
      carry_out(*task);
    });
  }

  void carry_out(const spec::v1::Task& task) {
    spec::v1::DrillClient drill(link_->channel());
    CallOptions options = without_timeout();
    if (task.timeout_ms != 0) options.timeout = std::chrono::milliseconds(task.timeout_ms);
    spec::v1::Piece piece;
    piece.payload.assign(task.size, 'x');
    const auto ended = [this](const Status& status) { report(status); };
    const auto message = [this](const spec::v1::Piece& in) { note(in.payload.size()); };
    const auto answered = [this](const Result<spec::v1::Piece>& answer) {
      if (answer) note(answer->payload.size());
      report(answer ? Status() : Status(answer.error()));
    };
    switch (task.kind) {
      case spec::v1::TaskKind::done:
        done_ = true;
        return link_->close();
      case spec::v1::TaskKind::echo:
      case spec::v1::TaskKind::echo_long: drill.echo(piece, answered, options); return;
      case spec::v1::TaskKind::count: drill.count({task.count, task.size}, message, ended, options); return;
      case spec::v1::TaskKind::unread:
        options.manual_credit = true;
        drill.count({task.count, task.size}, message, ended, options);
        return;
      case spec::v1::TaskKind::hold: drill.hold({}, answered, options); return;
      case spec::v1::TaskKind::cancel: drill.hold({}, answered, options).cancel(); return;
      case spec::v1::TaskKind::sum: return sum(drill, task.count, piece, options);
    }
  }

  void sum(spec::v1::DrillClient& drill, std::uint32_t count, const spec::v1::Piece& piece, const CallOptions& options) {
    auto call = drill.sum([this](const Result<spec::v1::Total>& total) { report(total ? Status() : Status(total.error())); }, options);
    for (std::uint32_t i = 0; i < count; ++i) call.write(piece);
    call.finish();
  }

  void note(std::size_t bytes) {
    ++outcome_.messages;
    outcome_.bytes += bytes;
  }

  void report(const Status& status) {
    outcome_.status = status ? 0 : static_cast<std::uint32_t>(status.error().code);
    network_.reactor().post([this] {
      if (link_ && link_->channel().ready()) ask();
    });
  }

  net::EpollNetwork& network_;
  Target target_;
  Endpoint endpoint_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<Link> link_;
  spec::v1::Outcome outcome_;
  net::Timer timer_;
  bool coming_ = false, done_ = false;
  int tries_ = 0;
};

}  // namespace

int connect(net::EpollNetwork& network, const std::string& address) {
  const auto target = Target::parse(address);
  if (!target) {
    std::cerr << target.error().message << "\n";
    return 2;
  }
  Client client(network, *target);
  network.run();
  return client.done() ? 0 : 1;
}

}  // namespace ghost::b2::spec_peer
