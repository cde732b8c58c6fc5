#include "b2/nats_connection_service.h"

#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/free_by.h"

namespace ghost::b2 {

namespace {

constexpr std::size_t kMostOut = 16 * 1024, kMostOutBytes = 16 * 1024 * 1024;  // bulk; twice that for the rest
constexpr std::size_t kMostIn = 16 * 1024, kMostInBytes = 16 * 1024 * 1024;
constexpr int kMostPendingInLibrary = 8 * 1024;
constexpr std::int64_t kConnectWithin = 2000, kWriteWithin = 2000;  // ms
constexpr std::int64_t kFirstDelay = 100, kLongestDelay = 5000;                        // ms

/// Milliseconds to wait before the attempt after `attempts` failed ones.
std::int64_t connect_delay(int attempts) { return std::min(kLongestDelay, kFirstDelay << std::min(attempts, 6)); }

using NatsOptionsPtr = std::unique_ptr<natsOptions, FreeBy<natsOptions_Destroy>>;
using NatsConnectionPtr = std::unique_ptr<natsConnection, FreeBy<natsConnection_Destroy>>;
using NatsSubscriptionPtr = std::unique_ptr<natsSubscription, FreeBy<natsSubscription_Destroy>>;
using NatsMsgPtr = std::unique_ptr<natsMsg, FreeBy<natsMsg_Destroy>>;

std::string nats_reason(natsStatus status) {
  const char* detail = nats_GetLastError(nullptr);
  const std::string text = natsStatus_GetText(status);
  return detail != nullptr && *detail != '\0' ? text + " (" + detail + ")" : text;
}

std::string server_of(natsConnection* connection) {
  std::array<char, 512> url{};
  if (natsConnection_GetConnectedUrl(connection, url.data(), url.size()) != NATS_OK) return "";
  return shown_nats_url(url.data());
}

std::string last_token(std::string_view subject) { return std::string(subject.substr(subject.rfind('.') + 1)); }

}  // namespace

std::string shown_nats_url(std::string_view url) {
  const auto scheme = url.find("://");
  const auto at = url.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) return std::string(url);
  return std::string(url.substr(0, scheme + 3)) + std::string(url.substr(at + 1));
}

/// What the library's threads share with ours. Outlives the connection for as long as a callback may still come.
struct NatsConnection::Shared : std::enable_shared_from_this<NatsConnection::Shared> {
  Shared(net::Reactor& to, HouseTrust house, Events on) : reactor(&to), opener(std::move(house)), events(std::move(on)) {}

  struct In {
    std::vector<std::function<void(const Events&)>> events;
    std::size_t bytes = 0;
    bool closed = false;
  };
  /// From any thread: `event` runs on the reactor's. What is bulk is dropped when too much waits.
  void tell(std::function<void(const Events&)> event, std::size_t bytes, bool bulk) {
    const std::size_t times = bulk ? 1 : 2;
    in.with([&](In& queue) {
      if (queue.closed) return;
      if (queue.events.size() >= times * kMostIn || queue.bytes > times * kMostInBytes) {
        ++overflow;
        return;
      }
      if (queue.events.empty()) {
        reactor->post([weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->drain();
        });
      }
      queue.events.push_back(std::move(event));
      queue.bytes += bytes;
    });
  }
  void drain() {
    std::vector<std::function<void(const Events&)>> all;
    const bool closed = in.with([&](In& queue) {
      all.swap(queue.events);
      queue.bytes = 0;
      return queue.closed;
    });
    if (closed) return;
    const auto self = shared_from_this();
    for (const auto& event : all) event(events);
  }

  void tell_connected(natsConnection* connection) {
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(0, natsConnection_GetMaxPayload(connection)));
    tell([server = server_of(connection), most](const Events& on) { on.connected(server, most); }, 0, false);
  }

  /// The library may have messages left to hand over when its connection is gone, and the process on its way out: they are not looked
  /// at, since what opens them may be gone by then, too.
  void stop_delivery() {
    const std::lock_guard lock(delivering);
    ended = true;
  }

  void arrived(natsMsg& message) {
    const std::lock_guard lock(delivering);
    if (ended) return;
    if (natsMsg_IsNoResponders(&message)) {
      return tell([token = last_token(natsMsg_GetSubject(&message))](const Events& on) { on.no_responders(token); }, 0, false);
    }
    const auto size = static_cast<std::size_t>(natsMsg_GetDataLength(&message));
    auto opened = opener.open({reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(&message)), size}, std::chrono::system_clock::now());
    if (!opened) return tell([error = opened.error()](const Events& on) { on.refused(error); }, 0, true);
    const bool bulk = opened->envelope.topic.has_value();
    auto kept = std::make_shared<NatsOpener::Opened>(std::move(*opened));
    tell([kept](const Events& on) { on.message(std::move(*kept)); }, size, bulk);
  }

  net::Reactor* reactor;
  NatsOpener opener;
  const Events events;
  Guarded<In> in;
  std::atomic<std::uint64_t> overflow{0};
  std::mutex delivering;  ///< held while a message is opened, by the one thread that delivers
  bool ended = false;     ///< under `delivering`

  static Shared& of(void* closure) { return **static_cast<std::shared_ptr<Shared>*>(closure); }
  static void* closure(const std::shared_ptr<Shared>& shared) { return new std::shared_ptr<Shared>(shared); }
  static void free_closure(void* closure) { delete static_cast<std::shared_ptr<Shared>*>(closure); }
};

