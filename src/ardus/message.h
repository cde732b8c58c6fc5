#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ardus/payload.h"
#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/sha256.h"

/// The one place that knows byte offsets of ARDUS's datagrams (docs/spec/ardus.md §2). Numbers are little-endian.
namespace ghost::ardus {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::uint16_t kControlPort = 1117;  ///< ardus-mtrns: tcp control, udp announcements
inline constexpr std::uint16_t kReportPort = 1834;   ///< ardusuni: reports, unicast repair
inline constexpr std::uint16_t kDataPort = 1835;     ///< ardusmul: the data groups

enum class MessageType : std::uint8_t {
  data = 1,        ///< a source symbol, to the group
  parity = 2,      ///< a parity symbol, to the group
  repair = 3,      ///< a symbol to one receiver
  plan = 4,        ///< what the sender is about to repair
  window_end = 5,  ///< everything of a window that was due has been sent
  probe = 6,       ///< asks some or, as a census, named receivers for a report
  report = 7,      ///< a receiver's state and deficits
  announce = 8,    ///< a session and where to join it
  digest = 9,      ///< what symbols are known by, while a member forges some
  trial = 10       ///< whether datagrams of its size come through, before the session begins
};

/// What a datagram claims to be; nothing when it is empty, of another version or of no known type.
std::optional<MessageType> message_type(BytesView datagram);
/// The session it claims to be of, which every type has at the same place; nothing when it is too short.
std::optional<std::uint32_t> session_of(BytesView datagram);

// --- DATA, PARITY, REPAIR: §2.1 -----------------------------------------------------------------------------------------

inline constexpr std::size_t kDataHeader = 24;
inline constexpr std::size_t kTagSize = 16;
constexpr std::size_t data_datagram(Layout layout) { return kDataHeader + symbol_size(layout) + kTagSize; }
inline constexpr std::size_t kDataDatagram = data_datagram(Layout::standard);      ///< 1,448
inline constexpr std::size_t kLongestDatagram = data_datagram(Layout::jumbo);      ///< 8,872: of all there are
inline constexpr std::uint8_t kSchemeCauchy = 1;  ///< §4

struct DataHeader {
  MessageType type = MessageType::data;
  std::uint8_t epoch = 0;
  std::uint32_t session = 0;
  std::uint64_t number = 0;  ///< of the packet on its path: the AEAD's nonce and the counter of losses
  BlockIndex block;
  SymbolIndex symbol;
  std::uint16_t rate = 0;  ///< Mbit/s the sender sends at, rounded up; advisory

  friend bool operator==(const DataHeader&, const DataHeader&) = default;
};

/// Writes kDataHeader bytes.
void write_data_header(const DataHeader& header, std::uint8_t* at);
/// Nothing unless the datagram is as long as the session's layout has it, with flags 0, scheme 1 and a symbol that fits the type.
std::optional<DataHeader> read_data_header(BytesView datagram, Layout layout = Layout::standard);

// --- PLAN, WINDOW_END, PROBE: §2.2, signed by the sender -----------------------------------------------------------------

inline constexpr std::size_t kMaxRuns = 128;

struct BlockRun {
  BlockIndex first;
  std::uint16_t count = 0;    ///< at least 1
  std::uint16_t symbols = 0;  ///< PLAN: that will follow for each of them; WINDOW_END: repair symbols sent so far
  friend bool operator==(const BlockRun&, const BlockRun&) = default;
};

struct ReceiverRun {
  ReceiverNumber first;
  std::uint32_t count = 0;  ///< at least 1
  friend bool operator==(const ReceiverRun&, const ReceiverRun&) = default;
};

/// PROBE, where the rate goes by what each way carries (§5.10): what receivers measure theirs by.
struct PathQuestion {
  std::uint32_t time = 0;        ///< µs of the sender's clock, modulo 2^32, when it left
  std::uint32_t rate = 0;        ///< kbit/s on the wire: who could get less says so unasked; 0: nobody
  ReceiverNumber limiting;       ///< whose way the rate goes by: answers at once; 0: nobody's
  ReceiverNumber told;           ///< whose round trip follows; 0: nobody's
  std::uint32_t round_trip = 0;  ///< µs
  std::uint32_t longest = 0;     ///< µs: of all; who was not told its own goes by it

