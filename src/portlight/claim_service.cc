#include "portlight/claim_service.h"

#include <algorithm>
#include <charconv>

#include "b2/message.h"
#include "b2/v1/core.b2.h"
#include "base/random.h"
#include "base/text.h"
#include "net/epoll.h"
#include "portlight/claim.h"

namespace ghost::portlight {

namespace {

/// One connection for a few calls, each waited for.
class Conversation {
 public:
  static Result<std::unique_ptr<Conversation>> open(const net::Address& at, Duration timeout) {
    std::unique_ptr<Conversation> self(new Conversation(timeout));
    auto network = net::EpollNetwork::create();
    if (!network) return network.error();
    self->network_ = std::move(*network);
    self->until_ = self->network_->precise_now() + timeout;
    self->endpoint_.name = "portlight";
    std::optional<Result<std::unique_ptr<b2::Link>>> opened;
    b2::Dial dial({*self->network_, self->endpoint_, nullptr, {}, timeout}, b2::Target{at, false}, [&](Result<std::unique_ptr<b2::Link>> link) { opened = std::move(link); });
    self->wait([&] { return opened.has_value(); });
    if (!opened) return Error{Errc::timed_out, at.text() + ": no HELLO"};
    if (!*opened) return opened->error();
    self->link_ = std::move(**opened);
    return self;
  }

  Result<Bytes> call(std::string_view service, std::string_view method, BytesView request) {
    std::optional<Result<Bytes>> result;
    b2::CallOptions options;
    options.timeout = timeout_;
    auto call = link_->channel().start(service, method, b2::Payload(request), options, std::make_unique<b2::KeepAnswer>(result));
    wait([&] { return result.has_value(); });
    if (!result) {
      call.cancel();
      return Error{Errc::timed_out, std::string(service) + "/" + std::string(method) + ": no answer"};
    }
    return std::move(*result);
  }
  b2::Channel& channel() { return link_->channel(); }

  /// Says goodbye before it closes: the other side would log a broken connection.
  ~Conversation() {
    if (!link_) return;
    bool closed = false;
    link_->set_events({{}, {}, [&](const Error&) { closed = true; }});
    link_->close();
    until_ = network_->precise_now() + std::chrono::milliseconds(100);
    wait([&] { return closed; });
  }

 private:
  explicit Conversation(Duration timeout) : timeout_(timeout) {}
  template <class Done>
  void wait(const Done& done) {
    while (!done() && network_->precise_now() < until_) network_->turn(until_);
  }

  Duration timeout_;
  TimePoint until_;
  std::unique_ptr<net::EpollNetwork> network_;
  b2::Endpoint endpoint_;
  std::unique_ptr<b2::Link> link_;
};

std::uint16_t port_of(std::string_view address) {
  std::uint16_t port = 0;
  const auto colon = address.rfind(':');
  if (colon != std::string_view::npos) std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  return port;
}

void read_status(Conversation& talk, ProgramClaim& claim) {
  v1::ClaimRequest request;
  request.nonce.resize(32);
  random_bytes(request.nonce);
  const auto answer = talk.call("ardus.v1.Node", "Status", b2::encode(request));
  const auto told = answer ? b2::decode<v1::Claim>(*answer) : Result<v1::Claim>(answer.error());
  const Status checked = told ? check_claim(*told, request.nonce) : Status(told.error());
  if (!checked) {
    claim.trouble = printable(checked.error().message);
    return;
  }
  const auto node = b2::NodeId::from_bytes(told->node);
  claim.signed_by = node ? node->words() : to_hex(told->node);
  for (const v1::ClaimedSocket& socket : told->sockets) {
    claim.sockets.push_back({printable(socket.transport), printable(socket.address), printable(socket.purpose), port_of(socket.address)});
  }
}

}  // namespace

const ProgramClaim::HeldSocket* ProgramClaim::holds(std::string_view transport, std::uint16_t port) const {
  const auto found = std::find_if(sockets.begin(), sockets.end(), [&](const HeldSocket& socket) { return socket.transport == transport && socket.port == port; });
  return found == sockets.end() ? nullptr : &*found;
}

Result<ProgramClaim> ask_program(const net::Address& at, Duration timeout) {
  auto talk = Conversation::open(at, timeout);
  if (!talk) return talk.error();
  const auto answer = (*talk)->call("b2.v1.Core", "Describe", b2::encode(b2::v1::DescribeRequest{}));
  if (!answer) return answer.error();
  const auto described = b2::decode<b2::v1::DescribeResponse>(*answer);
  if (!described) return described.error();
  ProgramClaim claim;
  claim.asked_at = at.text();
  claim.node_name = printable(described->node_name);
  const std::string program = printable(described->program);
  claim.program = program.substr(0, program.find(' '));
  if (claim.program.size() < program.size()) claim.version = program.substr(claim.program.size() + 1);
  const auto& services = described->services;
  if (std::any_of(services.begin(), services.end(), [](const auto& entry) { return entry.name == "ardus.v1.Node"; })) read_status(**talk, claim);
  return claim;
}

}  // namespace ghost::portlight
