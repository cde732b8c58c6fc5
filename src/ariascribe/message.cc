#include "ariascribe/message.h"

#include <algorithm>

namespace ghost::ariascribe {

namespace {

constexpr std::string_view kMagic = "b2u1";
constexpr std::uint8_t kCall = 1, kAnswer = 2, kPure = 1;
/// The first four bytes, little-endian, of SHA-256("ariascribe.v1.Catalogue/Identify").
constexpr std::uint32_t kIdentify = 0xabf4d163;
constexpr std::size_t kHeader = 20, kMostResults = 3, kLongestText = 255;

void header(ByteWriter& writer, std::uint8_t kind, std::uint16_t status, std::uint64_t nonce) {
  writer.bytes(as_bytes(kMagic)).u8(kind).u8(kPure).u16(status).u32(kIdentify).u64(nonce);
}

/// At most 255 bytes, cut between characters.
std::string_view short_text(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

Bytes result_bytes(const LookupResult& result) {
  Bytes body;
  ByteWriter writer(body);
  writer.u8(result.confidence).u8(result.band).u16(result.movement_no);
  for (const std::string* text : {&result.work_id, &result.composer, &result.work, &result.catalogue, &result.key, &result.movement}) {
    const std::string_view cut = short_text(*text);
    writer.u8(static_cast<std::uint8_t>(cut.size())).bytes(as_bytes(cut));
  }
  return body;
}

}  // namespace

Result<Bytes> encode_call(const LookupCall& call, std::size_t pad_to) {
  Bytes out;
  ByteWriter writer(out);
  header(writer, kCall, 0, call.nonce);
  for (const std::string* text : {&call.title, &call.composer, &call.album, &call.artist}) {
    if (text->size() > kMaxLookupBytes) return Error{Errc::exhausted, "a text of " + std::to_string(text->size()) + " bytes does not fit a datagram of 1,200; call ariascribe.v1.Catalogue/Identify instead"};
    writer.u16(static_cast<std::uint16_t>(text->size())).bytes(as_bytes(*text));
  }
  if (out.size() > kMaxLookupBytes) return Error{Errc::exhausted, "the texts need " + std::to_string(out.size()) + " bytes, a datagram has 1,200; call ariascribe.v1.Catalogue/Identify instead"};
  out.resize(std::clamp(pad_to, std::max(out.size(), kMinLookupBytes), kMaxLookupBytes), 0);
  return out;
}

tl::expected<LookupCall, LookupProblem> decode_call(BytesView datagram) {
  const auto ignored = [](std::string_view why) { return tl::unexpected(LookupProblem{{Errc::malformed, std::string(why)}, true, 0}); };
  if (datagram.size() < kMinLookupBytes || datagram.size() > kMaxLookupBytes) return ignored("a look-up has 64 to 1,200 bytes");
  ByteReader reader(datagram);
  if (as_text(reader.take(kMagic.size())) != kMagic) return ignored("it does not begin with b2u1");
  const std::uint8_t kind = reader.u8(), flags = reader.u8();
  if (kind != kCall) return ignored("it is no call");
  const std::uint16_t status = reader.u16();
  const std::uint32_t method = reader.u32();
  LookupCall call;
  call.nonce = reader.u64();
  const auto wrong = [&](Errc code, std::string_view why) { return tl::unexpected(LookupProblem{{code, std::string(why)}, false, call.nonce}); };
  if (flags != kPure || status != 0) return wrong(Errc::malformed, "flags are PURE alone, and a call's status is 0");
  if (method != kIdentify) return wrong(Errc::unsupported, "the method is not ariascribe.v1.Catalogue/Identify");
  for (std::string* text : {&call.title, &call.composer, &call.album, &call.artist}) {
    const std::uint16_t length = reader.u16();
    if (!reader.ok() || length > reader.remaining()) return wrong(Errc::malformed, "a text is longer than the datagram");
    *text = as_text(reader.take(length));
  }
  const BytesView padding = reader.rest();
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t byte) { return byte != 0; })) return wrong(Errc::malformed, "padding is zeros");
  return call;
}

Bytes encode_answer(const LookupAnswer& answer, std::size_t limit) {
  limit = std::min(limit, kMaxLookupBytes);
  Bytes out, results;
  std::uint8_t count = 0;
  for (const LookupResult& each : answer.results) {
    const Bytes body = result_bytes(each);
    if (count == kMostResults || kHeader + 1 + results.size() + 2 + body.size() > limit) break;
    ByteWriter(results).u16(static_cast<std::uint16_t>(body.size())).bytes(body);
    ++count;
  }
  // Found, but the caller left no room for it.
  const std::uint16_t status = answer.status == 0 && count == 0 && !answer.results.empty() ? static_cast<std::uint16_t>(Errc::exhausted) : answer.status;
  ByteWriter writer(out);
  header(writer, kAnswer, status, answer.nonce);
  writer.u8(count).bytes(results);
  return out;
}

Result<LookupAnswer> decode_answer(BytesView datagram) {
  const auto wrong = [](std::string_view why) { return Error{Errc::malformed, "answer to a look-up: " + std::string(why)}; };
  if (datagram.size() > kMaxLookupBytes) return wrong("it is longer than 1,200 bytes");
  ByteReader reader(datagram);
  if (as_text(reader.take(kMagic.size())) != kMagic || reader.u8() != kAnswer || reader.u8() != kPure) return wrong("it does not begin as one");
  LookupAnswer answer;
  answer.status = reader.u16();
  const std::uint32_t method = reader.u32();
  answer.nonce = reader.u64();
  const std::uint8_t count = reader.u8();
  if (!reader.ok() || method != kIdentify || count > kMostResults) return wrong("its header makes no sense");
  for (std::uint8_t i = 0; i < count; ++i) {
    ByteReader body(reader.take(reader.u16()));
    LookupResult result;
    result.confidence = body.u8();
    result.band = body.u8();
    result.movement_no = body.u16();
    for (std::string* text : {&result.work_id, &result.composer, &result.work, &result.catalogue, &result.key, &result.movement}) *text = as_text(body.take(body.u8()));
    if (!reader.ok() || !body.ok() || body.remaining() != 0 || result.band < 1 || result.band > 3) return wrong("a result is damaged");
    answer.results.push_back(std::move(result));
  }
  if (reader.remaining() != 0) return wrong("something stands behind its results");
  return answer;
}

}  // namespace ghost::ariascribe
