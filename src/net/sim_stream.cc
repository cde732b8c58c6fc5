#include "net/sim_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/socket_text.h"

namespace ghost::net::sim {

namespace {
constexpr std::size_t kMostAtOnce = 64 * 1024;
constexpr std::uint32_t kInOrder = 1;  // of a reset: what was sent before it arrives first
// At a limited rate: finer would cost events, coarser would come in lumps.
constexpr std::size_t kPacedPiece = 16 * 1024;

Bytes take_front(ByteQueue& queue, std::size_t size) {
  Bytes bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    BytesView run;
    queue.runs(&run, 1);
    run = run.first(std::min(run.size(), size - bytes.size()));
    bytes.insert(bytes.end(), run.begin(), run.end());
    queue.consume(run.size());
  }
  return bytes;
}
}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> Stream::make_pair(Host& dialer, Peer dialer_peer,
                                                                              Host& acceptor, Peer acceptor_peer,
                                                                              World& world, TimePoint answered) {
  auto dialing = std::make_unique<Stream>(world, dialer, acceptor, std::move(dialer_peer));
  auto accepted = std::make_unique<Stream>(world, acceptor, dialer, std::move(acceptor_peer));
  dialing->other_id_ = accepted->id_;
  accepted->other_id_ = dialing->id_;
  accepted->last_arrival_ = answered;
  return {std::move(dialing), std::move(accepted)};
}

Stream::Stream(World& world, Host& host, Host& peer_host, Peer peer)
    : world_(world), host_(host), peer_host_(peer_host), peer_(std::move(peer)), id_(world.streams.add(this)) {
  output_.on_first_byte([this] {
    if (flush_planned_ || !open()) return;
    flush_planned_ = true;
    host_.at_turn_end([world = &world_, id = id_] {
      if (Stream** stream = world->streams.find(id)) (*stream)->flush();
    });
  });
}

Stream::~Stream() {
  if (!open()) return;
  say_last_words();
  world_.streams.remove(id_);
}

Stream* Stream::other() const {
  Stream** found = world_.streams.find(other_id_);
  return found ? *found : nullptr;
}

void Stream::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  plan_pump();
}

void Stream::set_reading(bool on) {
  reading_ = on;
  if (on) plan_pump();
}

void Stream::flush() {
  flush_planned_ = false;
  if (!open() || said_goodbye_) return output_.clear();
  if (output_.size() > kHighWater) above_high_water_ = true;
  if (gone()) output_.clear();
  while (under_way_ < kWindow && !output_.empty()) {
    send_piece(std::min({output_.size(), kWindow - under_way_, piece_size()}));
  }
  if (finishing_ && output_.empty()) {
    send_goodbye();
    if (peer_ended_) plan_pump();
  }
  if (above_high_water_ && output_.size() < kLowWater) {
    above_high_water_ = false;
    tell_writable_ = true;
    plan_pump();
  }
}

std::size_t Stream::piece_size() const {
  const LinkConditions& c = world_.links.between(host_.index(), peer_host_.index()).profile().conditions;
  std::size_t size = c.loss > 0 ? kSegment : c.rate > 0 ? kPacedPiece : kMostAtOnce;
  if (c.fragment > 0) size = std::min(size, 1 + world_.random.up_to(c.fragment - 1));
  return size;
}

void Stream::send_piece(std::size_t size) {
  Link& there = world_.links.between(host_.index(), peer_host_.index());
  const Duration back = world_.links.between(peer_host_.index(), host_.index()).delay();
  last_arrival_ = std::max(last_arrival_, there.stream(world_.now(), size, back, world_.random));
  under_way_ += size;
  Bytes bytes = take_front(output_, size);
  if (Stream* to = other()) return deliver_later(*to, {last_arrival_, std::move(bytes)});
  if (peer_host_.alive()) world_.schedule(later(last_arrival_, back), EventKind::reset, id_, kInOrder);  // nobody there
}

void Stream::send_goodbye() {
  if (std::exchange(said_goodbye_, true)) return;
  output_.clear();
  Stream* to = other();
  if (!to) return;
  Link& there = world_.links.between(host_.index(), peer_host_.index());
  const Duration back = world_.links.between(peer_host_.index(), host_.index()).delay();
  last_arrival_ = std::max(last_arrival_, there.stream(world_.now(), 0, back, world_.random));
  deliver_later(*to, {last_arrival_, {}});
}

void Stream::deliver_later(Stream& to, Piece piece) {
  const TimePoint arrives = piece.arrives;
  to.arriving_.push_back(std::move(piece));
  if (to.arriving_.size() == 1 && !to.stalled_) world_.schedule(arrives, EventKind::arrival, other_id_);
}

