#include <algorithm>
#include <optional>

#include "b2_load.h"
#include "b2_service.h"
#include "b2_tls.h"
#include "b2/datagram_client_service.h"
#include "net/epoll.h"

namespace ghost::b2::bench {

namespace {

class Client final : public Load {
 public:
  static Result<std::unique_ptr<Load>> open(const net::Address& server, const Setup& setup, const Work& work) {
    net::EpollOptions options;
    options.spin = setup.spin;
    auto network = net::EpollNetwork::create(options);
    if (!network) return network.error();
    auto client = std::make_unique<Client>(std::move(*network), work);
    std::shared_ptr<const net::TlsContext> tls;
    if (setup.tls) {
      auto made = bench_tls();
      if (!made) return made.error();
      tls = std::move(*made);
    }
    const Target target{server, setup.tls};
    for (std::size_t i = 0; i < work.connections; ++i) {
      if (setup.datagrams) {
        auto datagrams = DatagramClient::open(*client->network_, server, DatagramForm::plain);
        if (!datagrams) return datagrams.error();
        client->datagrams_.push_back(std::move(*datagrams));
        continue;
      }
      if (const Status dialed = client->dial(target, tls); !dialed) return dialed.error();
    }
    return {std::move(client)};
  }

  Client(std::unique_ptr<net::EpollNetwork> network, const Work& work) : network_(std::move(network)), work_(work), message_(work.size, 0x5a) {
    endpoint_.name = "bench client";
    endpoint_.program = "b2 bench";
  }

  Result<Figures> run(Duration span) override {
    failed_ = {};
    last_ = now();
    meter_.emplace(last_, span);
    over_ = false;
    if (work_.kind == Work::Kind::stream) return stream();
    const auto begin = [this](Caller& caller) {
      for (std::size_t i = 0; i < work_.in_flight; ++i) call(caller);
    };
    for (const auto& link : links_) begin(link->channel());
    for (const auto& each : datagrams_) begin(each->caller());
    while (open_ != 0) network_->turn(TimePoint::max());
    if (!failed_) return failed_.error();
    return meter_->figures(last_);
  }

 private:
  class Echo final : public CallHandler {
   public:
    Echo(Client& client, Caller& caller, TimePoint began) : client_(client), caller_(caller), began_(began) {}
    void on_message(BytesView message) override { complete_ = std::equal(message.begin(), message.end(), client_.message_.begin(), client_.message_.end()); }
    void on_end(const Status& status) override {
      if (status && !complete_) return client_.call_ended(caller_, began_, Error{Errc::data_loss, "the echo is not what was sent"});
      client_.call_ended(caller_, began_, status);
    }

   private:
    Client& client_;
    Caller& caller_;
    TimePoint began_;
    bool complete_ = false;
  };

  class Flow final : public CallHandler {
   public:
    explicit Flow(Client& client) : client_(client) {}
    void on_message(BytesView message) override {
      if (message.size() == client_.work_.size) ++client_.came_;
    }
    void on_end(const Status& status) override {
      if (!client_.over_) client_.failed_ = status;
      client_.over_ = true;
      --client_.open_;
    }

   private:
    Client& client_;
  };

  TimePoint now() const { return network_->reactor().now(); }

  Status dial(const Target& target, const std::shared_ptr<const net::TlsContext>& tls) {
    std::optional<Status> outcome;
    Dial dial({*network_, endpoint_, tls, {}}, target, [&](Result<std::unique_ptr<Link>> link) {
      outcome = link ? Status() : Status(link.error());
      if (link) links_.push_back(std::move(*link));
    });
    while (!outcome) network_->turn(TimePoint::max());
    return *outcome;
  }

  void call(Caller& caller) {
    ++open_;
    caller.start(kServiceName, kMethods[0].name, Payload(BytesView(message_)), {}, std::make_unique<Echo>(*this, caller, now()));
  }

  void call_ended(Caller& caller, TimePoint began, const Status& status) {
    --open_;
    if (!status && failed_) failed_ = status;
    const TimePoint time = now();
    if (over_ || !failed_ || meter_->over(time)) return void(over_ = true);
    last_ = time;
    meter_->call_ended(began, time);
    call(caller);
  }

  Result<Figures> stream() {
    came_ = 0;
    Bytes request;
    ByteWriter(request).u32(static_cast<std::uint32_t>(work_.size));
    CallOptions options;
    options.timeout = Duration::max();
    ++open_;
    ClientCall call = links_.front()->channel().start(kServiceName, kMethods[1].name, Payload(BytesView(request)), options,
                                                      std::make_unique<Flow>(*this));
    while (!over_ && !meter_->over(last_)) {
      network_->turn(TimePoint::max());
      last_ = now();
      meter_->messages_came(std::exchange(came_, 0), last_);
    }
    over_ = true;
    call.cancel();
    if (!failed_) return failed_.error();
    return meter_->figures(last_);
  }

  std::unique_ptr<net::EpollNetwork> network_;
  Work work_;
  Bytes message_;
  Endpoint endpoint_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<DatagramClient>> datagrams_;
  std::optional<Meter> meter_;
  std::size_t open_ = 0;
  std::uint64_t came_ = 0;  ///< messages of a stream in this turn
  bool over_ = false;
  TimePoint last_{};
  Status failed_;
};

}  // namespace

Result<std::unique_ptr<Load>> open_b2(const net::Address& server, const Setup& setup, const Work& work) {
  return Client::open(server, setup, work);
}

}  // namespace ghost::b2::bench
