#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

// Calls in datagrams (docs/spec/b2.md §13). This is the one place that knows their byte offsets.

inline constexpr std::size_t kMaxDatagram = 1200;
inline constexpr std::size_t kDatagramHead = 24;   ///< magic, kind, flags, id, number
inline constexpr std::size_t kDatagramBody = 32;   ///< cookie, epoch, mark: before the records, sealed with them
inline constexpr std::size_t kMinDatagram = kDatagramHead + kDatagramBody;
inline constexpr std::size_t kSealTag = 16;
inline constexpr std::size_t kCallRecord = 18;     ///< before the request
inline constexpr std::size_t kAnswerRecord = 12;   ///< before the answer
inline constexpr std::size_t kPureHead = 20;
inline constexpr std::size_t kMinPureCall = 64;

enum class DatagramKind : std::uint8_t { call = 1, answer = 2, cookie = 3 };
/// The flags byte; they do not go together.
enum class DatagramForm : std::uint8_t { plain = 0, pure = 1, sealed = 2 };

/// Of a plain or sealed datagram.
struct DatagramHead {
  DatagramKind kind = DatagramKind::call;
  DatagramForm form = DatagramForm::plain;
  std::uint64_t id = 0;      ///< the caller's: given by the server (plain), or of its session (sealed)
  std::uint64_t number = 0;  ///< of the packet (sealed), or what the caller chose and gets back (plain)
};

using Cookie = std::array<std::uint8_t, 16>;

struct DatagramBody {
  Cookie cookie{};          ///< zeros: none
  std::uint64_t epoch = 0;  ///< boot epoch of the server; 0 when it is not known yet
  /// Calls: every sequence number below is done with. A cookie: the first 8 bytes of the one that was refused. Answers: 0.
  std::uint64_t mark = 0;
};

struct CallRecord {
  std::uint64_t sequence = 0;
  std::uint32_t method = 0;      ///< method_hash()
  std::uint32_t timeout_ms = 0;
  BytesView request;
};

enum class AnswerState : std::uint8_t {
  done = 0,
  under_way = 1,  ///< taken, and not answered yet
  use_stream = 2  ///< done, and the answer is too long for a datagram
};

struct AnswerRecord {
  std::uint64_t sequence = 0;
  AnswerState state = AnswerState::done;
  std::uint8_t status = 0;  ///< of b2 (§5)
  BytesView payload;        ///< the answer, or a sentence about the failure
};

struct PureCall {
  std::uint32_t method = 0;
  std::uint64_t nonce = 0;  ///< comes back
  BytesView request;
};

struct PureAnswer {
  std::uint16_t status = 0;
  std::uint32_t method = 0;
  std::uint64_t nonce = 0;
  BytesView payload;
};

/// The first four bytes, little-endian, of SHA-256("SERVICE/METHOD").
std::uint32_t method_hash(std::string_view service, std::string_view method);

/// The form of a datagram by its first bytes; nothing for what is none, or is longer or shorter than its form may be.
std::optional<DatagramForm> form_of(BytesView datagram);

/// Only for what form_of() told to be plain or sealed. Malformed where a field is none that may be there.
Result<DatagramHead> read_head(BytesView datagram);
/// What is behind the head, opened where it was sealed: the body, then its records. malformed unless the records end where it does.
Result<DatagramBody> read_calls(BytesView body, std::vector<CallRecord>& records);
Result<DatagramBody> read_answers(BytesView body, std::vector<AnswerRecord>& records);

/// A malformed one tells its method and nonce all the same.
Status read_pure_call(BytesView datagram, PureCall& call);
Result<PureAnswer> read_pure_answer(BytesView datagram);
/// Padded with zeros to `length`, kMinPureCall … kMaxDatagram, which its answer is not longer than; exhausted when the request needs more.
Result<Bytes> write_pure_call(const PureCall& call, std::size_t length = kMaxDatagram);
/// At most `limit` bytes: an answer that needs more becomes a failure with status 8, and a text is cut.
Bytes write_pure_answer(const PureAnswer& answer, std::size_t limit);

/// What a record may carry at most.
constexpr std::size_t record_room(DatagramForm form, std::size_t record) {
  return kMaxDatagram - kMinDatagram - (form == DatagramForm::sealed ? kSealTag : 0) - record;
}

/// Puts a plain datagram together, or one to be sealed: the caller does that to what is behind the head.
class DatagramWriter {
 public:
  DatagramWriter(const DatagramHead& head, const DatagramBody& body);

  /// Whether a record of so many bytes, its own head included, still fits.
  bool fits(std::size_t record) const { return out_.size() + record + (sealed_ ? kSealTag : 0) <= kMaxDatagram; }
  void add(const CallRecord& call);
  void add(const AnswerRecord& answer);
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
  bool sealed_;
};

/// At most `room` bytes of UTF-8, cut between characters.
std::string_view cut_text(std::string_view text, std::size_t room);

}  // namespace ghost::b2
