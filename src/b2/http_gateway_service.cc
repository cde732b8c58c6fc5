#include "b2/http_gateway_service.h"

#include <algorithm>

#include "b2/access_service.h"
#include "b2/connect_error.h"
#include "b2/descriptor_set.h"
#include "b2/metrics.h"
#include "b2/unary_sink.h"
#include "base/sha256.h"

namespace ghost::b2 {

namespace {

constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
constexpr std::string_view kBearerProtocol = "b2.bearer.";
constexpr std::string_view kWrongToken = "that token is not the one of this host; 'ghostlight status' prints it";

net::HttpResponse uncached(int status, std::string_view type, Bytes body) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", std::string(type)}, {"cache-control", "no-store"}};
  response.body = std::move(body);
  return response;
}

net::HttpResponse json(int status, std::string_view body) { return uncached(status, media_type_of(ConnectCodec::json), to_bytes(as_bytes(body))); }

net::HttpResponse error_response(const Error& error) { return json(http_status(error.code), connect_error_json(error)); }

/// To a client that opens a stream by Connect's streaming protocol, in that protocol: HTTP's 200 and an end that is the error.
net::HttpResponse stream_refusal(const Error& error, std::string_view type) { return uncached(200, type, connect_stream_end(error)); }

/// Headers that keep a page of ours from loading or being loaded by others.
void harden(net::HttpResponse& response) {
  response.headers.emplace_back("content-security-policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("cross-origin-opener-policy", "same-origin");
  response.headers.emplace_back("cross-origin-resource-policy", "same-origin");
}

/// An answer by GET that the caller may keep, but must ask about before it is used again: what is known may have changed.
/// @param known  `if-none-match`, what the caller has: then only that it still holds
net::HttpResponse kept(std::string_view type, Bytes body, std::string_view known) {
  const Digest digest = sha256(body);
  const std::string tag = "\"" + to_hex(BytesView(digest).first(16)) + "\"";
  net::HttpResponse response;
  response.status = known.find(tag) == std::string_view::npos ? 200 : 304;
  response.headers = {{"cache-control", "private, no-cache"}, {"etag", tag}, {"vary", "authorization"}};
  if (response.status == 304) return response;
  response.headers.emplace_back("content-type", std::string(type));
  response.body = std::move(body);
  return response;
}

/// "localhost:2203" → "localhost"; "[::1]:2203" → "::1".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

std::vector<std::string_view> list_of(std::string_view header) {
  std::vector<std::string_view> parts;
  while (!header.empty()) {
    const auto comma = header.find(',');
    std::string_view part = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

/// The span of a call by the header `traceparent`; one that is malformed is as none (W3C Trace Context).
std::optional<TraceContext> trace_of(const net::HttpRequest& request) {
  const auto header = request.header("traceparent");
  const auto parent = header ? TraceContext::parse(*header) : Result<TraceContext>(Error{Errc::not_found, ""});
  if (!parent) return std::nullopt;
  return parent->child();
}

/// Where the answer of a call made by HTTP goes: one call, one response.
class HttpCall : public UnarySink {
 public:
  using Render = std::function<Result<Bytes>(BytesView)>;

  /// @param type, render  what an answer's body is written as
  HttpCall(net::Reactor& reactor, Endpoint& endpoint, MethodEntry& method, std::unique_ptr<net::HttpReply> reply, std::string_view type, Render render)
      : UnarySink(endpoint), reactor_(reactor), endpoint_(endpoint), method_(method), reply_(std::move(reply)), type_(type), render_(std::move(render)),
        began_(reactor.precise_now()) {
    method_.counters.began();
  }

  /// Who calls and by which trace, for the log.
  void set_context(const CallContext& context) {
    caller_ = context.caller;
    trace_ = context.trace;
  }
  /// The call came by GET; its answer may be kept where anyone may ask for it.
  void came_by_get(std::string_view known) {
    by_get_ = true;
    if (method_.needs == "public") known_ = std::string(known);
  }
  void arm(Duration timeout) {
    timer_ = reactor_.wake_at(reactor_.now() + timeout, [self = std::static_pointer_cast<HttpCall>(shared_from_this())](TimePoint) {
      self->late_ = true;
      self->respond(error_response(Error{Errc::timed_out, "the deadline passed before the call was done"}));
      self->cancel_handler();
    });
  }

  void finish(std::uint64_t, const Payload& last) override {
    Bytes bytes(last.size);
    last.write_to(bytes.data());
    auto body = render_(bytes);
    end(body ? MethodCounters::kOk : static_cast<std::uint16_t>(body.error().code));
    if (!body) return respond(error_response(body.error()));
    respond(known_ ? kept(type_, std::move(*body), *known_) : uncached(200, type_, std::move(*body)));
  }
  void fail(std::uint64_t, const Error& error) override {
    end(static_cast<std::uint16_t>(error.code), error.message);
    respond(error_response(error));
  }

 private:
  void end(std::uint16_t status, std::string_view why = "") {
    if (late_) status = static_cast<std::uint16_t>(Errc::timed_out);
    const Duration took = reactor_.precise_now() - began_;
    method_.counters.ended(status);
    method_.counters.took(took);
    timer_.reset();
    if (status == MethodCounters::kOk || !endpoint_.call_failed || !caller_) return;
    endpoint_.call_failed({method_.service_name, method_.name, static_cast<Errc>(status), why, *caller_, trace_ ? &*trace_ : nullptr, took});
  }
  void respond(net::HttpResponse response) {
    if (by_get_) harden(response);
    if (const auto reply = std::move(reply_)) reply->send(std::move(response));
  }

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  MethodEntry& method_;
  std::unique_ptr<net::HttpReply> reply_;
  std::string_view type_;
  Render render_;
  std::shared_ptr<const Identity> caller_;
  std::optional<TraceContext> trace_;
  bool by_get_ = false;
  std::optional<std::string> known_;  ///< by GET, where the answer may be kept: `if-none-match`
  bool late_ = false;  ///< its deadline has passed, and its caller has been told
  TimePoint began_;
  net::Timer timer_;
};

}  // namespace

HttpGateway::HttpGateway(Parts parts) : parts_(std::move(parts)) {}
HttpGateway::~HttpGateway() = default;

bool HttpGateway::host_allowed(std::string_view authority) const {
  const std::string_view host = host_of(authority);
  if (host == "localhost" || host == "::1") return true;
  if (const auto address = net::Address::parse(std::string(host) + ":1"); address && address->is_loopback() && address->is_ip()) return true;
  return std::find(parts_.extra_hosts.begin(), parts_.extra_hosts.end(), host) != parts_.extra_hosts.end();
}

/// Only the page that this very host served may call: the origin's authority is the request's.
bool HttpGateway::origin_allowed(std::string_view origin, std::string_view host) const {
  return origin == "http://" + std::string(host) || origin == "https://" + std::string(host);
}

std::optional<net::HttpResponse> HttpGateway::refusal(const net::HttpRequest& request, bool is_call) const {
  const std::string_view host = request.header("host").value_or("");
  if (!host_allowed(host)) {
    return net::HttpResponse::text(421, "This server is not known as '" + std::string(host_of(host)) +
                                            "'. If it should be, start it with --host " + std::string(host_of(host)) + ".\n");
  }
  const bool reads = !is_call && (request.method == "GET" || request.method == "HEAD");
  const bool upgrades = request.header("upgrade").has_value();
  const auto origin = request.header("origin");
  if ((!reads || upgrades) && origin && !origin_allowed(*origin, host)) {
    return net::HttpResponse::text(403, "Requests from the origin '" + std::string(*origin) + "' are not taken here.\n");
  }
  // A browser sends no Origin with what a page of another site embeds or leads to, but says so here.
  const std::string_view site = request.header("sec-fetch-site").value_or("none");
  if (!reads && site != "none" && site != "same-origin") return net::HttpResponse::text(403, "Calls from pages of other sites are not taken here.\n");
  return std::nullopt;
}

/// Who bears `bearer`; null for a token that is not ours. Without one it is whom the connection proved: a member, by TLS, or this
/// node's user, by its Unix socket; otherwise a stranger.
std::shared_ptr<const Identity> HttpGateway::identify(std::string_view bearer, const HttpPeer& peer) const {
  if (bearer.empty()) {
    if (peer.identity && peer.identity->kind != Identity::Kind::stranger) return peer.identity;
    auto stranger = peer.identity ? std::make_shared<Identity>(*peer.identity) : std::make_shared<Identity>();
    if (!peer.identity || peer.loopback) stranger->why_stranger = "the request bears no token: 'ghostlight status' prints the console's";
    return stranger;
  }
  if (parts_.token.empty() || !equal_in_constant_time(as_bytes(bearer), as_bytes(parts_.token))) return nullptr;
  return console_identity(net::Peer());
}

std::shared_ptr<const Identity> HttpGateway::identify(const net::HttpRequest& request, const HttpPeer& peer) const {
  const std::string_view authorization = request.header("authorization").value_or("");
  constexpr std::string_view scheme = "Bearer ";
  return identify(authorization.starts_with(scheme) ? authorization.substr(scheme.size()) : std::string_view(), peer);
}

void HttpGateway::handle(net::HttpRequest request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) {
  const bool by_post = request.method == "POST", by_get = request.method == "GET" || request.method == "HEAD";
  const bool is_call = by_post || (by_get && (method_at(request) != nullptr || (is_connect_path(request.path) && is_connect_query(request.query))));
  if (auto refused = refusal(request, is_call)) {
    harden(*refused);
    parts_.endpoint.counters.refuse(refused->status == 421 ? Refusal::http_host : Refusal::http_origin);
    return reply->send(std::move(*refused));
  }
  if (request.method == "GET" && request.header("upgrade")) return upgrade(request, std::move(reply), peer);
  if (is_call) return call(request, std::move(reply), peer);
  net::HttpResponse response = by_get
                                   ? get(request, peer)
                                   : net::HttpResponse::text(405, "GET for pages, POST for calls.\n");
  if (response.status == 405) response.headers.emplace_back("allow", "GET, HEAD, POST");
  harden(response);
  reply->send(std::move(response));
}

void HttpGateway::upgrade(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) {
  if (request.path != "/b2") return reply->send(net::HttpResponse::text(404, "WebSockets are opened at /b2.\n"));
  std::string bearer;
  for (const std::string_view protocol : list_of(request.header("sec-websocket-protocol").value_or(""))) {
    if (protocol.starts_with(kBearerProtocol)) bearer = protocol.substr(kBearerProtocol.size());
  }
  auto identity = identify(bearer, peer);
  if (!identity) {
    parts_.endpoint.counters.refuse(Refusal::http_token);
    return reply->send(net::HttpResponse::text(401, std::string(kWrongToken) + ".\n"));
  }
  const Status done = reply->upgrade_to_websocket("b2.1", [serve = parts_.serve, identity](std::unique_ptr<net::ByteStream> stream) {
    auto placed = std::make_shared<Identity>(*identity);
    placed->where = stream->peer().remote.text();
    serve(std::move(stream), std::move(placed));
  });
  if (!done) reply->send(net::HttpResponse::text(400, done.error().message + "\n"));
}

MethodEntry* HttpGateway::method_at(const net::HttpRequest& request) {
  const std::string_view path = std::string_view(request.path).substr(1);
  const auto slash = path.find('/');
  return slash == std::string_view::npos ? nullptr : parts_.endpoint.services.find(path.substr(0, slash), path.substr(slash + 1));
}

/// A call by the Connect protocol, or why it is none.
void HttpGateway::call(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply, const HttpPeer& peer) {
  const bool by_post = request.method == "POST";
  const auto refuse = [&](const Error& error, Refusal why, int status = 0, net::HttpHeaders more = {}) {
    parts_.endpoint.counters.refuse(why);
    net::HttpResponse response = json(status != 0 ? status : http_status(error.code), connect_error_json(error));
    for (auto& each : more) response.headers.push_back(std::move(each));
    if (error.code == Errc::unsupported && request.header("content-encoding")) response.headers.emplace_back("accept-encoding", "identity");
    if (!by_post) harden(response);
    reply->send(std::move(response));
  };
  MethodEntry* method = method_at(request);
  if (method == nullptr) {
    return refuse({Errc::unsupported, "there is no method at " + request.path + "; calls go to /SERVICE/METHOD"}, Refusal::call_unfit, 404);
  }
  const std::string type = media_type(request.header("content-type").value_or(""));
  if (method->kind != MethodKind::unary) {
    const Error streams{Errc::unsupported, request.path + " is a stream; streams go by b2, in a WebSocket at /b2"};
    if (!by_post || !is_connect_stream(type)) return refuse(streams, Refusal::call_unfit);
    parts_.endpoint.counters.refuse(Refusal::call_unfit);
    return reply->send(stream_refusal(streams, type));
  }
  ConnectQuery sent;  // how the message is written, and by GET the message
  if (by_post) {
    const auto written = unary_codec(type);
    if (!written) {
      return refuse({Errc::unsupported, "calls carry content-type: application/json or application/proto"}, Refusal::call_unfit, 415,
                    {{"accept-post", "application/json, application/proto"}});
    }
    sent.codec = *written;
  } else {
    const bool reads = codec().changes_nothing(method->service_name, method->name);
    if (!reads || request.method == "HEAD") {
      return refuse({Errc::unsupported, request.path + (reads ? " is called by POST or GET" : " is called by POST; GET is for methods that only read")},
                    Refusal::call_unfit, 405, {{"allow", reads ? "GET, POST" : "POST"}});
    }
    auto query = read_connect_query(request.query);
    if (!query) return refuse(query.error(), Refusal::call_unfit);
    sent = std::move(*query);
  }
  const auto call = read_connect_call(
      {request.header("connect-protocol-version"), request.header("content-encoding"), request.header("connect-timeout-ms")}, sent.codec);
  if (!call) return refuse(call.error(), Refusal::call_unfit);
  auto identity = identify(request, peer);
  if (!identity) return refuse({Errc::unauthenticated, std::string(kWrongToken)}, Refusal::http_token);
  const std::string name = method->service_name + "/" + method->name;
  if (const Status allowed = identity->may(method->needs, name); !allowed) {
    if (parts_.endpoint.on_refused) parts_.endpoint.on_refused(*identity, allowed.error());
    return refuse(allowed.error(), Refusal::call_right);
  }
  // A browser shows its certificate also for a page of another site, and one that is old does not say that it does.
  if (!by_post && method->needs != "public" && identity->kind == Identity::Kind::member && !request.header("sec-fetch-site")) {
    return refuse({Errc::refused, name + " is called by GET with the console's token, or with 'sec-fetch-site: none' beside a certificate; by POST without either"},
                  Refusal::http_origin);
  }
  if (call->timeout == Duration::zero()) return refuse({Errc::timed_out, "the deadline had passed when the call arrived"}, Refusal::call_unfit);
  start(request, *call, by_post ? BytesView(request.body) : BytesView(sent.message), *method, std::move(identity), std::move(reply));
}

void HttpGateway::start(const net::HttpRequest& request, const ConnectCall& call, BytesView message, MethodEntry& method, std::shared_ptr<const Identity> caller,
                        std::unique_ptr<net::HttpReply> reply) {
  Bytes from_json;
  HttpCall::Render render = [](BytesView answer) -> Result<Bytes> { return to_bytes(answer); };
  if (call.codec == ConnectCodec::json) {
    auto read = codec().request_from_json(method.service_name, method.name, as_text(message));
    if (!read) {
      parts_.endpoint.counters.refuse(Refusal::call_unfit);
      net::HttpResponse refused = error_response(read.error());
      if (request.method == "GET") harden(refused);
      return reply->send(std::move(refused));
    }
    from_json = std::move(*read);
    render = [this, service = method.service_name, called = method.name](BytesView answer) -> Result<Bytes> {
      const auto text = codec().response_to_json(service, called, answer, JsonStyle::compact);
      if (!text) return text.error();
      return to_bytes(as_bytes(*text));
    };
  }
  const Duration timeout = call.timeout.value_or(kDefaultTimeout);
  const auto sink = std::make_shared<HttpCall>(parts_.reactor, parts_.endpoint, method, std::move(reply), media_type_of(call.codec), std::move(render));
  if (request.method == "GET") sink->came_by_get(request.header("if-none-match").value_or(""));
  sink->arm(timeout);
  CallContext context;
  context.caller = std::move(caller);
  context.deadline = parts_.reactor.now() + timeout;
  context.service = method.service_name;
  context.method = method.name;
  context.trace = trace_of(request);
  sink->set_context(context);
  method.service->handle(method.method, call.codec == ConnectCodec::json ? BytesView(from_json) : message, ServerCall(sink, 1, std::move(context)));
}

net::HttpResponse HttpGateway::get(const net::HttpRequest& request, const HttpPeer& peer) const {
  if (request.path == "/healthz") return health(request, peer);
  if (request.path == "/metrics") return metrics(request, peer);
  if (parts_.assets) {
    if (const auto asset = parts_.assets(request.path == "/" ? "/index.html" : request.path)) {
      net::HttpResponse response;
      response.headers = {{"content-type", std::string(asset->type)}, {"content-encoding", "gzip"},
                          {"cache-control", asset->immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
      response.body = to_bytes(asset->gzip);
      return response;
    }
  }
  return net::HttpResponse::text(404, "There is nothing at " + request.path + ".\n");
}

/// For whatever watches over this process, which has no token: yes or no. Which service is at fault is for those who may know.
net::HttpResponse HttpGateway::health(const net::HttpRequest& request, const HttpPeer& peer) const {
  const v1::HealthResponse health = parts_.core.health_now();
  const bool serving = health.health == v1::Health::serving;
  const auto identity = identify(request, peer);
  const bool known = identity && identity->kind != Identity::Kind::stranger;
  auto response = net::HttpResponse::text(serving ? 200 : 503, serving ? "ok\n" : known ? health.detail + "\n" : "not serving\n");
  response.headers.emplace_back("cache-control", "no-store");
  return response;
}

net::HttpResponse HttpGateway::metrics(const net::HttpRequest& request, const HttpPeer& peer) const {
  const auto identity = identify(request, peer);
  const bool open = parts_.metrics_for == MetricsFor::loopback && peer.loopback;
  if (!open && (!identity || identity->kind == Identity::Kind::stranger)) {
    parts_.endpoint.counters.refuse(Refusal::http_token);
    auto refused = net::HttpResponse::text(401, identity ? "Metrics are for members of the house and for who bears the console's token, which 'ghostlight status' "
                                                           "prints; the setting metrics = \"loopback\" opens them to this machine.\n"
                                                         : std::string(kWrongToken) + ".\n");
    refused.headers.emplace_back("www-authenticate", "Bearer");
    return refused;
  }
  const std::vector<HostedCount> hosted = parts_.hosted ? parts_.hosted() : std::vector<HostedCount>();
  const std::string more = parts_.more_metrics ? parts_.more_metrics() : std::string();
  auto response = net::HttpResponse::text(200, prometheus_text(parts_.endpoint, parts_.core.stats_now(), hosted) + more, "text/plain; version=0.0.4; charset=utf-8");
  response.headers.emplace_back("cache-control", "no-store");
  return response;
}

/// The JSON codec for what is served; made anew when that has changed.
const JsonCodec& HttpGateway::codec() {
  std::vector<BytesView> sets;
  for (const v1::ServiceEntry& entry : parts_.endpoint.services.entries()) {
    if (const Service* service = parts_.endpoint.services.service(entry.name)) sets.push_back(service->info().file_descriptor_set);
  }
  Bytes hashes;
  for (const v1::ServiceEntry& entry : parts_.endpoint.services.entries()) {
    hashes.insert(hashes.end(), entry.descriptor_hash.begin(), entry.descriptor_hash.end());
  }
  if (!codec_ || hashes != codec_made_of_) {
    codec_.emplace(merge_descriptor_sets(sets));
    codec_made_of_ = std::move(hashes);
  }
  return *codec_;
}

}  // namespace ghost::b2
