#include "ariascribe/ape_tags.h"

#include <algorithm>

#include "ariascribe/id3_tags.h"
#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kApeEnd = 32, kId3v1 = 128, kMaxItems = 65'536;
constexpr std::uint32_t kHasHeader = 0x80000000u, kIsHeader = 0x20000000u, kKind = 6;

/// Names that APE has others for, and those that stand with their total in one item.
struct ApeName {
  std::string_view name, key, total;
};
constexpr ApeName kApeNames[] = {{"TRACKNUMBER", "Track", "TRACKTOTAL"}, {"DISCNUMBER", "Disc", "DISCTOTAL"}, {"DATE", "Year", ""}};

const ApeName* ape_name(std::string_view name) {
  const auto* found = std::find_if(std::begin(kApeNames), std::end(kApeNames), [&](const ApeName& each) { return same_name(each.name, name) || (!each.total.empty() && same_name(each.total, name)); });
  return found == std::end(kApeNames) ? nullptr : found;
}
const ApeName* ape_key(std::string_view key) {
  const auto* found = std::find_if(std::begin(kApeNames), std::end(kApeNames), [&](const ApeName& each) { return same_name(each.key, key); });
  return found == std::end(kApeNames) ? nullptr : found;
}

bool is_key(std::string_view key) {
  const bool printable_ascii = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  return key.size() >= 2 && key.size() <= 255 && printable_ascii && !same_name(key, "ID3") && !same_name(key, "TAG") && !same_name(key, "OggS") && !same_name(key, "MP+");
}

Result<std::vector<ApeTag::Item>> items_of(BytesView bytes, std::uint32_t count) {
  std::vector<ApeTag::Item> items;
  for (std::uint32_t i = 0; i < count; ++i) {
    ByteReader reader(bytes);
    const std::uint32_t size = reader.u32(), flags = reader.u32();
    if (!reader.ok()) return Error{Errc::malformed, "the APE tag is damaged: fewer items than it says"};
    const std::string_view rest = as_text(bytes.subspan(8));
    const std::size_t zero = rest.substr(0, 256).find('\0');
    if (zero == std::string_view::npos || size > rest.size() - zero - 1) return Error{Errc::malformed, "the APE tag is damaged: an item is longer than the tag"};
    items.push_back({std::string(rest.substr(0, zero)), flags, to_bytes(bytes.subspan(8 + zero + 1, size))});
    bytes = bytes.subspan(8 + zero + 1 + size);
  }
  return items;
}

}  // namespace

Result<ApeTag> parse_ape(const ByteSource& file) {
  ApeTag tag;
  tag.end = file.size();
  if (file.size() >= kId3v1) {
    const auto last = file.read(file.size() - kId3v1, 3);
    if (!last) return last.error();
    if (as_text(*last) == "TAG") tag.end -= kId3v1;
  }
  tag.offset = tag.end;
  if (tag.end < kApeEnd) return tag;
  const auto footer = file.read(tag.end - kApeEnd, kApeEnd);
  if (!footer) return footer.error();
  if (as_text(BytesView(*footer).first(8)) != "APETAGEX") return tag;
  ByteReader reader(BytesView(*footer).subspan(12));
  const std::uint32_t size = reader.u32(), count = reader.u32(), flags = reader.u32();
  if (size < kApeEnd || size > tag.end) return Error{Errc::malformed, "the APE tag is damaged: it says it has " + std::to_string(size) + " bytes"};
  if (size > kMaxTagBytes || count > kMaxItems) return Error{Errc::exhausted, "the APE tag has " + std::to_string(count) + " items in " + std::to_string(size) + " bytes"};
  const auto content = file.read(tag.end - size, size - kApeEnd);
  if (!content) return content.error();
  auto items = items_of(*content, count);
  if (!items) return items.error();
  tag.items = std::move(*items);
  tag.offset = tag.end - size;
  if ((flags & kHasHeader) != 0 && tag.offset >= kApeEnd) {
    const auto header = file.read(tag.offset - kApeEnd, 8);
    if (!header) return header.error();
    if (as_text(*header) == "APETAGEX") tag.offset -= kApeEnd;
  }
  return tag;
}

