#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "b2/typed_call.h"

namespace ghost::ardus {

/// Goes on writing pieces of a stream whenever it may, until `next` has no more.
template <class T>
void write_all(std::shared_ptr<b2::ServerStream<T>> stream, std::function<std::optional<Result<T>>()> next) {
  for (;;) {
    const auto piece = next();
    if (!piece) return stream->finish();
    if (!*piece) return stream->fail(piece->error());
    if (stream->write(**piece)) continue;
    return stream->on_ready([weak = std::weak_ptr(stream), kept = stream, next = std::move(next)]() mutable { write_all<T>(std::move(kept), std::move(next)); });
  }
}

}  // namespace ghost::ardus
