#include "ardus/http_fetch_service.h"

#include <curl/curl.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "ardus/publication.h"
#include "base/text.h"

namespace ghost::ardus {

namespace {

constexpr long kMostRedirects = 5;
constexpr long kConnectSeconds = 10;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};

/// "https://host/pub/" of "https://host/pub/album.ardus?x": what chunks stand beside.
std::string folder_url(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  return path.substr(0, path.rfind('/') + 1);
}

/// One request, and what has come of it. Stays where it is while libcurl knows it.
struct Request {
  std::unique_ptr<CURL, FreeEasy> handle;
  std::string url;
  std::uint32_t chunk = 0;
  int tries = 0;
  Bytes body;
  std::size_t most = 0;
  bool too_long = false;
  char why[CURL_ERROR_SIZE] = {};

  static std::size_t write(char* bytes, std::size_t, std::size_t size, void* self) {
    Request& request = *static_cast<Request*>(self);
    if (size > request.most - request.body.size()) {
      request.too_long = true;
      return 0;
    }
    request.body.insert(request.body.end(), bytes, bytes + size);
    return size;
  }
};

/// What a request ended with; tried again when `again`.
struct Ending {
  Status status;
  bool again = false;
};

Ending ending_of(const Request& request, CURLcode code) {
  long answer = 0;
  curl_easy_getinfo(request.handle.get(), CURLINFO_RESPONSE_CODE, &answer);
  if (request.too_long) return {Error{Errc::data_loss, request.url + ": it is longer than it should be"}, true};
  if (code != CURLE_OK) {
    const std::string why = request.why[0] != 0 ? request.why : curl_easy_strerror(code);
    const bool distrust = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    const bool hopeless = distrust || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
    return {Error{distrust ? Errc::unauthenticated : hopeless ? Errc::malformed : Errc::io, request.url + ": " + why}, !hopeless};
  }
  if (answer == 200) return {};
  const std::string said = request.url + ": the server answered " + std::to_string(answer);
  if (answer == 404 || answer == 410) return {Error{Errc::not_found, said + ": there is no such publication, or it is not whole: it may just have been published anew, or must be published again"}, true};
  if (answer == 401 || answer == 403) return {Error{Errc::refused, said + ": it does not let everybody read"}, false};
  return {Error{Errc::io, said}, answer >= 500 || answer == 408 || answer == 429};
}

}  // namespace

