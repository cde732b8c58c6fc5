#include "ardus/publication.h"

#include <gtest/gtest.h>

namespace ghost::ardus {
namespace {

TEST(Publication, ComesBackAsItWasWritten) {
  const Publication publication{{{1, 2, 3}, {}}, to_bytes(as_bytes("a manifest"))};
  const Bytes bytes = encode_publication(publication);
  const Publication read = parse_publication(bytes).value();
  EXPECT_EQ(read.certificates, publication.certificates);
  EXPECT_EQ(read.manifest, publication.manifest);
  EXPECT_TRUE(parse_publication(encode_publication({})).value().certificates.empty());
}

TEST(Publication, RefusesWhatIsNone) {
  const Bytes bytes = encode_publication({{Bytes(40, 7)}, {}});
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_publication(BytesView(bytes).first(size))) << size;
  EXPECT_FALSE(parse_publication(encode_publication({std::vector<Bytes>(5), {}}))) << "five certificates";
  EXPECT_FALSE(parse_publication(encode_publication({{Bytes(16'385)}, {}}))) << "a long certificate";
  EXPECT_FALSE(parse_publication(as_bytes("<html>404</html>")));
}

TEST(Publication, NamesChunksByTheirHash) {
  EXPECT_EQ(chunk_path(sha256({})), "chunks/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace ghost::ardus
