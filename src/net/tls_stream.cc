#include "net/tls_stream.h"

#include <algorithm>
#include <cstring>

namespace ghost::net {

/// Decrypted at once before the handler is called; on the stack, so that all connections share it.
static constexpr std::size_t kReadBuffer = 64 * 1024;

TlsStream::TlsStream(Reactor& reactor, std::unique_ptr<ByteStream> below, std::unique_ptr<TlsSession> session, BytesView first)
    : LayeredStream(reactor, std::move(below), first), session_(std::move(session)) {
  mutable_peer().tls = session_->peer();
}

void TlsStream::decode(BytesView cipher) {
  session_->feed(cipher);
  while (true) {
    std::uint8_t buffer[kReadBuffer];
    std::size_t filled = 0;
    Result<TlsSession::Read> got = TlsSession::Read{};
    while (kReadBuffer - filled >= TlsSession::kRecord && session_->may_read_more()) {
      got = session_->read({buffer + filled, kReadBuffer - filled});
      if (!got || got->count == 0) break;
      filled += got->count;
    }
    const After after = filled > 0 ? deliver({buffer, filled}) : After::go_on;
    if (after == After::gone) return;
    if (!got) return end_with_farewell(got.error().in(who()));
    if (got->goodbye) {
      session_->goodbye();
      return end_with_farewell({Errc::cancelled, peer().remote.text() + " closed the connection"});
    }
    if (!session_->may_read_more() || after == After::paused) break;
  }
  hold(session_->rest());
}

Status TlsStream::write(BytesView plain_bytes) {
  auto written = session_->write(plain_bytes);
  plain().consume(plain_bytes.size());
  if (!written) return written.error().in(who());
  return {};
}

Status TlsStream::encode_some() {
  BytesView runs[16];
  const std::size_t count = plain().runs(runs, std::size(runs));
  if (runs[0].size() >= TlsSession::kRecord || count == 1) {
    return write(runs[0].first(std::min(runs[0].size(), TlsSession::kRecord)));
  }
  std::uint8_t gathered[TlsSession::kRecord];
  std::size_t length = 0;
  for (std::size_t i = 0; i < count && length < sizeof gathered; ++i) {
    const std::size_t part = std::min(runs[i].size(), sizeof gathered - length);
    std::memcpy(gathered + length, runs[i].data(), part);
    length += part;
  }
  return write({gathered, length});
}

void TlsStream::say_goodbye() {
  session_->goodbye();
  finish_below();
}

Error TlsStream::meaning_of_end(const Error& why) const {
  if (why.code != Errc::cancelled || said_goodbye()) return why;
  return {Errc::data_loss, who() + ": the connection ended without close_notify, so bytes may be missing"};
}

Result<Bytes> TlsStream::export_key(std::string_view label, std::size_t length) const {
  return session_->export_key(label, length);
}

}  // namespace ghost::net
