#pragma once
#include <array>
#include <memory>
#include <optional>

#include "b2/datagram.h"

struct evp_cipher_ctx_st;

namespace ghost::b2 {

/// The exporter's label (RFC 8446 §7.5) and length of what keys for datagrams are made of.
inline constexpr std::string_view kDatagramExporterLabel = "EXPORTER-b2-datagrams";
inline constexpr std::size_t kDatagramSecret = 32;

struct DatagramKey {
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 12> iv{};
};

/// One for each direction (docs/spec/b2.md §13.6).
struct DatagramKeys {
  DatagramKey to_server, to_caller;
};
DatagramKeys derive_datagram_keys(BytesView exported, std::uint64_t session);

/// Which packet numbers have been seen: a sliding window of the last 1,024.
class PacketWindow {
 public:
  bool fresh(std::uint64_t number) const;
  void take(std::uint64_t number);

 private:
  static constexpr std::uint64_t kSpan = 1024;
  std::uint64_t end_ = 0;  ///< one past the highest seen
  std::array<std::uint64_t, kSpan / 64> bits_{};
};

/// One end of a session: seals what it sends, with a packet number that it never uses again, and opens what it gets, once each.
/// ChaCha20-Poly1305 (RFC 8439).
class DatagramSeal {
 public:
  DatagramSeal(const DatagramKey& sending, const DatagramKey& receiving);
  ~DatagramSeal();
  DatagramSeal(const DatagramSeal&) = delete;
  DatagramSeal& operator=(const DatagramSeal&) = delete;

  /// The number of the next datagram; each call gives another.
  std::uint64_t next_number() { return next_++; }
  /// Seals what is behind the head of a datagram whose head tells `number`. To be done once for a number.
  void seal(Bytes& datagram, std::uint64_t number);
  /// What was sealed; nothing when it was not the other end that sealed it, or it has come before. Valid until the next.
  std::optional<BytesView> open(BytesView datagram, std::uint64_t number);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, Free>;

  Context sealing_, opening_;
  std::array<std::uint8_t, 12> send_iv_, receive_iv_;
  std::uint64_t next_ = 1;
  PacketWindow seen_;
  std::array<std::uint8_t, kMaxDatagram> opened_;
};

}  // namespace ghost::b2
