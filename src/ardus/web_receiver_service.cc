#include "ardus/web_receiver_service.h"

#include "ardus/receipt.h"
#include "ardus/store_service.h"

namespace ghost::ardus {

namespace {

/// Times that chunks which came right, and were wrong on the disk afterwards, are fetched anew.
constexpr int kCommits = 3;

}  // namespace

Result<Publisher> judge_publisher(const b2::NodeState& node, const Publication& publication, const Manifest& manifest, const std::string& only, WallTime now) {
  const b2::NodeId id = b2::NodeId::of_public_key(manifest.publisher);
  const bool named = !only.empty() && (only == id.words() || only == id.hex());
  const b2::HouseTrust* const house = node.house();
  if (named) return Publisher{id.words(), manifest.publisher};
  if (house == nullptr) {
    return Error{Errc::refused, "this node is in no house, so it can't tell whether the publisher, " + id.words() + ", may be trusted: name it with --publisher if it is the one you mean, or join its house with 'ghostlight house join'"};
  }
  const auto member = house->verify_member(publication.certificates, now, "");
  if (!member) return member.error().in("the publisher " + id.words());
  if (member->node != id) return Error{Errc::unauthenticated, "the manifest was signed by another node than the certificate beside it is for"};
  if (!member->roles.has(b2::Role::send) && !member->roles.has(b2::Role::admin)) {
    return Error{Errc::refused, member->name + " (" + id.words() + ") may not send in the house '" + house->name() + "': it has the roles " + member->roles.text()};
  }
  if (!only.empty() && only != member->name) return Error{Errc::refused, "this was published by " + member->name + " (" + id.words() + "), not by '" + only + "'"};
  return Publisher{member->name, manifest.publisher};
}

void WebReceiver::tell(std::string doing) {
  progress_.doing = std::move(doing);
  changed_(progress_);
}

Status WebReceiver::run() {
  const auto now = std::chrono::system_clock::now();
  tell("fetching the manifest from " + wish_.from.urls.front());
  HttpFetch fetch(wish_.from);
  auto bytes = fetch.publication(ManifestLimits().encoded);
  if (!bytes) return bytes.error();
  auto publication = parse_publication(*bytes);
  if (!publication) return publication.error().in(wish_.from.urls.front());
  auto parsed = parse_manifest(publication->manifest);
  if (!parsed) return parsed.error().in(wish_.from.urls.front());
  const auto manifest = std::make_shared<const Manifest>(std::move(*parsed));
  const auto publisher = judge_publisher(node_, *publication, *manifest, wish_.publisher, now);
  if (!publisher) return publisher.error();
  progress_.name = manifest->name;
  progress_.publisher = publisher->name;
  progress_.content = manifest->content;
  progress_.files = manifest->files();
  progress_.bytes = manifest->bytes();
  tell("looking at what is there already");
  Store::Wish store_wish;
  store_wish.target = wish_.into;
  store_wish.manifest = manifest;
  store_wish.encoded = std::move(publication->manifest);
  store_wish.cancelled = wish_.from.cancelled;
  store_wish.seeds = wish_.seeds;
  store_wish.owners = wish_.owners;
  auto store = Store::open(std::move(store_wish));
  if (!store) return store.error();
  for (int tried = 1;; ++tried) {
    progress_.bytes_done = (*store)->bytes_done();
    tell("fetching");
    const ChunkSet wanted = (*store)->missing();
    const Status fetched = fetch.chunks(*manifest, wanted, [&](std::uint32_t chunk, BytesView body) {
      const Status put = (*store)->put(chunk, body);
      progress_.bytes_done = (*store)->bytes_done();
      progress_.fetched = fetch.received();
      changed_(progress_);
      return put;
    });
    // What came is kept, however it ended.
    if (Status synced = (*store)->sync(); !synced) return synced;
    if (!fetched) return fetched;
    tell("reading everything back, and putting it in place");
    const Status committed = (*store)->commit();
    if (committed) break;
    if (committed.error().code != Errc::data_loss || tried == kCommits) return committed;
  }
  Receipt receipt;  // of no session: nobody waits for it
  receipt.content = manifest->content;
  receipt.time_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  receipt.bytes = manifest->bytes();
  receipt.how = Verified::on_arrival | Verified::read_back;
  if ((*store)->was_there()) receipt.how |= static_cast<std::uint8_t>(Verified::was_there);
  return (*store)->keep(encode_receipt(receipt, node_.key()));
}

}  // namespace ghost::ardus