  friend bool operator==(const PathQuestion&, const PathQuestion&) = default;
};

/// What steers the whole group.
struct Control {
  MessageType type = MessageType::probe;  ///< plan, window_end or probe
  bool digests = false;                   ///< a member forges symbols: those of the group are taken only as DIGESTs name them
  bool answer_now = false;                ///< whoever gets it reports at once and in full: unicast WINDOW_END
  bool listen_again = false;              ///< PROBE to one that has left the group: it is sent to more slowly
  std::uint8_t epoch = 0;
  std::uint32_t session = 0;
  std::uint64_t sequence = 0;  ///< of control messages, from 1, strictly increasing
  std::uint64_t sent = 0;      ///< packet numbers below this have been used on the path it comes by
  std::uint32_t ended = 0;     ///< blocks below this have been sent once
  std::uint32_t backoff = 0;   ///< µs: T_max of §5.3
  std::uint32_t group = 0;     ///< receivers in the session
  std::uint32_t sample = 0;    ///< one in so many answers although it lacks nothing; 0: none
  std::uint32_t window = 0;    ///< PLAN, WINDOW_END: its serial number
  std::uint16_t due = 0;       ///< PLAN: ms until what it promises has been sent
  std::vector<BlockRun> blocks;
  std::uint16_t census = 0;    ///< PROBE: the number of the census, 0 for none
  std::uint32_t slots = 0;     ///< PROBE: µs over which the receivers asked spread their answers
  std::vector<ReceiverRun> receivers;  ///< PROBE: who is asked
  std::optional<PathQuestion> path;    ///< PROBE

  friend bool operator==(const Control&, const Control&) = default;
};

/// The whole datagram but for its signature; at most kMaxRuns runs are written.
Bytes write_control(const Control& control);
/// Of a whole datagram, signature included, which must be checked before anything in it is believed. malformed says what is wrong.
Result<Control> read_control(BytesView datagram);
/// Splits a signed datagram: what was signed, and the signature (empty when it is too short to have one).
struct SignedParts {
  BytesView message;
  BytesView signature;
};
SignedParts split_signature(BytesView datagram);

// --- DIGEST: §2.5, signed by the sender -----------------------------------------------------------------------------------

using SymbolDigest = std::array<std::uint8_t, 16>;
inline constexpr std::size_t kMaxDigests = 64;

struct DigestList {
  std::uint32_t session = 0;
  BlockIndex block;
  SymbolIndex first;
  std::vector<SymbolDigest> digests;  ///< of the symbols first, first + 1, …: 1 … kMaxDigests

  friend bool operator==(const DigestList&, const DigestList&) = default;
};

/// The whole datagram but for its signature.
Bytes write_digests(const DigestList& list);
/// Of a whole datagram, signature included, which must be checked before anything in it is believed.
Result<DigestList> read_digests(BytesView datagram);

// --- TRIAL: §2.6, signed by the sender -------------------------------------------------------------------------------------

inline constexpr std::size_t kShortTrial = 72;  ///< bytes; the long one has kLongestDatagram

struct Trial {
  std::uint16_t round = 0;      ///< one long datagram and then a short one each, from 0
  std::uint32_t session = 0;
  bool is_long = false;

  friend bool operator==(const Trial&, const Trial&) = default;
};

/// The whole datagram but for its signature.
Bytes write_trial(const Trial& trial);
/// Of a whole datagram, signature included, which must be checked before anything in it is believed.
Result<Trial> read_trial(BytesView datagram);

// --- REPORT: §2.3, sealed with the receiver's key ------------------------------------------------------------------------

inline constexpr std::size_t kReportHeader = 20;
inline constexpr std::size_t kMaxReportBody = 1200;

/// How a receiver fares. The value is on the wire.
enum class ReceiverPhase : std::uint8_t { receiving = 1, complete = 2, verified = 3, failed = 4 };

struct ReportHeader {
  ReceiverPhase phase = ReceiverPhase::receiving;
  std::uint32_t session = 0;
  std::uint64_t number = 0;  ///< the AEAD's nonce
  ReceiverNumber receiver;
  std::uint8_t epoch = 0;    ///< the newest of path 0 whose secret it knows
  bool suspects = false;     ///< it met what a member forged, or waits for digests of the blocks it names
  bool measured = false;     ///< its body has a PathReport
  friend bool operator==(const ReportHeader&, const ReportHeader&) = default;
};

/// A run of blocks that each lack the same number of symbols.
struct DeficitRun {
  BlockIndex first;
  std::uint32_t count = 0;     ///< at least 1
  std::uint8_t deficit = 0;    ///< 1 … 128
  friend bool operator==(const DeficitRun&, const DeficitRun&) = default;
};

/// How the group's path to a receiver is; told where a PathQuestion was heard.
struct PathReport {
  std::uint32_t loss_events = 0;  ///< of 2^32 - 1: loss events for each packet (RFC 5348); 0: none yet
  std::uint32_t events = 0;       ///< loss events so far, modulo 2^32
  std::uint32_t received = 0;     ///< kbit/s on the wire of late
  std::uint32_t one_way = 0;      ///< µs, modulo 2^32: its clock less the last PathQuestion's time

