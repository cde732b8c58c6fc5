#pragma once
#include <span>

#include "base/byte_queue.h"
#include "net/network.h"
#include "net/tls_context.h"

namespace ghost::net {

/// One TLS 1.3 connection without its socket: ciphertext comes in by feed(), leaves into a ByteQueue. Pure but for randomness.
class TlsSession {
 public:
  enum class Role { client, server };

  /// A record's plaintext: the most one read() can give.
  static constexpr std::size_t kRecord = 16 * 1024;

  /// @param out  where ciphertext goes; outlives the session
  static Result<std::unique_ptr<TlsSession>> create(std::shared_ptr<const TlsContext> context, Role role, ByteQueue& out);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// What the peer sent; the view must stay valid until it is used up or rest() was taken.
  void feed(BytesView in) { in_ = in; }
  /// What of feed() was not looked at yet: records after the handshake's last, or after a pause.
  BytesView rest() const { return in_; }

  /// Goes on with the handshake as far as the input reaches; true once it is done.
  Result<bool> handshake();

  struct Read {
    std::size_t count = 0;
    bool goodbye = false;  ///< the peer said close_notify: nothing follows
  };
  /// Decrypts one record into `room` (at least kRecord bytes); a count of 0 without goodbye asks for more input.
  Result<Read> read(std::span<std::uint8_t> room);
  /// False when read() would only ask for more.
  bool may_read_more() const { return !in_.empty(); }
  /// Encrypts into the output queue, in records of up to kRecord bytes.
  Status write(BytesView plain);
  /// Says close_notify, once.
  void goodbye();

  TlsPeer peer() const;
  Result<Bytes> export_key(std::string_view label, std::size_t length) const;

 private:
  friend struct TlsBio;
  TlsSession(std::shared_ptr<const TlsContext> context, ByteQueue& out) : context_(std::move(context)), out_(out) {}
  Error failure(int result) const;

  std::shared_ptr<const TlsContext> context_;  ///< ties the context's life to its last session
  ByteQueue& out_;
  BytesView in_;
  std::unique_ptr<SSL, TlsFree> ssl_;
  bool said_goodbye_ = false;
};

/// The BIO that connects OpenSSL to the session's spans and queue.
std::unique_ptr<BIO_METHOD, TlsFree> make_tls_bio_method();

}  // namespace ghost::net
