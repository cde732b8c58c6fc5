#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "b2/typed_call.h"

namespace ghost::ardus {

/// Goes on writing pieces of a stream whenever it may, until `next` has no more. A stream may ring from within a write: who is writing goes
/// on by itself, and there is one `next`, so that no piece is written twice.
template <class T>
void write_all(std::shared_ptr<b2::ServerStream<T>> stream, std::function<std::optional<Result<T>>()> next) {
  struct Writer {
    std::shared_ptr<b2::ServerStream<T>> stream;
    std::function<std::optional<Result<T>>()> next;
    bool writing = false;

    void go_on() {
      if (writing || !stream->open()) return;
      writing = true;
      for (bool room = true; room;) {
        const auto piece = next();
        if (!piece) return stream->finish();
        if (!*piece) return stream->fail(piece->error());
        room = stream->write(**piece);
      }
      writing = false;
    }
  };
  const auto writer = std::make_shared<Writer>(Writer{stream, std::move(next)});
  stream->on_ready([writer] { writer->go_on(); });
  writer->go_on();
}

}  // namespace ghost::ardus