class HttpFetch::Loop {
 public:
  explicit Loop(const Wish& wish) : wish_(wish), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(wish.at_once));
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  }
  ~Loop() {
    for (const auto& request : running_) curl_multi_remove_handle(multi_.get(), request->handle.get());
  }

  /// Where the next request comes from; null when there is none for now.
  std::function<std::unique_ptr<Request>()> next;
  /// Takes a body that came whole.
  std::function<Status(Request&)> take;

  /// Goes on until there is nothing more to ask for.
  Status run() {
    for (;;) {
      if (wish_.cancelled && *wish_.cancelled) return Error{Errc::cancelled, "cancelled"};
      start_due();
      while (running_.size() < wish_.at_once) {
        auto request = waiting_.size() < wish_.at_once ? next() : nullptr;
        if (!request) break;
        begin(std::move(request));
      }
      if (running_.empty() && waiting_.empty()) {
        const auto lacking = std::exchange(lacking_, std::nullopt);
        return lacking ? Status(*lacking) : Status();
      }
      int running = 0;
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return Error{Errc::io, "libcurl does not go on"};
      if (Status ended = collect(); !ended) return ended;
      if (!running_.empty() || !waiting_.empty()) curl_multi_poll(multi_.get(), nullptr, 0, waiting_.empty() ? 200 : 50, nullptr);
    }
  }

  std::uint64_t received = 0;

 private:
  struct Waiting {
    TimePoint until;
    std::unique_ptr<Request> request;
  };

  void start_due() {
    const TimePoint now = std::chrono::steady_clock::now();
    for (auto one = waiting_.begin(); one != waiting_.end() && running_.size() < wish_.at_once;) {
      if (one->until > now) {
        ++one;
        continue;
      }
      begin(std::move(one->request));
      one = waiting_.erase(one);
    }
  }

  /// A second try asks the next server.
  void begin(std::unique_ptr<Request> request) {
    const std::string& server = wish_.urls[static_cast<std::size_t>(request->tries) % wish_.urls.size()];
    const std::string relative = request->url;
    request->handle.reset(curl_easy_init());
    CURL* const handle = request->handle.get();
    request->body.clear();
    request->too_long = false;
    const std::string url = relative.empty() ? server : folder_url(server) + relative;
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(wish_.silence).count())));
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "ardus");
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, request->why);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Request::write);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, request.get());
    curl_easy_setopt(handle, CURLOPT_PRIVATE, request.get());
    curl_easy_setopt(handle, CURLOPT_PIPEWAIT, 1L);
    if (!wish_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, wish_.ca_file.c_str());
    ++request->tries;
    curl_multi_add_handle(multi_.get(), handle);
    running_.push_back(std::move(request));
  }

  Status collect() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Request* ended = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.get(), message->easy_handle);
      const auto at = std::ranges::find(running_, ended, [](const auto& one) { return one.get(); });
      std::unique_ptr<Request> request = std::move(*at);
      running_.erase(at);
      if (Status taken = settle(std::move(request), code); !taken) return taken;
    }
    return {};
  }

  Status settle(std::unique_ptr<Request> request, CURLcode code) {
    received += request->body.size();
    const std::string relative = request->url;
    char* url = nullptr;
    curl_easy_getinfo(request->handle.get(), CURLINFO_EFFECTIVE_URL, &url);
    if (url != nullptr) request->url = printable(url);
    Ending ending = ending_of(*request, code);
    if (ending.status) {
      ending.status = take(*request);
      if (!ending.status) ending.status = ending.status.error().in(request->url);
      ending.again = !ending.status && ending.status.error().code == Errc::data_loss;
    }
    if (ending.status) return {};
    // What one server does not have may be on the next, and is not there by asking again; the rest still is.
    if (ending.status.error().code == Errc::not_found && request->tries >= static_cast<int>(wish_.urls.size())) {
      if (!lacking_) lacking_ = ending.status.error();
      return {};
    }
    if (!ending.again || request->tries >= wish_.tries) return ending.status;
    request->url = relative;
    const Duration pause = wish_.pause * (1 << std::min(request->tries - 1, 6));
    waiting_.push_back({std::chrono::steady_clock::now() + pause, std::move(request)});
    return {};
  }

  const Wish& wish_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::vector<std::unique_ptr<Request>> running_;
  std::deque<Waiting> waiting_;
  std::optional<Error> lacking_;  ///< the first thing that no server had
};

HttpFetch::HttpFetch(Wish wish) : wish_(std::move(wish)) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once a process, as libcurl wants it
  (void)ready;
  loop_ = std::make_unique<Loop>(wish_);
}

HttpFetch::~HttpFetch() = default;

std::uint64_t HttpFetch::received() const { return loop_->received; }

Result<Bytes> HttpFetch::publication(std::size_t most) {
  Bytes bytes;
  bool asked = false;
  loop_->next = [&]() -> std::unique_ptr<Request> {
    if (std::exchange(asked, true)) return nullptr;
    auto request = std::make_unique<Request>();
    request->most = most;
    return request;
  };
  loop_->take = [&](Request& request) {
    bytes = std::move(request.body);
    return Status();
  };
  if (Status done = loop_->run(); !done) return done.error();
  return bytes;
}

Status HttpFetch::chunks(const Manifest& manifest, const ChunkSet& wanted, const Take& take) {
  std::uint32_t at = 0;
  loop_->next = [&]() -> std::unique_ptr<Request> {
    while (at < wanted.size() && !wanted.has(at)) ++at;
    if (at >= wanted.size()) return nullptr;
    auto request = std::make_unique<Request>();
    request->chunk = at;
    request->most = manifest.chunks[at].size;
    request->url = chunk_path(manifest.chunks[at].hash);
    ++at;
    return request;
  };
  loop_->take = [&](Request& request) { return take(request.chunk, request.body); };
  return loop_->run();
}

}  // namespace ghost::ardus
