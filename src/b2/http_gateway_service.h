#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "b2/connect_call.h"
#include "b2/core_service.h"
#include "b2/endpoint.h"
#include "b2/json.h"
#include "b2/metrics.h"
#include "b2/server_service.h"
#include "net/http.h"

namespace ghost::b2 {

/// A file of the console, as it is sent.
struct WebAsset {
  std::string_view type;  ///< "text/html; charset=utf-8"
  BytesView gzip;
  bool immutable = false;  ///< its name holds a hash of what it holds
};

/// Who may read /metrics: members and those who bear the token, or also whoever is on this machine.
enum class MetricsFor : bool { members, loopback };

/// The HTTP side of an endpoint (docs/spec/b2.md §10): calls as JSON, WebSockets, health, metrics and, where there are any, the
/// console's files. Checks Host and Origin of every request (DNS rebinding, cross-site requests). On the reactor's thread only.
class HttpGateway {
 public:
  struct Parts {
    net::Reactor& reactor;
    Endpoint& endpoint;
    const CoreService& core;
    std::string token;                     ///< of the console; requests that bear it have all roles
    std::vector<std::string> extra_hosts;  ///< names, beside loopback ones, that Host may say; without port
    std::function<std::optional<WebAsset>(std::string_view path)> assets;  ///< may be empty
    std::function<void(std::unique_ptr<net::ByteStream>, std::shared_ptr<const Identity>)> serve;  ///< takes a WebSocket
    MetricsFor metrics_for = MetricsFor::members;
    std::function<std::vector<HostedCount>()> hosted = {};  ///< for /metrics; may be empty
    std::function<std::string()> more_metrics = {};         ///< families of others, appended to /metrics; may be empty
  };
  explicit HttpGateway(Parts parts);
  ~HttpGateway();

  void handle(net::HttpRequest request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer);

 private:
  bool host_allowed(std::string_view host) const;
  bool origin_allowed(std::string_view origin, std::string_view host) const;
  std::optional<net::HttpResponse> refusal(const net::HttpRequest& request, bool is_call) const;
  std::shared_ptr<const Identity> identify(std::string_view bearer, const HttpPeer& peer) const;
  std::shared_ptr<const Identity> identify(const net::HttpRequest& request, const HttpPeer& peer) const;
  void upgrade(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer);
  void call(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer);
  MethodEntry* method_at(const net::HttpRequest& request);
  void start(const net::HttpRequest& request, const ConnectCall& call, BytesView message, MethodEntry& method, std::shared_ptr<const Identity> caller,
             std::unique_ptr<net::HttpReply> reply);
  net::HttpResponse get(const net::HttpRequest& request, const HttpPeer& peer) const;
  net::HttpResponse health(const net::HttpRequest& request, const HttpPeer& peer) const;
  net::HttpResponse metrics(const net::HttpRequest& request, const HttpPeer& peer) const;
  const JsonCodec& codec();

  Parts parts_;
  std::optional<JsonCodec> codec_;
  Bytes codec_made_of_;
};

}  // namespace ghost::b2