std::vector<Tag> ape_tags(const ApeTag& tag) {
  std::vector<Tag> all;
  for (const ApeTag::Item& item : tag.items) {
    if ((item.flags & kKind) != 0) continue;
    const ApeName* row = ape_key(item.key);
    for (const std::string& text : split_at_zeros(utf8_or_latin1(item.value))) {
      if (row == nullptr) {
        all.push_back({upper_name(item.key), text, false});
        continue;
      }
      const NumberOfTotal numbers = row->total.empty() ? NumberOfTotal{text, ""} : number_of_total(text);
      if (!numbers.number.empty()) all.push_back({std::string(row->name), numbers.number, false});
      if (!numbers.total.empty()) all.push_back({std::string(row->total), numbers.total, false});
    }
  }
  return all;
}

Status set_ape_tags(ApeTag& tag, const std::vector<std::string>& names, const std::vector<Tag>& wanted) {
  for (const std::string& name : names) {
    const ApeName* row = ape_name(name);
    const std::string key(row != nullptr ? row->key : name);
    if (!is_key(key)) return Error{Errc::malformed, "'" + key + "' can be no name in an APE tag"};
    std::vector<std::string> values = values_of(wanted, row != nullptr ? std::string(row->name) : name);
    if (row != nullptr && !row->total.empty() && !values.empty()) values = {text_of(NumberOfTotal{values.front(), first_value(wanted, row->total)})};
    const auto is_meant = [&](const ApeTag::Item& item) { return same_name(item.key, key) && (item.flags & kKind) == 0; };
    const auto place = std::find_if(tag.items.begin(), tag.items.end(), is_meant) - tag.items.begin();
    std::erase_if(tag.items, is_meant);
    if (values.empty()) continue;
    ApeTag::Item item{key, 0, {}};
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) item.value.push_back(0);
      append(item.value, as_bytes(values[i]));
    }
    tag.items.insert(tag.items.begin() + place, std::move(item));
  }
  return {};
}

Bytes ape_bytes(const ApeTag& tag) {
  Bytes items;
  for (const ApeTag::Item& item : tag.items) {
    ByteWriter(items).u32(static_cast<std::uint32_t>(item.value.size())).u32(item.flags).bytes(as_bytes(item.key)).u8(0).bytes(item.value);
  }
  const auto mark = [&](std::uint32_t flags) {
    Bytes out = to_bytes(as_bytes("APETAGEX"));
    ByteWriter(out).u32(2000).u32(static_cast<std::uint32_t>(items.size() + kApeEnd)).u32(static_cast<std::uint32_t>(tag.items.size())).u32(flags).u64(0);
    return out;
  };
  Bytes out = mark(kHasHeader | kIsHeader);
  append(out, items);
  append(out, mark(kHasHeader));
  return out;
}

Result<std::vector<Tag>> wavpack_tags(const ByteSource& file) {
  const auto tag = parse_ape(file);
  if (!tag) return tag.error();
  std::vector<Tag> tags = ape_tags(*tag);
  if (tag->items.empty() && tag->end + kId3v1 == file.size()) {
    const auto last = file.read(tag->end, kId3v1);
    if (!last) return last.error();
    tags = id3v1_tags(*last);
  }
  return tags;
}

Result<std::vector<Splice>> wavpack_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  auto tag = parse_ape(file);
  if (!tag) return tag.error();
  const auto before = file.read(tag->offset, static_cast<std::size_t>(file.size() - tag->offset));
  if (!before) return before.error();
  const auto behind = static_cast<std::size_t>(tag->end - tag->offset);
  if (const Status done = set_ape_tags(*tag, names_that_differ(ape_tags(*tag), tags), tags); !done) return done.error();
  Bytes after = ape_bytes(*tag);
  if (after.size() > kMaxTagBytes) return Error{Errc::exhausted, "the APE tag would have " + std::to_string(after.size()) + " bytes"};
  append(after, BytesView(*before).subspan(behind));
  return std::vector<Splice>{{tag->offset, *before, std::move(after)}};
}

}  // namespace ghost::ariascribe
