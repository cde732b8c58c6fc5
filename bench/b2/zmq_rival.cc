// ZeroMQ: DEALER to ROUTER for calls, PUSH to PULL for streams; one I/O thread a side, as is its default. CURVE for encryption.
#include <zmq.h>

#include <cstring>

#include "rival.h"

namespace {

using namespace ghost;
using namespace ghost::b2::bench;

void check(bool fine, const char* what) {
  if (!fine) give_up(std::string("ZeroMQ: ") + what + ": " + zmq_strerror(zmq_errno()));
}

/// Waits for a message, polling first where that was asked for and something came lately.
void receive(void* socket, zmq_msg_t& into, bool spin, Busy& busy) {
  while (spin && busy.worth_polling()) {
    if (zmq_msg_recv(&into, socket, ZMQ_DONTWAIT) >= 0) return busy.came();
  }
  check(zmq_msg_recv(&into, socket, 0) >= 0, "receive");
  if (spin) busy.came();
}

struct Keys {
  char open[41], secret[41];
  Keys() { check(zmq_curve_keypair(open, secret) == 0, "make keys"); }
};

/// More than the default of 1,000 for small messages, so that neither side waits for the other.
void set_queue(void* socket, std::size_t size) {
  const int messages = size < 4096 ? 100'000 : 1000;
  zmq_setsockopt(socket, ZMQ_SNDHWM, &messages, sizeof messages);
  zmq_setsockopt(socket, ZMQ_RCVHWM, &messages, sizeof messages);
}

[[noreturn]] void serve(const Task& task, void* context) {
  void* const socket = zmq_socket(context, task.calls() ? ZMQ_ROUTER : ZMQ_PUSH);
  set_queue(socket, task.work.size);
  std::string key;
  if (task.tls) {
    const Keys keys;
    const int on = 1;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secret, 40) == 0, "CURVE");
    key = std::string(" ") + keys.open;
  }
  check(zmq_bind(socket, task.place == "tcp" ? "tcp://127.0.0.1:*" : ("ipc://" + task.place).c_str()) == 0, "bind");
  char place[256];
  std::size_t size = sizeof place;
  check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, place, &size) == 0, "address");
  tell(place + key);

  while (!task.calls()) {
    zmq_msg_t message;
    if (task.work.size < 1024) check(zmq_send(socket, task.message.data(), task.message.size(), 0) >= 0, "send");
    else {
      zmq_msg_init_data(&message, const_cast<char*>(task.message.data()), task.message.size(), [](void*, void*) {}, nullptr);  // not copied
      check(zmq_msg_send(&message, socket, 0) >= 0, "send");
    }
  }
  Busy busy;
  for (;;) {
    zmq_msg_t who, message;
    zmq_msg_init(&who);
    zmq_msg_init(&message);
    receive(socket, who, task.spin, busy);
    receive(socket, message, task.spin, busy);
    zmq_msg_send(&who, socket, ZMQ_SNDMORE);
    zmq_msg_send(&message, socket, 0);
  }
}

void* connect(const Task& task, void* context, int kind) {
  void* const socket = zmq_socket(context, kind);
  set_queue(socket, task.work.size);
  const std::size_t space = task.place.find(' ');
  if (space != std::string::npos) {
    const Keys keys;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, task.place.data() + space + 1, 40);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.open, 40);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secret, 40);
  }
  check(zmq_connect(socket, task.place.substr(0, space).c_str()) == 0, "connect");
  return socket;
}

class Calls final : public Load {
 public:
  Calls(const Task& task, void* context) : task_(task) {
    for (std::size_t i = 0; i < task.work.connections; ++i) {
      lanes_.push_back({connect(task, context, ZMQ_DEALER), InOrder(task.work.in_flight)});
      waiting_.push_back({lanes_.back().socket, 0, ZMQ_POLLIN, 0});
    }
  }

  Result<Figures> run(Duration span) override {
    last_ = TimePoint::clock::now();
    Meter meter(last_, span);
    for (Lane& lane : lanes_) {
      for (std::size_t i = 0; i < task_.work.in_flight; ++i) call(lane, last_);
    }
    while (open_ != 0) {
      if (lanes_.size() == 1) {
        zmq_msg_t answer;
        zmq_msg_init(&answer);
        receive(lanes_[0].socket, answer, task_.spin, busy_);
        take(lanes_[0], answer, meter);
        drain(lanes_[0], meter);
        continue;
      }
      zmq_poll(waiting_.data(), static_cast<int>(waiting_.size()), -1);
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        if ((waiting_[i].revents & ZMQ_POLLIN) != 0) drain(lanes_[i], meter);
      }
    }
    return meter.figures(last_);
  }

 private:
  struct Lane {
    void* socket;
    InOrder times;
  };

  void call(Lane& lane, TimePoint now) {
    lane.times.began(now);
    ++open_;
    check(zmq_send(lane.socket, task_.message.data(), task_.message.size(), 0) >= 0, "send");
  }
  void drain(Lane& lane, Meter& meter) {
    zmq_msg_t answer;
    for (zmq_msg_init(&answer); zmq_msg_recv(&answer, lane.socket, ZMQ_DONTWAIT) >= 0; zmq_msg_init(&answer)) take(lane, answer, meter);
  }
  void take(Lane& lane, zmq_msg_t& answer, Meter& meter) {
    const bool same = zmq_msg_size(&answer) == task_.message.size() && std::memcmp(zmq_msg_data(&answer), task_.message.data(), task_.message.size()) == 0;
    if (!same) give_up("ZeroMQ: the echo is not what was sent");
    zmq_msg_close(&answer);
    --open_;
    const TimePoint began = lane.times.ended(), now = TimePoint::clock::now();
    if (meter.over(now)) return;
    last_ = now;
    meter.call_ended(began, now);
    call(lane, now);
  }

  const Task& task_;
  std::vector<Lane> lanes_;
  std::vector<zmq_pollitem_t> waiting_;
  std::size_t open_ = 0;
  TimePoint last_{};
  Busy busy_;
};

class Stream final : public Load {
 public:
  Stream(const Task& task, void* context) : task_(task), context_(context) {}

  Result<Figures> run(Duration span) override {
    void* const socket = connect(task_, context_, ZMQ_PULL);
    TimePoint now = TimePoint::clock::now();
    Meter meter(now, span);
    zmq_msg_t message;
    while (!meter.over(now)) {
      std::uint64_t count = 0;
      for (int flags = 0; count < 256; flags = ZMQ_DONTWAIT, ++count) {
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, socket, flags) < 0) break;
        if (zmq_msg_size(&message) != task_.work.size || *static_cast<const char*>(zmq_msg_data(&message)) != 'Z') give_up("ZeroMQ: not what was sent");
        zmq_msg_close(&message);
      }
      now = TimePoint::clock::now();
      meter.messages_came(count, now);
    }
    const int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_close(socket);
    return meter.figures(now);
  }

 private:
  const Task& task_;
  void* context_;
};

}  // namespace

int main(int argc, char** argv) {
  const Task task = read_task(argc, argv);
  void* const context = zmq_ctx_new();
  if (task.server) serve(task, context);
  if (!task.calls()) {
    Stream stream(task, context);
    return run_asked(stream);
  }
  Calls calls(task, context);
  return run_asked(calls);
}
