// embedded/b2.c against a server that says anything. The first byte chooses how the rest is cut, and how the output drains.
#include <cstdint>
#include <cstdlib>

#include "b2.h"

namespace {

struct Seen {
  bool closed = false;
  std::uint32_t ended = 0;
};

void on_event(void* user, const b2_event* event) {
  auto& seen = *static_cast<Seen*>(user);
  if (seen.closed) std::abort();  // nothing follows the end
  if (event->kind == B2_CLOSED) seen.closed = true;
  if (event->kind == B2_END) ++seen.ended;
  std::uint32_t sum = 0;  // every byte it shows can be read
  for (std::uint32_t i = 0; i < event->size; ++i) sum += event->data[i];
  if (sum == 0xffffffff) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint32_t piece = 1 + (data[0] & 0x3f) * 7u, drain = (data[0] & 0x40) != 0 ? 1 : 4096;
  static std::uint8_t input[B2_SMALLEST_INPUT], output[B2_SMALLEST_OUTPUT];
  b2_method methods[] = {{"b2.v1.Core", "Health", B2_NO_METHOD}, {"b2.spec.v1.Drill", "Count", B2_NO_METHOD}};
  Seen seen;
  const b2_config config{"fuzz", 1, input, sizeof input, output, sizeof output, methods, 2, on_event, &seen};
  b2_client client;
  std::uint32_t now = 0, called = 0;
  b2_open(&client, &config, now);
  for (std::size_t at = 1; at < size && !seen.closed;) {
    std::uint8_t* space = nullptr;
    std::uint32_t room = b2_room(&client, &space);
    if (room > piece) room = piece;
    if (room > size - at) room = static_cast<std::uint32_t>(size - at);
    for (std::uint32_t i = 0; i < room; ++i) space[i] = data[at + i];
    at += room;
    b2_received(&client, room);
    if (client.out_used > sizeof output || client.in_used > sizeof input) std::abort();
    if (b2_call(&client, called % 2, "\x0a", 1, called % 3 * 100) != 0) ++called;
    if (called == 3) b2_cancel(&client, 1);
    b2_tick(&client, now += 50);
    b2_sent(&client, client.out_used < drain ? client.out_used : drain);
    if (room == 0 && client.out_used == 0) break;  // a frame that can never be whole
  }
  b2_lost(&client);
  if (!seen.closed || seen.ended != called) std::abort();  // every call ends, once
  return 0;
}
