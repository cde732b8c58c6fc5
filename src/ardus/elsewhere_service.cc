#include "ardus/elsewhere_service.h"

#include <algorithm>

#include "ardus/chunk_runs.h"
#include "ardus/http_fetch_service.h"

namespace ghost::ardus {

namespace {

constexpr std::size_t kChunksAtOnce = 64;                         ///< some 4 MB
constexpr std::size_t kMostPeers = 8;
constexpr Duration kPeerDial = std::chrono::seconds(3);
constexpr Duration kPeerSilence = std::chrono::seconds(5);        ///< without a chunk
constexpr Duration kWebPause = std::chrono::seconds(10);          ///< after it failed
constexpr Duration kWebSilence = std::chrono::seconds(10);

}  // namespace

Elsewhere::Elsewhere(Parts parts) : parts_(std::move(parts)) {}

Elsewhere::~Elsewhere() {
  *cancelled_ = true;
  alive_.reset();
}

void Elsewhere::add_peer(const v1::PeerSource& peer) {
  const auto address = from_told(peer.address, parts_.way);
  const auto node = b2::NodeId::from_bytes(peer.node);
  if (!address || !node || peers_.size() >= kMostPeers) return;
  if (std::ranges::any_of(peers_, [&](const Source& one) { return one.node == *node; })) return;
  peers_.push_back({node->words() + " at " + address->text(), *address, *node, peer.grant});
  next();
}

void Elsewhere::look(bool multicast_suffices) {
  web_too_ = !multicast_suffices && !parts_.mirrors.empty();
  next();
}

void Elsewhere::next() {
  if (busy_) return;
  const bool web = peers_.empty() && web_too_ && parts_.node.network().now() >= web_after_;
  if (peers_.empty() && !web) return set_active(false);
  if (parts_.wanted(1).empty()) return;
  busy_ = true;
  ++batch_;
  from_web_ = web;
  set_active(true);
  web ? ask_web() : link_ ? ask_peer() : dial();
}

void Elsewhere::set_active(bool active) {
  if (std::exchange(active_, active) != active) parts_.changed();
}

/// Off the stack of whoever called: a dial may fail at once.
void Elsewhere::dial() {
  b2::Trust trust;
  trust.house = parts_.node.state().house();
  trust.any_key_on_loopback = false;
  b2::Target target;
  target.tls = true;
  target.address = peers_.front().address;
  detail_ = "from " + peers_.front().name;
  const auto alive = std::weak_ptr<char>(alive_);
  dial_ = std::make_unique<b2::Dial>(b2::Dial::Parts{parts_.node.network(), parts_.node.endpoint(), parts_.node.tls(), trust, kPeerDial, kDialImpatience}, target,
                                     [this, alive, batch = batch_](Result<std::unique_ptr<b2::Link>> link) {
                                       if (still(alive, batch)) on_dialed(std::move(link));
                                     });
}

void Elsewhere::on_dialed(Result<std::unique_ptr<b2::Link>> link) {
  if (!link) return peer_failed(link.error());
  const auto& tls = (*link)->peer().tls;
  if (!tls || b2::NodeId::of_public_key(tls->public_key) != peers_.front().node) return peer_failed({Errc::unauthenticated, "another node answers there"});
  link_ = std::move(*link);
  b2::Link::Events events;
  events.closed = [this, alive = std::weak_ptr<char>(alive_)](const Error& why) {
    if (!alive.expired() && link_) peer_failed(why);
  };
  link_->set_events(std::move(events));
  ask_peer();
}

void Elsewhere::ask_peer() {
  const ChunkSet wanted = parts_.wanted(kChunksAtOnce);
  v1::PeerChunksRequest request;
  request.session = parts_.session;
  request.grant = peers_.front().grant;
  request.chunks = to_runs(wanted.ranges());
  const auto rearm = [this, batch = batch_] {
    watch_ = parts_.node.network().wake_at(parts_.node.network().now() + kPeerSilence, [this, batch](TimePoint) {
      if (batch == batch_ && busy_) peer_failed({Errc::timed_out, "it says nothing any more"});
    });
  };
  rearm();
  const auto alive = std::weak_ptr<char>(alive_);
  v1::PeerClient(link_->channel())
      .chunks(
          request,
          [this, alive, rearm, wanted, batch = batch_](const v1::FetchedPart& part) {
            if (!still(alive, batch) || !busy_) return;
            if (part.chunk >= wanted.size() || !wanted.has(part.chunk) || !hand_on(part.chunk, part.bytes)) {
              return peer_failed({Errc::data_loss, "what it hands out is not what the manifest says"});
            }
            rearm();
          },
          [this, alive, batch = batch_](const Status& status) {
            if (still(alive, batch) && busy_) ended(status);
          });
}

/// Checks it against the manifest first.
bool Elsewhere::hand_on(std::uint32_t chunk, BytesView bytes) {
  const Chunk& told = parts_.manifest->chunks[chunk];
  if (bytes.size() != told.size || sha256(bytes) != told.hash) return false;
  bytes_ += bytes.size();
  parts_.take(chunk, bytes);
  return true;
}

void Elsewhere::ended(const Status& status) {
  if (!from_web_ && !status) return peer_failed(status.error());
  watch_.reset();
  busy_ = false;
  if (from_web_ && !status) {
    web_after_ = parts_.node.network().now() + kWebPause;
    detail_ = "the web did not help: " + status.error().message;
    parts_.log.warning("ardus: fetching from the web", {{"session", parts_.session}, {"why", status.error().message}});
  }
  parts_.node.network().post([this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) next();
  });
}

