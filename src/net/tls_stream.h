#pragma once
#include <memory>

#include "net/layered_stream.h"
#include "net/tls_session.h"

namespace ghost::net {

/// A byte stream whose bytes travel encrypted over another. output() holds plaintext; a turn's output is encrypted together.
class TlsStream final : public LayeredStream {
 public:
  /// @param session  its handshake done, writing into below->output()
  /// @param first    ciphertext that arrived with the handshake's end
  TlsStream(Reactor& reactor, std::unique_ptr<ByteStream> below, std::unique_ptr<TlsSession> session, BytesView first);

  Result<Bytes> export_key(std::string_view label, std::size_t length) const override;

 private:
  void decode(BytesView cipher) override;
  Status encode_some() override;
  void say_goodbye() override;
  Error meaning_of_end(const Error& why) const override;
  Status write(BytesView plain);
  std::string who() const { return "TLS with " + peer().remote.text(); }

  std::unique_ptr<TlsSession> session_;
};

}  // namespace ghost::net
