#include "datagram_way.h"

#include <algorithm>

#include "b2/message.h"
#include "b2/v1/core.b2.h"
#include "verbs.h"

namespace ghost::app {

namespace {

constexpr std::string_view kThisHost = "127.0.0.1:2203";

/// Whether a method of b2.v1.Core is for everyone; other services are asked.
bool is_open_core_method(const std::string& service, const std::string& method) {
  const b2::ServiceInfo& core = b2::v1::CoreService::static_info();
  return service == core.name && std::any_of(core.methods.begin(), core.methods.end(), [&](const b2::MethodInfo& each) { return each.name == method && each.needs == "public"; });
}

Result<b2::Target> datagram_target(const std::string& at) {
  auto target = find_target(at.empty() ? kThisHost : std::string_view(at));
  if (!target) return target.error();
  if (!target->address.is_ip()) return Error{Errc::malformed, at + ": datagrams go to HOST:PORT, not to a Unix socket"};
  return target;
}

}  // namespace

Option udp_option(std::string help) {
  Option option;
  option.name = "udp";
  option.help = std::move(help);
  return option;
}

Result<std::unique_ptr<DatagramWay>> DatagramWay::open(std::string at, b2::DatagramForm form) {
  const auto target = datagram_target(at);
  if (!target) return target.error();
  auto network = net::EpollNetwork::create({});
  if (!network) return network.error();
  std::unique_ptr<DatagramWay> way(new DatagramWay());
  way->network_ = std::move(*network);
  auto client = b2::DatagramClient::open(*way->network_, target->address, form);
  if (!client) return client.error();
  way->client_ = std::move(*client);
  return way;
}

Result<std::unique_ptr<DatagramWay>> DatagramWay::open_for(const Arguments& arguments, std::string at, const std::string& service, const std::string& method) {
  const auto target = datagram_target(at);
  if (!target) return target.error();
  if (is_open_core_method(service, method) && !at.starts_with("tls:")) {
    auto way = open(at, b2::DatagramForm::plain);
    if (way) (*way)->codec_.emplace(b2::v1::CoreService::static_info().file_descriptor_set);
    return way;
  }
  auto session = open_session(arguments, at.empty() ? std::string(kThisHost) : at);
  if (!session) return session.error();
  std::unique_ptr<DatagramWay> way(new DatagramWay());
  way->session_ = std::move(*session);
  b2::v1::DescribeRequest request;
  request.service = service;
  request.descriptors = true;
  const auto answer = way->session_->call("b2.v1.Core", "Describe", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return answer.error();
  const auto response = b2::decode<b2::v1::DescribeResponse>(*answer);
  if (!response) return response.error();
  way->codec_.emplace(response->file_descriptor_set);
  if (target->tls) {
    if (const Status sealed = way->seal(); !sealed) return sealed.error();
  } else {
    auto client = b2::DatagramClient::open(way->network(), target->address, b2::DatagramForm::plain, way->session_->link().shared_channel());
    if (!client) return client.error();
    way->client_ = std::move(*client);
  }
  return way;
}

Status DatagramWay::seal() {
  std::optional<Result<std::unique_ptr<b2::DatagramClient>>> opened;
  const auto opening = b2::DatagramClient::open_sealed(network(), session_->link(), [&](Result<std::unique_ptr<b2::DatagramClient>> client) { opened = std::move(client); });
  if (!wait([&] { return opened.has_value(); })) return Error{Errc::cancelled, "interrupted"};
  if (!*opened) return opened->error();
  client_ = std::move(**opened);
  return {};
}

bool DatagramWay::wait(const std::function<bool()>& done) {
  if (session_) return session_->wait(done);
  while (!done()) network_->turn(TimePoint::max());
  return true;
}

Result<Bytes> DatagramWay::call(std::string_view service, std::string_view method, BytesView request, Duration timeout) {
  std::optional<Result<Bytes>> result;
  b2::CallOptions options;
  options.timeout = timeout;
  auto started = client_->caller().start(service, method, b2::Payload(request), options, std::make_unique<b2::KeepAnswer>(result));
  if (!wait([&] { return result.has_value(); })) {
    started.cancel();
    return Error{Errc::cancelled, "interrupted"};
  }
  return std::move(*result);
}

}  // namespace ghost::app