/// Whatever a peer does, it is left for the next, and in the end for the sender.
void Elsewhere::peer_failed(const Error& why) {
  if (peers_.empty()) return;
  parts_.log.warning("ardus: fetching from another receiver", {{"session", parts_.session}, {"from", peers_.front().name}, {"why", why.message}});
  detail_ = peers_.front().name + ": " + why.message;
  peers_.erase(peers_.begin());
  ++batch_;
  watch_.reset();
  busy_ = false;
  const auto dialed = std::shared_ptr<b2::Dial>(std::move(dial_));
  const auto old = std::shared_ptr<b2::Link>(std::move(link_));
  parts_.node.network().post([this, dialed, old, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) next();
  });
}

void Elsewhere::ask_web() {
  if (!worker_) worker_ = std::make_unique<b2::Workers>(1);
  detail_ = "from " + parts_.mirrors.front();
  const auto wanted = std::make_shared<ChunkSet>(parts_.wanted(kChunksAtOnce));
  net::Reactor& reactor = parts_.node.network().reactor();
  const auto alive = std::weak_ptr<char>(alive_);
  worker_->run([this, wanted, &reactor, alive, batch = batch_, manifest = parts_.manifest, mirrors = parts_.mirrors, cancelled = cancelled_] {
    HttpFetch::Wish wish;
    wish.urls = mirrors;
    wish.cancelled = cancelled;
    wish.silence = kWebSilence;
    wish.tries = 3;
    HttpFetch fetch(std::move(wish));
    const auto got = std::make_shared<Status>(fetch.chunks(*manifest, *wanted, [&](std::uint32_t chunk, BytesView bytes) -> Status {
      if (bytes.size() != manifest->chunks[chunk].size || sha256(bytes) != manifest->chunks[chunk].hash) return Error{Errc::data_loss, "its bytes are others than the manifest says"};
      reactor.post([this, alive, batch, chunk, whole = std::make_shared<Bytes>(to_bytes(bytes))] {
        if (!still(alive, batch)) return;
        bytes_ += whole->size();
        parts_.take(chunk, *whole);
      });
      return {};
    }));
    reactor.post([this, alive, batch, got] {
      if (still(alive, batch)) ended(*got);
    });
  });
}

}  // namespace ghost::ardus