/// The thread that connects, signs and sends.
class NatsConnection::Writer {
 public:
  Writer(std::shared_ptr<Shared> shared, NatsServers servers, KeyPair key) : shared_(std::move(shared)), servers_(std::move(servers)), key_(std::move(key)) {
    // Signals are the process's to handle, on its own thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Writer() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  struct Item {
    enum class Kind : std::uint8_t { send, listen, unlisten } kind;
    std::string subject, extra;  ///< the reply's subject, or the queue
    v1::NatsEnvelope envelope = {};
    std::size_t bytes = 0;
  };
  /// False when there is no room for it.
  bool add(Item item, std::size_t most, std::size_t most_bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (item.kind == Item::Kind::send && (items_.size() >= most || bytes_ + item.bytes > most_bytes)) return false;
      bytes_ += item.bytes;
      items_.push_back(std::move(item));
    }
    wake_.notify_one();
    return true;
  }

 private:
  void run() {
    if (!connect()) return;
    for (;;) {
      std::deque<Item> taken;
      bool ending = false;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return ending_ || !items_.empty(); });
        taken.swap(items_);
        bytes_ = 0;
        ending = ending_;
      }
      for (Item& item : taken) carry_out(item);
      if (ending) break;
    }
    if (natsConnection_Status(connection_.get()) == NATS_CONN_STATUS_CONNECTED) natsConnection_FlushTimeout(connection_.get(), 500);
    subscriptions_.clear();
    natsConnection_Close(connection_.get());
    connection_.reset();
    nats_ReleaseThreadMemory();
  }

  /// Tries until it is there; false when told to end before. Says each time in other words why it is not.
  bool connect() {
    nats_SetMessageDeliveryPoolSize(1);  // one thread for all subscriptions: messages keep their order across them
    std::string told;
    for (int attempts = 0;; ++attempts) {
      const std::string why = try_to_connect();
      if (why.empty()) return true;
      if (why != told) {
        told = why;
        shared_->tell([why](const Events& on) { on.disconnected(why); }, 0, false);
      }
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, std::chrono::milliseconds(connect_delay(attempts)), [&] { return ending_; })) return false;
    }
  }

  static natsStatus configure(natsOptions* options, const NatsServers& servers, void* closure) {
    std::vector<const char*> urls;
    for (const std::string& url : servers.urls) urls.push_back(url.c_str());
    natsStatus status = natsOptions_SetServers(options, urls.data(), static_cast<int>(urls.size()));
    const auto then = [&](natsStatus next) {
      if (status == NATS_OK) status = next;
    };
    then(natsOptions_SetName(options, "ghostlight b2"));
    then(natsOptions_SetNoRandomize(options, true));  // the first named is the nearest
    then(natsOptions_SetNoEcho(options, true));
    then(natsOptions_UseGlobalMessageDelivery(options, true));
    then(natsOptions_SetMaxPendingMsgs(options, kMostPendingInLibrary));
    then(natsOptions_SetPingInterval(options, std::chrono::duration_cast<std::chrono::milliseconds>(servers.ping).count()));
    then(natsOptions_SetMaxPingsOut(options, 2));
    then(natsOptions_SetTimeout(options, kConnectWithin));
    then(natsOptions_SetWriteDeadline(options, kWriteWithin));
    then(natsOptions_SetReconnectBufSize(options, static_cast<int>(kMostOutBytes)));
    then(natsOptions_SetMaxReconnect(options, -1));
    then(natsOptions_SetCustomReconnectDelay(options, [](natsConnection*, int attempts, void*) { return connect_delay(attempts); }, nullptr));
    const bool tls = !servers.ca.empty() || !servers.certificate.empty() ||
                     std::any_of(servers.urls.begin(), servers.urls.end(), [](const std::string& url) { return url.starts_with("tls://"); });
    if (tls) then(natsOptions_SetSecure(options, true));
    if (!servers.ca.empty() && status == NATS_OK) then(natsOptions_LoadCATrustedCertificates(options, servers.ca.c_str()));
    if (!servers.certificate.empty() && status == NATS_OK) {
      then(natsOptions_LoadCertificatesChain(options, servers.certificate.c_str(), servers.key.c_str()));
    }
    if (!servers.credentials.empty()) then(natsOptions_SetUserCredentialsFromFiles(options, servers.credentials.c_str(), nullptr));
    then(natsOptions_SetDisconnectedCB(options, [](natsConnection* connection, void* shared) {
      const char* detail = nullptr;
      natsConnection_GetLastError(connection, &detail);
      Shared::of(shared).tell([why = std::string(detail != nullptr && *detail != '\0' ? detail : "the server closed the connection")](const Events& on) { on.disconnected(why); }, 0, false);
    }, closure));
    then(natsOptions_SetReconnectedCB(options, [](natsConnection* connection, void* shared) {
      Shared::of(shared).tell_connected(connection);
    }, closure));
    // Of a subscription that is too slow: the numbers of the messages tell it where it matters.
    then(natsOptions_SetErrorHandler(options, [](natsConnection*, natsSubscription*, natsStatus error, void* shared) {
      if (error == NATS_SLOW_CONSUMER) ++Shared::of(shared).overflow;
    }, closure));
    then(natsOptions_SetClosedCB(options, [](natsConnection*, void* shared) { Shared::free_closure(shared); }, closure));
    return status;
  }

  /// "" once connected, or why not.
  std::string try_to_connect() {
    natsOptions* made = nullptr;
    if (const natsStatus status = natsOptions_Create(&made); status != NATS_OK) return nats_reason(status);
    const NatsOptionsPtr options(made);
    void* const closure = Shared::closure(shared_);
    natsConnection* connection = nullptr;
    natsStatus status = configure(options.get(), servers_, closure);
    if (status == NATS_OK) status = natsConnection_Connect(&connection, options.get());
    if (status != NATS_OK) {
      Shared::free_closure(closure);
      std::string where;
      for (const std::string& url : servers_.urls) where += (where.empty() ? "" : ", ") + shown_nats_url(url);
      return "connect to " + where + ": " + nats_reason(status);
    }
    connection_.reset(connection);
    shared_->tell_connected(connection);
    return "";
  }

  void carry_out(Item& item) {
    const auto key = std::make_pair(item.subject, item.extra);
    switch (item.kind) {
      case Item::Kind::send: {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        item.envelope.sent_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
        const Bytes sealed = seal_for_nats(key_, item.envelope);
        const auto size = static_cast<int>(sealed.size());
        const natsStatus status =
            item.extra.empty() ? natsConnection_Publish(connection_.get(), item.subject.c_str(), sealed.data(), size)
                               : natsConnection_PublishRequest(connection_.get(), item.subject.c_str(), item.extra.c_str(), sealed.data(), size);
        if (status != NATS_OK) ++shared_->overflow;
        return;
      }
      case Item::Kind::listen: {
        void* const closure = Shared::closure(shared_);
        natsSubscription* made = nullptr;
        const auto heard = [](natsConnection*, natsSubscription*, natsMsg* message, void* shared) {
          const NatsMsgPtr owned(message);
          Shared::of(shared).arrived(*message);
        };
        const natsStatus status = item.extra.empty()
                                      ? natsConnection_Subscribe(&made, connection_.get(), item.subject.c_str(), heard, closure)
                                      : natsConnection_QueueSubscribe(&made, connection_.get(), item.subject.c_str(), item.extra.c_str(), heard, closure);
        if (status != NATS_OK) return Shared::free_closure(closure);
        natsSubscription_SetOnCompleteCB(made, Shared::free_closure, closure);
        subscriptions_[key] = NatsSubscriptionPtr(made);
        return;
      }
      case Item::Kind::unlisten: subscriptions_.erase(key); return;
    }
  }

  const std::shared_ptr<Shared> shared_;
  const NatsServers servers_;
  const KeyPair key_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> items_;
  std::size_t bytes_ = 0;
  bool ending_ = false;
  // Of the thread alone:
  NatsConnectionPtr connection_;
  std::map<std::pair<std::string, std::string>, NatsSubscriptionPtr> subscriptions_;
  std::thread thread_;  ///< last: it uses the others
};

