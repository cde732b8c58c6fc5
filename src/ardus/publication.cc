#include "ardus/publication.h"

namespace ghost::ardus {

namespace {

constexpr std::string_view kPublicationMagic = "ARDUSPB1";
constexpr std::size_t kMostCertificates = 4, kLargestCertificate = 16 * 1024;

}  // namespace

Bytes encode_publication(const Publication& publication) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(kPublicationMagic)).u8(static_cast<std::uint8_t>(publication.certificates.size()));
  for (const Bytes& certificate : publication.certificates) out.u16(static_cast<std::uint16_t>(certificate.size())).bytes(certificate);
  out.bytes(publication.manifest);
  return bytes;
}

Result<Publication> parse_publication(BytesView bytes) {
  const auto bad = [](std::string_view why) { return Error{Errc::malformed, "publication: " + std::string(why)}; };
  ByteReader in(bytes);
  if (as_text(in.take(kPublicationMagic.size())) != kPublicationMagic) return bad("it does not begin as one; its name ends in .ardus");
  Publication publication;
  const std::uint8_t count = in.u8();
  if (count > kMostCertificates) return bad("more certificates than four");
  for (std::uint8_t i = 0; i < count; ++i) {
    const std::uint16_t size = in.u16();
    if (size > kLargestCertificate) return bad("a certificate longer than 16 KiB");
    publication.certificates.push_back(to_bytes(in.take(size)));
  }
  if (!in.ok()) return bad("it is cut off");
  publication.manifest = to_bytes(in.rest());
  return publication;
}

std::string chunk_path(const Digest& hash) {
  const std::string hex = to_hex(hash);
  return "chunks/" + hex.substr(0, 2) + "/" + hex;
}

}  // namespace ghost::ardus