  friend bool operator==(const PathReport&, const PathReport&) = default;
};

struct ReportBody {
  bool more = false;      ///< there are deficits that found no room
  bool backlog = false;   ///< the disk does not keep up
  bool away = false;      ///< it does not listen to the group: it can't hear it, or it has left
  bool everything = false;///< the deficits are all there are, not only those of the windows that ended
  std::uint32_t echo = 0;       ///< low half of the sequence of the last control message heard; 0 for none
  std::uint32_t echo_delay = 0; ///< µs since then
  std::uint64_t seen = 0;       ///< packet numbers below this have come or are lost, on the group's path
  std::uint32_t unicast_seen = 0;  ///< the same on the receiver's own path
  std::uint16_t loss = 0;          ///< of late, of 65,535, on the group's path
  std::uint16_t unicast_loss = 0;
  std::uint32_t done = 0;    ///< blocks held
  std::uint16_t census = 0;  ///< that this answers; 0 for none
  std::optional<PathReport> path;
  std::vector<DeficitRun> deficits;  ///< ascending, apart from each other

  friend bool operator==(const ReportBody&, const ReportBody&) = default;
};

void write_report_header(const ReportHeader& header, std::uint8_t* at);
std::optional<ReportHeader> read_report_header(BytesView datagram);
/// At most kMaxReportBody bytes: deficits that find no room are left out and `more` is set.
Bytes write_report_body(const ReportBody& body);
/// @param measured  as its header has it
Result<ReportBody> read_report_body(BytesView body, bool measured);

// --- ANNOUNCE: §2.4, signed by the sender --------------------------------------------------------------------------------

inline constexpr std::size_t kMaxAnnouncedName = 64;

/// An IP address as it stands in a datagram.
struct WireAddress {
  std::uint8_t family = 4;  ///< 4 or 6
  std::array<std::uint8_t, 16> bytes{};  ///< the first four for IPv4
  friend bool operator==(const WireAddress&, const WireAddress&) = default;
};

struct Announcement {
  std::uint32_t session = 0;
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;  ///< UTC, since 1970
  PublicKey sender{};
  Digest content{};           ///< the manifest's Merkle root
  std::uint64_t bytes = 0;    ///< of all files
  std::uint32_t rate = 0;     ///< kbit/s on the wire at most; 0: not known yet
  std::uint16_t control_port = kControlPort;
  WireAddress control;        ///< where to join, by TLS
  WireAddress group;          ///< of the data; the same family
  bool ip4_too = false;       ///< of IPv6: the session is announced by IPv4 on that link, too …
  bool beyond_too = false;    ///< … or, of a link-local address, by one that reaches beyond the link
  std::string name;           ///< of the transfer, for people: UTF-8, at most 64 bytes, to be made printable

  friend bool operator==(const Announcement&, const Announcement&) = default;
};

/// The whole datagram but for its signature.
Bytes write_announcement(const Announcement& announcement);
/// Of a whole datagram, signature included and checked: malformed or unauthenticated otherwise.
Result<Announcement> read_announcement(BytesView datagram);
/// The whole datagram.
Bytes sign_announcement(const Announcement& announcement, const KeyPair& sender);

inline constexpr std::string_view kAnnounceDomain = "ardus announce";
inline constexpr std::string_view kControlDomain = "ardus control";
inline constexpr std::string_view kDigestDomain = "ardus digest";

}  // namespace ghost::ardus
