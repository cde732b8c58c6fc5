#pragma once
#include <filesystem>
#include <optional>

#include "ardus/http_fetch_service.h"
#include "ardus/metadata_service.h"
#include "ardus/publication.h"
#include "b2/membership.h"

namespace ghost::ardus {

/// Who published what a web server hands out, as far as this node can tell.
struct Publisher {
  std::string name;  ///< in the house; the words of its id outside
  PublicKey key{};
};

/// Whether a manifest may be taken from the web: its publisher is a member of this node's house with the role send or admin, or the node
/// named by `only` (its name in the house, words or id). A web server is never trusted, whatever its certificate.
Result<Publisher> judge_publisher(const b2::NodeState& node, const Publication& publication, const Manifest& manifest, const std::string& only, WallTime now);

/// Takes one publication into a folder, by way of the same staging folder and journal as a session: each goes on where the other stopped.
class WebReceiver {
 public:
  struct Wish {
    std::filesystem::path into;
    HttpFetch::Wish from;
    std::string publisher;                     ///< as judge_publisher() has it; "" for any member that may send
    std::vector<std::filesystem::path> seeds;
    Owners owners = Owners::own;
  };
  struct Progress {
    std::string doing, name, publisher;
    ContentId content{};
    std::uint64_t files = 0, bytes = 0, bytes_done = 0;
    std::uint64_t fetched = 0;                 ///< bytes that came from web servers, wrong ones too
  };
  WebReceiver(const b2::NodeState& node, Wish wish, std::function<void(const Progress&)> changed) : node_(node), wish_(std::move(wish)), changed_(std::move(changed)) {}

  /// Fetches what is missing, commits, and keeps the receipt; with everything in place already nothing but the publication is fetched.
  Status run();
  const Progress& progress() const { return progress_; }

 private:
  void tell(std::string doing);
  const b2::NodeState& node_;
  Wish wish_;
  std::function<void(const Progress&)> changed_;
  Progress progress_;
};

}  // namespace ghost::ardus
