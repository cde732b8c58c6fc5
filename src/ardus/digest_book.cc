#include "ardus/digest_book.h"

#include <algorithm>

#include "base/sha256.h"

namespace ghost::ardus {

SymbolDigest symbol_digest(BytesView symbol) {
  const Digest whole = sha256(symbol);
  SymbolDigest out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

DigestBook::Page* DigestBook::page(BlockIndex block) {
  if (const auto at = pages_.find(block); at != pages_.end()) return &at->second;
  if (pages_.size() >= most_) {
    const auto last = std::prev(pages_.end());
    if (last->first < block) return nullptr;
    pages_.erase(last);
  }
  return &pages_[block];
}

const DigestBook::Page* DigestBook::find(BlockIndex block) const {
  const auto at = pages_.find(block);
  return at == pages_.end() ? nullptr : &at->second;
}

void DigestBook::add(const DigestList& list) {
  Page* const page = this->page(list.block);
  if (page == nullptr) return;
  page->digests.resize(kSymbolEnd);
  for (std::size_t i = 0; i < list.digests.size() && list.first.value + i < kSymbolEnd; ++i) {
    page->digests[list.first.value + i] = list.digests[i];
    page->known.set(list.first.value + i);
  }
}

DigestBook::Verdict DigestBook::judge(BlockIndex block, SymbolIndex symbol, BytesView bytes) const {
  const Page* const page = find(block);
  if (page == nullptr || !page->known[symbol.value]) return Verdict::unknown;
  return page->digests[symbol.value] == symbol_digest(bytes) ? Verdict::right : Verdict::wrong;
}

bool DigestBook::knows(BlockIndex block, SymbolIndex symbol) const {
  const Page* const page = find(block);
  return page != nullptr && page->known[symbol.value];
}

void DigestBook::set_right(BlockIndex block, SymbolIndex symbol) {
  if (Page* const page = this->page(block)) page->right.set(symbol.value);
}

bool DigestBook::is_right(BlockIndex block, SymbolIndex symbol) const {
  const Page* const page = find(block);
  return page != nullptr && page->right[symbol.value];
}

std::size_t DigestBook::right(BlockIndex block) const {
  const Page* const page = find(block);
  return page == nullptr ? 0 : page->right.count();
}

void DigestBook::restart(BlockIndex block) {
  if (const auto at = pages_.find(block); at != pages_.end()) at->second.right.reset();
}

}  // namespace ghost::ardus
