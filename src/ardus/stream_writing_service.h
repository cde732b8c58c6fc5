#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "b2/typed_call.h"

namespace ghost::ardus {

/// Goes on writing pieces of a stream whenever it may, until `next` has no more. A stream may ring from within a write: who is writing goes
/// on by itself, and there is one `next`, so that no piece is written twice. When it answers busy the next piece is still to come: the function
/// that is given back goes on then; it answers false when there is nobody to write to any more.
template <class T>
std::function<bool()> write_all(std::shared_ptr<b2::ServerStream<T>> stream, std::function<std::optional<Result<T>>()> next) {
  struct Writer {
    std::shared_ptr<b2::ServerStream<T>> stream;
    std::function<std::optional<Result<T>>()> next;
    bool writing = false, waiting = false;  ///< waiting: for a piece that is still to come

    void go_on() {
      if (writing || !stream->open()) return;
      writing = true;
      waiting = false;
      for (bool room = true; room;) {
        const auto piece = next();
        if (!piece) return stream->finish();
        waiting = !*piece && piece->error().code == Errc::busy;
        if (waiting) break;
        if (!*piece) return stream->fail(piece->error());
        room = stream->write(**piece);
      }
      writing = false;
    }
  };
  const auto writer = std::make_shared<Writer>(Writer{stream, std::move(next)});
  stream->on_ready([writer] { writer->go_on(); });
  writer->go_on();
  return [weak = std::weak_ptr(writer)] {
    const auto kept = weak.lock();
    if (kept && kept->waiting) kept->go_on();
    return kept && kept->stream->open();
  };
}

}  // namespace ghost::ardus
