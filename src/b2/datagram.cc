#include "b2/datagram.h"

#include <algorithm>

#include "base/sha256.h"

namespace ghost::b2 {

namespace {

constexpr std::string_view kDatagramMagic = "b2u1";
constexpr std::size_t kKindAt = 4, kFormAt = 5;

Error bad_datagram(std::string_view why) { return {Errc::malformed, "datagram: " + std::string(why)}; }

void write_body(ByteWriter& out, const DatagramBody& body) { out.bytes(body.cookie).u64(body.epoch).u64(body.mark); }

DatagramBody read_body(ByteReader& in) {
  DatagramBody body;
  const BytesView cookie = in.take(body.cookie.size());
  std::copy(cookie.begin(), cookie.end(), body.cookie.begin());
  body.epoch = in.u64();
  body.mark = in.u64();
  return body;
}

void write_pure_head(ByteWriter& out, DatagramKind kind, std::uint16_t status, std::uint32_t method, std::uint64_t nonce) {
  out.bytes(as_bytes(kDatagramMagic)).u8(static_cast<std::uint8_t>(kind)).u8(static_cast<std::uint8_t>(DatagramForm::pure));
  out.u16(status).u32(method).u64(nonce);
}

bool all_zero(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

std::uint32_t method_hash(std::string_view service, std::string_view method) {
  const Digest digest = Sha256().update(as_bytes(service)).update(as_bytes("/")).update(as_bytes(method)).finish();
  return ByteReader(digest).u32();
}

std::optional<DatagramForm> form_of(BytesView datagram) {
  if (datagram.size() < kPureHead || datagram.size() > kMaxDatagram || as_text(datagram.first(kDatagramMagic.size())) != kDatagramMagic) return std::nullopt;
  const std::uint8_t kind = datagram[kKindAt];
  if (kind < 1 || kind > 3) return std::nullopt;
  switch (datagram[kFormAt]) {
    case 0: return datagram.size() >= kMinDatagram ? std::optional(DatagramForm::plain) : std::nullopt;
    case 1: return kind == 3 || (kind == 1 && datagram.size() < kMinPureCall) ? std::nullopt : std::optional(DatagramForm::pure);
    case 2: return datagram.size() >= kMinDatagram + kSealTag ? std::optional(DatagramForm::sealed) : std::nullopt;
    default: return std::nullopt;
  }
}

Result<DatagramHead> read_head(BytesView datagram) {
  ByteReader in(datagram);
  in.take(kDatagramMagic.size());
  DatagramHead head;
  head.kind = static_cast<DatagramKind>(in.u8());
  head.form = static_cast<DatagramForm>(in.u8());
  const std::uint16_t zero = in.u16();
  head.id = in.u64();
  head.number = in.u64();
  if (!in.ok() || zero != 0) return bad_datagram("its head makes no sense");
  return head;
}

Result<DatagramBody> read_calls(BytesView bytes, std::vector<CallRecord>& records) {
  ByteReader in(bytes);
  const DatagramBody body = read_body(in);
  while (in.ok() && in.remaining() != 0) {
    CallRecord call;
    call.sequence = in.u64();
    call.method = in.u32();
    call.timeout_ms = in.u32();
    call.request = in.take(in.u16());
    if (call.sequence == 0) return bad_datagram("a call numbered 0");
    records.push_back(call);
  }
  if (!in.ok()) return bad_datagram("a call reaches past its end");
  return body;
}

Result<DatagramBody> read_answers(BytesView bytes, std::vector<AnswerRecord>& records) {
  ByteReader in(bytes);
  const DatagramBody body = read_body(in);
  while (in.ok() && in.remaining() != 0) {
    AnswerRecord answer;
    answer.sequence = in.u64();
    const std::uint8_t state = in.u8();
    answer.state = static_cast<AnswerState>(state);
    answer.status = in.u8();
    answer.payload = in.take(in.u16());
    if (state > 2 || (state != 0 && (answer.status != 0 || !answer.payload.empty()))) return bad_datagram("an answer that is none");
    records.push_back(answer);
  }
  if (!in.ok()) return bad_datagram("an answer reaches past its end");
  return body;
}

Status read_pure_call(BytesView datagram, PureCall& call) {
  ByteReader in(datagram);
  in.take(kFormAt + 1);
  const std::uint16_t status = in.u16();
  call.method = in.u32();
  call.nonce = in.u64();
  call.request = in.take(in.u16());
  if (!in.ok()) return bad_datagram("the request reaches past its end");
  if (status != 0 || !all_zero(in.rest())) return bad_datagram("a call's status and padding are zeros");
  return {};
}

Result<PureAnswer> read_pure_answer(BytesView datagram) {
  ByteReader in(datagram);
  in.take(kFormAt + 1);
  PureAnswer answer;
  answer.status = in.u16();
  answer.method = in.u32();
  answer.nonce = in.u64();
  answer.payload = in.rest();
  if (!in.ok()) return bad_datagram("an answer without a head");
  return answer;
}

Result<Bytes> write_pure_call(const PureCall& call, std::size_t length) {
  const std::size_t needed = kPureHead + 2 + call.request.size();
  if (needed > kMaxDatagram) {
    return Error{Errc::exhausted, "a request of " + std::to_string(call.request.size()) + " bytes does not fit a datagram of " + std::to_string(kMaxDatagram)};
  }
  Bytes out;
  out.reserve(kMaxDatagram);
  ByteWriter writer(out);
  write_pure_head(writer, DatagramKind::call, 0, call.method, call.nonce);
  writer.u16(static_cast<std::uint16_t>(call.request.size())).bytes(call.request);
  out.resize(std::clamp(length, std::max(needed, kMinPureCall), kMaxDatagram), 0);
  return out;
}

Bytes write_pure_answer(const PureAnswer& answer, std::size_t limit) {
  const std::size_t room = std::min(limit, kMaxDatagram) - kPureHead;
  std::uint16_t status = answer.status;
  BytesView payload = answer.payload;
  std::string why;
  if (status == 0 && payload.size() > room) {
    status = static_cast<std::uint16_t>(Errc::exhausted);
    why = "the answer has " + std::to_string(payload.size()) + " bytes, the call left room for " + std::to_string(room);
    payload = as_bytes(why);
  }
  if (status != 0) payload = as_bytes(cut_text(as_text(payload), room));
  Bytes out;
  out.reserve(kPureHead + payload.size());
  ByteWriter writer(out);
  write_pure_head(writer, DatagramKind::answer, status, answer.method, answer.nonce);
  writer.bytes(payload);
  return out;
}

DatagramWriter::DatagramWriter(const DatagramHead& head, const DatagramBody& body) : sealed_(head.form == DatagramForm::sealed) {
  out_.reserve(kMaxDatagram);
  ByteWriter writer(out_);
  writer.bytes(as_bytes(kDatagramMagic)).u8(static_cast<std::uint8_t>(head.kind)).u8(static_cast<std::uint8_t>(head.form)).u16(0);
  writer.u64(head.id).u64(head.number);
  write_body(writer, body);
}

void DatagramWriter::add(const CallRecord& call) {
  ByteWriter(out_).u64(call.sequence).u32(call.method).u32(call.timeout_ms).u16(static_cast<std::uint16_t>(call.request.size())).bytes(call.request);
}

void DatagramWriter::add(const AnswerRecord& answer) {
  ByteWriter(out_).u64(answer.sequence).u8(static_cast<std::uint8_t>(answer.state)).u8(answer.status);
  ByteWriter(out_).u16(static_cast<std::uint16_t>(answer.payload.size())).bytes(answer.payload);
}

std::string_view cut_text(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text;
  while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xc0) == 0x80) --room;
  return text.substr(0, room);
}

}  // namespace ghost::b2