// What a kernel does when a socket is closed: unread bytes make it a reset, and so do bytes that come later.
void Stream::say_last_words() {
  const bool unread = std::ranges::any_of(arrived_, [](const Bytes& bytes) { return !bytes.empty(); });
  if (unread) said_goodbye_ = true;
  send_goodbye();
  if (!unread && arriving_.empty()) return;
  const TimePoint heard = arriving_.empty() ? world_.now() : std::max(world_.now(), arriving_.back().arrives);
  const Duration there = world_.links.between(host_.index(), peer_host_.index()).delay();
  world_.schedule(std::max(last_arrival_, later(heard, there)), EventKind::reset, other_id_, kInOrder);
}

void Stream::on_event(const Event& event) {
  switch (event.kind) {
    case EventKind::arrival:
      return on_arrival();
    case EventKind::reset:
      return on_reset(event.argument);
    case EventKind::taken:
      under_way_ -= event.argument;
      return flush();
    case EventKind::pump:
      pump_planned_ = false;
      return pump();
    default:
      return close(
          {Errc::timed_out, connection_to(peer_) + ": the peer did not close it within " + in_words(patience_)});
  }
}

void Stream::on_arrival() {
  if (arriving_.empty()) return;
  stalled_ = cut();
  if (stalled_) return;
  arrived_.push_back(std::move(arriving_.front().bytes));
  arriving_.pop_front();
  if (!arriving_.empty()) world_.schedule(arriving_.front().arrives, EventKind::arrival, id_);
  pump();
}

void Stream::on_reset(std::uint32_t order) {
  if (order == kInOrder && !arriving_.empty()) {
    reset_follows_ = cut();  // what comes before it waits for the end of a partition, and it with that
    if (reset_follows_) return;
    return world_.schedule(std::max(arriving_.back().arrives, world_.now() + World::kTurn), EventKind::reset, id_,
                           order);
  }
  reset_ = true;
  stalled_ = cut();
  if (stalled_) return;
  arriving_.clear();
  flush();
  pump();
}

void Stream::go_on() {
  if (cut()) return;
  const bool held_up = std::exchange(stalled_, false);
  const TimePoint again = later(world_.now(), world_.links.between(peer_host_.index(), host_.index()).delay());
  if (reset_) return world_.schedule(again, EventKind::reset, id_);
  if (std::exchange(reset_follows_, false)) world_.schedule(again, EventKind::reset, id_, kInOrder);
  if (held_up && !arriving_.empty()) world_.schedule(std::max(again, arriving_.front().arrives), EventKind::arrival, id_);
}

void Stream::plan_pump() {
  if (!open() || std::exchange(pump_planned_, true)) return;
  world_.schedule(world_.now(), EventKind::pump, id_);
}

void Stream::pump() {
  if (!hand_out() || !handler_) return;
  if (ended_) return close(*ended_);
  // An end that finishes sends all it has, though its peer has finished before it.
  if (peer_ended_ && (!finishing_ || said_goodbye_ || reset_)) {
    flush();
    return close({Errc::cancelled, connection_to(peer_) + ": the peer closed it"});
  }
  if (gone() && reads() && arrived_.empty()) return close(errno_error(ECONNRESET, connection_to(peer_), "is lost"));
  if (std::exchange(tell_writable_, false)) handler_->on_writable();
}

bool Stream::hand_out() {
  World& world = world_;
  const Id id = id_;  // on_bytes() may destroy this stream
  while (reads() && !arrived_.empty()) {
    const Bytes bytes = std::move(arrived_.front());
    arrived_.pop_front();
    if (bytes.empty()) {
      peer_ended_ = true;
      return true;
    }
    const TimePoint peer_knows = later(world.now(), world.links.between(host_.index(), peer_host_.index()).delay());
    world.schedule(peer_knows, EventKind::taken, other_id_, static_cast<std::uint32_t>(bytes.size()));
    world.counters.stream_bytes += bytes.size();
    if (handler_ && reading_) handler_->on_bytes(bytes);
    if (!world.streams.find(id)) return false;
  }
  return true;
}

void Stream::finish(Duration patience) {
  if (!open() || std::exchange(finishing_, true)) return;
  patience_ = patience;
  flush();
  plan_pump();
  world_.schedule(later(world_.now(), patience), EventKind::patience, id_);
}

void Stream::close(Error why) {
  send_goodbye();
  if (!handler_) {
    ended_ = std::move(why);
    return;
  }
  world_.streams.remove(id_);
  handler_->on_closed(why);
}

void Stream::die(TimePoint peer_knows) {
  if (other()) world_.schedule(peer_knows, EventKind::reset, other_id_);
  arriving_.clear();
  arrived_.clear();
  output_.clear();
}

}  // namespace ghost::net::sim
