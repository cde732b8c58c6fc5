#include "b2/one_time_code.h"

#include <algorithm>
#include <vector>

#include "b2/words.h"
#include "base/random.h"
#include "base/text.h"

namespace ghost::b2 {

namespace {

constexpr std::string_view kIdInfo = "ghostlight one-time code id";
constexpr std::string_view kProofInfo = "ghostlight one-time code proof";
constexpr std::string_view kCheckTag = "ghostlight one-time code 1";
constexpr std::size_t kWordsInGroup = 4;

std::uint16_t check_of(BytesView payload) {
  const Digest digest = Sha256().update(as_bytes(kCheckTag)).update(payload).finish();
  return static_cast<std::uint16_t>(digest[0] << 8 | digest[1]);
}

Digest proof_under(BytesView key, std::string_view purpose, BytesView exporter, BytesView public_key) {
  Bytes message;
  ByteWriter(message)
      .u8(static_cast<std::uint8_t>(purpose.size())).bytes(as_bytes(purpose))
      .u8(static_cast<std::uint8_t>(exporter.size())).bytes(exporter)
      .bytes(public_key);
  return hmac_sha256(key, message);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool separates(char c) { return std::string_view(" \t\r\n-_.,").find(c) != std::string_view::npos; }

// What a word processor makes of a dash or a space.
bool skip_typographic(std::string_view& text) {
  for (std::string_view mark : {"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u00a0", "\u202f"}) {
    if (!text.starts_with(mark)) continue;
    text.remove_prefix(mark.size());
    return true;
  }
  return false;
}

Error bad_word(std::size_t index, std::string_view word, std::string_view why) {
  return {Errc::malformed, "the code's word " + std::to_string(index + 1) + ", '" + printable(word) + "', " + std::string(why)};
}

// A run of letters is one word, or several typed without anything between.
Result<std::vector<std::string_view>> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    if (separates(text[0])) {
      text.remove_prefix(1);
      continue;
    }
    if (skip_typographic(text)) continue;
    const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
    std::string_view run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    if (run.empty()) return bad_word(words.size(), text.substr(0, 5), "begins with what is no letter: a code is made of letters only");
    text.remove_prefix(run.size());
    if (run.size() % 5 != 0) return bad_word(words.size(), run, "has " + std::to_string(run.size()) + " letters: every word has five");
    for (; !run.empty(); run.remove_prefix(5)) words.push_back(run.substr(0, 5));
  }
  return words;
}

}  // namespace

bool CodeVerifier::accepts(BytesView proof, std::string_view purpose, BytesView exporter, BytesView public_key) const {
  return equal_in_constant_time(proof, proof_under(proof_key, purpose, exporter, public_key));
}

OneTimeCode OneTimeCode::make(const PublicKey& server_key) {
  OneTimeCode code;
  const Digest hash = sha256(server_key);
  std::copy_n(hash.begin(), kKeyHashSize, code.key_hash_.begin());
  random_bytes(code.secret_);
  return code;
}

Result<OneTimeCode> OneTimeCode::parse(std::string_view text) {
  if (text.size() > kMaxText) return Error{Errc::malformed, "this is no one-time code: it is far too long"};
  auto words = split(text);
  if (!words) return words.error();
  Bytes bytes;
  for (std::size_t i = 0; i < words->size(); ++i) {
    const auto value = value_of_word((*words)[i]);
    if (!value) return bad_word(i, (*words)[i], "is none of a code's words: look it up again");
    bytes.push_back(static_cast<std::uint8_t>(*value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(*value & 255));
  }
  if (words->size() != kWords)
    return Error{Errc::malformed, "a one-time code has " + std::to_string(kWords) + " words, this one " + std::to_string(words->size())};
  const BytesView payload = BytesView(bytes).first(kKeyHashSize + kSecretSize);
  if (check_of(payload) != (bytes[payload.size()] << 8 | bytes[payload.size() + 1]))
    return Error{Errc::malformed, "each word of the code is possible, but the last one, which checks the others, does not fit: "
                                  "one word is another than was told, or two changed places"};
  OneTimeCode code;
  std::copy_n(payload.begin(), kKeyHashSize, code.key_hash_.begin());
  std::copy_n(payload.begin() + kKeyHashSize, kSecretSize, code.secret_.begin());
  wipe(bytes);
  return code;
}

std::string OneTimeCode::joined(char between_groups) const {
  Bytes payload;
  ByteWriter(payload).bytes(key_hash_).bytes(secret_);
  const std::uint16_t check = check_of(payload);
  ByteWriter(payload).u8(static_cast<std::uint8_t>(check >> 8)).u8(static_cast<std::uint8_t>(check & 255));
  std::string text;
  for (std::size_t i = 0; i < payload.size(); i += 2 * kWordsInGroup) {
    if (i != 0) text += between_groups;
    text += words_of(BytesView(payload).subspan(i, std::min(2 * kWordsInGroup, payload.size() - i)));
  }
  wipe(payload);
  return text;
}

std::string OneTimeCode::text() const { return joined('-'); }

std::string OneTimeCode::text_in_lines() const { return joined('\n'); }

bool OneTimeCode::is_for(BytesView server_key) const {
  return equal_in_constant_time(BytesView(sha256(server_key)).first(kKeyHashSize), key_hash_);
}

InvitationId OneTimeCode::id() const {
  InvitationId id;
  const Bytes derived = hkdf_sha256(secret_, key_hash_, kIdInfo, id.size());
  std::copy(derived.begin(), derived.end(), id.begin());
  return id;
}

CodeVerifier OneTimeCode::verifier() const {
  CodeVerifier verifier{id(), {}};
  const Bytes derived = hkdf_sha256(secret_, key_hash_, kProofInfo, verifier.proof_key.size());
  std::copy(derived.begin(), derived.end(), verifier.proof_key.begin());
  return verifier;
}

Digest OneTimeCode::proof(std::string_view purpose, BytesView exporter, BytesView public_key) const {
  return proof_under(verifier().proof_key, purpose, exporter, public_key);
}

}  // namespace ghost::b2
