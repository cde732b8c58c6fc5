#include "b2/http_gateway_service.h"

#include <algorithm>
#include <charconv>

#include "b2/access_service.h"
#include "b2/connect_error.h"
#include "b2/descriptor_set.h"
#include "b2/metrics.h"
#include "base/sha256.h"

namespace ghost::b2 {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
constexpr std::string_view kBearerProtocol = "b2.bearer.";

net::HttpResponse json(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", std::string(kJson)}, {"cache-control", "no-store"}};
  response.body = to_bytes(as_bytes(body));
  return response;
}

net::HttpResponse error_response(const Error& error) { return json(http_status(error.code), connect_error_json(error)); }

/// Headers that keep a page of ours from loading or being loaded by others.
void harden(net::HttpResponse& response) {
  response.headers.emplace_back("content-security-policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("cross-origin-opener-policy", "same-origin");
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

/// Where the answer of a call made by HTTP goes: one call, one response.
class HttpCall : public CallSink, public std::enable_shared_from_this<HttpCall> {
 public:
  using Render = std::function<Result<std::string>(BytesView)>;

  HttpCall(net::Reactor& reactor, Endpoint& endpoint, MethodEntry& method, std::unique_ptr<net::HttpReply> reply, Render render)
      : reactor_(reactor), endpoint_(endpoint), method_(method), reply_(std::move(reply)), render_(std::move(render)), began_(reactor.precise_now()) {
    method_.counters.began();
  }

  void arm(Duration timeout) {
    timer_ = reactor_.wake_at(reactor_.now() + timeout, [self = shared_from_this()](TimePoint) {
      self->respond(error_response(Error{Errc::timed_out, "the deadline passed before the call was done"}));
      self->cancel();
    });
  }

  bool write(std::uint64_t, const Payload&) override { return false; }
  void finish(std::uint64_t, const Payload& last) override {
    Bytes bytes(last.size);
    last.write_to(bytes.data());
    auto text = render_(bytes);
    end(text.has_value());
    respond(text ? json(200, std::move(*text)) : error_response(text.error()));
  }
  void fail(std::uint64_t, const Error& error) override {
    end(false);
    respond(error_response(error));
  }
  void on_ready(std::uint64_t, std::function<void()>) override {}
  void on_cancel(std::uint64_t, std::function<void()> cancelled) override { cancelled_ = std::move(cancelled); }
  void run_on_worker(std::uint64_t key, std::function<Result<Bytes>(std::shared_ptr<const std::atomic<bool>>)> work) override {
    token_ = std::make_shared<std::atomic<bool>>(false);
    auto run = [work = std::move(work), token = token_] { return work(token); };
    auto then = [self = shared_from_this(), key](Result<Bytes> result) {
      if (result) self->finish(key, Payload(BytesView(*result)));
      else self->fail(key, result.error());
    };
    if (endpoint_.run_on_worker) endpoint_.run_on_worker(std::move(run), std::move(then));
    else then(run());
  }

 private:
  void end(bool well) {
    method_.counters.ended(well);
    method_.counters.took(reactor_.precise_now() - began_);
    timer_.reset();
  }
  void respond(net::HttpResponse response) {
    if (const auto reply = std::move(reply_)) reply->send(std::move(response));
  }
  void cancel() {
    if (token_) token_->store(true);
    if (const auto cancelled = std::exchange(cancelled_, nullptr)) cancelled();
  }

  net::Reactor& reactor_;
  Endpoint& endpoint_;
  MethodEntry& method_;
  std::unique_ptr<net::HttpReply> reply_;
  Render render_;
  TimePoint began_;
  std::function<void()> cancelled_;
  std::shared_ptr<std::atomic<bool>> token_;
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

std::optional<net::HttpResponse> HttpGateway::refusal(const net::HttpRequest& request) const {
  const std::string_view host = request.header("host").value_or("");
  if (!host_allowed(host)) {
    return net::HttpResponse::text(421, "This server is not known as '" + std::string(host_of(host)) +
                                            "'. If it should be, start it with --host " + std::string(host_of(host)) + ".\n");
  }
  const bool changes = request.method != "GET" && request.method != "HEAD";
  const bool upgrades = request.header("upgrade").has_value();
  const auto origin = request.header("origin");
  if ((changes || upgrades) && origin && !origin_allowed(*origin, host)) {
    return net::HttpResponse::text(403, "Requests from the origin '" + std::string(*origin) + "' are not taken here.\n");
  }
  return std::nullopt;
}

/// Who bears `bearer`; null for a token that is not ours. No token makes a stranger.
std::shared_ptr<const Identity> HttpGateway::identify(std::string_view bearer) const {
  if (bearer.empty()) {
    auto stranger = std::make_shared<Identity>();
    stranger->where = "HTTP";
    stranger->why_stranger = "the request bears no token: 'ghostlight status' prints the console's";
    return stranger;
  }
  if (parts_.token.empty() || !equal_in_constant_time(as_bytes(bearer), as_bytes(parts_.token))) return nullptr;
  net::Peer peer;
  return console_identity(peer);
}

void HttpGateway::handle(net::HttpRequest request, std::unique_ptr<net::HttpReply> reply) {
  if (auto refused = refusal(request)) {
    harden(*refused);
    ++parts_.endpoint.counters.refused_total;
    return reply->send(std::move(*refused));
  }
  if (request.method == "GET" && request.header("upgrade")) return upgrade(request, std::move(reply));
  if (request.method == "POST") return call(std::move(request), std::move(reply));
  net::HttpResponse response = request.method == "GET" || request.method == "HEAD"
                                   ? get(request)
                                   : net::HttpResponse::text(405, "GET for pages, POST for calls.\n");
  if (response.status == 405) response.headers.emplace_back("allow", "GET, HEAD, POST");
  harden(response);
  reply->send(std::move(response));
}

void HttpGateway::upgrade(const net::HttpRequest& request, std::unique_ptr<net::HttpReply> reply) {
  if (request.path != "/b2") return reply->send(net::HttpResponse::text(404, "WebSockets are opened at /b2.\n"));
  std::string bearer;
  for (const std::string_view protocol : list_of(request.header("sec-websocket-protocol").value_or(""))) {
    if (protocol.starts_with(kBearerProtocol)) bearer = protocol.substr(kBearerProtocol.size());
  }
  auto identity = identify(bearer);
  if (!identity) return reply->send(net::HttpResponse::text(401, "That token is not the one of this host; 'ghostlight status' prints it.\n"));
  const Status done = reply->upgrade_to_websocket("b2.1", [serve = parts_.serve, identity](std::unique_ptr<net::ByteStream> stream) {
    auto placed = std::make_shared<Identity>(*identity);
    placed->where = stream->peer().remote.text();
    serve(std::move(stream), std::move(placed));
  });
  if (!done) reply->send(net::HttpResponse::text(400, done.error().message + "\n"));
}

void HttpGateway::call(net::HttpRequest request, std::unique_ptr<net::HttpReply> reply) {
  const auto refuse = [&](const Error& error) { reply->send(error_response(error)); };
  const std::string_view path = std::string_view(request.path).substr(1);
  const auto slash = path.find('/');
  MethodEntry* method = slash == std::string_view::npos ? nullptr : parts_.endpoint.services.find(path.substr(0, slash), path.substr(slash + 1));
  if (method == nullptr) return refuse(Error{Errc::not_found, "there is no method at " + request.path + "; calls go to /SERVICE/METHOD"});
  const std::string_view type = request.header("content-type").value_or("");
  if (type.substr(0, type.find(';')) != kJson) {
    return reply->send(json(415, connect_error_json(Error{Errc::unsupported, "calls carry content-type: application/json"})));
  }
  if (method->kind != MethodKind::unary) return refuse(Error{Errc::unsupported, request.path + " is a stream; streams go by WebSocket"});
  std::string_view bearer = request.header("authorization").value_or("");
  constexpr std::string_view scheme = "Bearer ";
  bearer = bearer.starts_with(scheme) ? bearer.substr(scheme.size()) : std::string_view();
  const auto identity = identify(bearer);
  if (!identity) return refuse(Error{Errc::unauthenticated, "that token is not the one of this host; 'ghostlight status' prints it"});
  const std::string name = method->service_name + "/" + method->name;
  if (const Status allowed = identity->may(method->needs, name); !allowed) return refuse(allowed.error());
  auto bytes = codec().request_from_json(method->service_name, method->name, as_text(request.body));
  if (!bytes) return refuse(bytes.error());

  Duration timeout = kDefaultTimeout;
  if (const auto told = request.header("connect-timeout-ms")) {
    std::uint32_t ms = 0;
    const auto [end, error] = std::from_chars(told->data(), told->data() + told->size(), ms);
    if (error != std::errc() || end != told->data() + told->size()) return refuse(Error{Errc::malformed, "connect-timeout-ms is a number of milliseconds"});
    timeout = std::chrono::milliseconds(ms);
  }
  const auto sink = std::make_shared<HttpCall>(parts_.reactor, parts_.endpoint, *method, std::move(reply),
                                               [this, service = method->service_name, called = method->name](BytesView answer) {
                                                 return codec().response_to_json(service, called, answer, JsonStyle::compact);
                                               });
  sink->arm(timeout);
  CallContext context;
  context.caller = identity;
  context.deadline = parts_.reactor.now() + timeout;
  context.service = method->service_name;
  context.method = method->name;
  method->service->handle(method->method, *bytes, ServerCall(sink, 1, std::move(context)));
}

net::HttpResponse HttpGateway::get(const net::HttpRequest& request) const {
  if (request.path == "/healthz") return health();
  if (request.path == "/metrics") {
    return net::HttpResponse::text(200, prometheus_text(parts_.endpoint.program, parts_.core.stats_now()), "text/plain; version=0.0.4; charset=utf-8");
  }
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

net::HttpResponse HttpGateway::health() const {
  for (const v1::ServiceEntry& entry : parts_.endpoint.services.entries()) {
    if (entry.health == v1::Health::not_serving) return net::HttpResponse::text(503, entry.name + " is not serving\n");
  }
  return net::HttpResponse::text(200, "ok\n");
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