NatsConnection::NatsConnection(net::Reactor& reactor, NatsServers servers, KeyPair key, HouseTrust house, Events events)
    : shared_(std::make_shared<Shared>(reactor, std::move(house), std::move(events))),
      writer_(std::make_unique<Writer>(shared_, std::move(servers), std::move(key))) {}

NatsConnection::~NatsConnection() {
  writer_.reset();
  shared_->stop_delivery();
  shared_->in.with([](Shared::In& queue) {
    queue.closed = true;
    queue.events.clear();
  });
}

bool NatsConnection::send(std::string subject, std::string reply, v1::NatsEnvelope envelope, bool bulk) {
  const std::size_t times = bulk ? 1 : 2;
  const std::size_t bytes = encoded_size(envelope);
  const bool taken = writer_->add({Writer::Item::Kind::send, std::move(subject), std::move(reply), std::move(envelope), bytes}, times * kMostOut, times * kMostOutBytes);
  if (!taken) ++shared_->overflow;
  return taken;
}

void NatsConnection::listen(const std::string& subject, const std::string& queue) { writer_->add({Writer::Item::Kind::listen, subject, queue}, 0, 0); }
void NatsConnection::unlisten(const std::string& subject, const std::string& queue) { writer_->add({Writer::Item::Kind::unlisten, subject, queue}, 0, 0); }
void NatsConnection::set_house(const HouseTrust& house, const std::function<bool(const Identity&)>& is_revoked) { shared_->opener.set_house(house, is_revoked); }
std::uint64_t NatsConnection::overflow() const { return shared_->overflow; }

}  // namespace ghost::b2
