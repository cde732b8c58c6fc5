#include "ariascribe/mp4_tags.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

#include "ariascribe/tag_names.h"
#include "ariascribe/tag_text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kAtomHeader = 8, kMaxAtoms = 100'000, kMaxItem = 1024 * 1024, kFreeRoom = 1024;
constexpr std::string_view kMean = "com.apple.iTunes", kTotalItem = "\xa9mvc", kMoveItem = "\xa9mvi";
constexpr std::uint32_t kUtf8 = 1, kUtf16 = 2, kInteger = 21;

struct Atom {
  std::string type;
  std::uint64_t offset = 0;  ///< of its header
  std::uint64_t header = 0, size = 0;  ///< size with header
  std::uint64_t content() const { return offset + header; }
  std::uint64_t end() const { return offset + size; }
};

Result<std::vector<Atom>> atoms_in(const ByteSource& file, std::uint64_t at, std::uint64_t end) {
  std::vector<Atom> atoms;
  while (at < end && end - at >= kAtomHeader) {
    const auto header = file.read(at, kAtomHeader);
    if (!header) return header.error();
    Atom atom{std::string(as_text(BytesView(*header).subspan(4))), at, kAtomHeader, big_endian(*header, 0, 4)};
    if (atom.size == 0 && as_text(*header) == std::string_view("\0\0\0\0\0\0\0\0", 8)) break;  // a terminator, as QuickTime writes it
    if (atom.size == 0) atom.size = end - at;
    if (atom.size == 1) {
      const auto large = file.read(at + kAtomHeader, 8);
      if (!large) return large.error();
      atom.header = 16;
      atom.size = big_endian(*large, 0, 8);
    }
    if (atom.size < atom.header || atom.size > end - at) return Error{Errc::malformed, "the atom at byte " + std::to_string(at) + " is longer than what holds it"};
    if (atoms.size() == kMaxAtoms) return Error{Errc::exhausted, "more than " + std::to_string(kMaxAtoms) + " atoms stand beside each other"};
    at += atom.size;
    atoms.push_back(std::move(atom));
  }
  return atoms;
}

const Atom* find_atom(const std::vector<Atom>& atoms, std::string_view type) {
  const auto found = std::find_if(atoms.begin(), atoms.end(), [&](const Atom& each) { return each.type == type; });
  return found == atoms.end() ? nullptr : &*found;
}

/// Where meta's atoms begin: behind four bytes of version, which QuickTime leaves out.
Result<std::uint64_t> inside_meta(const ByteSource& file, const Atom& meta) {
  if (meta.size < meta.header + 8) return meta.end();
  const auto first = file.read(meta.content(), 8);
  if (!first) return first.error();
  return meta.content() + (as_text(BytesView(*first).subspan(4)) == "hdlr" ? 0 : 4);
}

/// moov, udta, meta, ilst, as far as they are there.
struct Mp4Path {
  std::vector<Atom> top;
  std::optional<Atom> moov, udta, meta, ilst;
};

Result<Mp4Path> path_of(const ByteSource& file) {
  Mp4Path path;
  auto top = atoms_in(file, 0, file.size());
  if (!top) return top.error();
  path.top = std::move(*top);
  const Atom* moov = find_atom(path.top, "moov");
  if (moov == nullptr) return Error{Errc::malformed, "the MP4 file has no moov atom: it is cut off, or was never finished"};
  path.moov = *moov;
  const auto in_moov = atoms_in(file, moov->content(), moov->end());
  if (!in_moov) return in_moov.error();
  if (const Atom* udta = find_atom(*in_moov, "udta")) path.udta = *udta;
  else return path;
  const auto in_udta = atoms_in(file, path.udta->content(), path.udta->end());
  if (!in_udta) return in_udta.error();
  if (const Atom* meta = find_atom(*in_udta, "meta")) path.meta = *meta;
  else return path;
  const auto begin = inside_meta(file, *path.meta);
  if (!begin) return begin.error();
  const auto in_meta = atoms_in(file, *begin, path.meta->end());
  if (!in_meta) return in_meta.error();
  if (const Atom* ilst = find_atom(*in_meta, "ilst")) path.ilst = *ilst;
  return path;
}

/// An item of ilst: what Apple calls it, or the name of a "----"; and its values.
struct Item {
  std::string type, name;
  struct Value {
    std::uint32_t kind = 0;
    Bytes bytes;
  };
  std::vector<Value> values;
};

std::string value_text(const Item::Value& value) { return value.kind == kUtf16 ? utf8_of_utf16(value.bytes, true) : utf8_or_latin1(value.bytes); }

Result<Item> item_of(const ByteSource& file, const Atom& atom) {
  Item item{atom.type, "", {}};
  if (atom.size > kMaxItem || (atom.type != "----" && atom.type == "covr")) return item;
  const auto parts = atoms_in(file, atom.content(), atom.end());
  if (!parts) return parts.error();
  std::string mean;
  for (const Atom& part : *parts) {
    auto bytes = file.read(part.content(), static_cast<std::size_t>(part.size - part.header));
    if (!bytes) return bytes.error();
    if (part.type == "mean" && bytes->size() >= 4) mean = as_text(BytesView(*bytes).subspan(4));
    if (part.type == "name" && bytes->size() >= 4) item.name = as_text(BytesView(*bytes).subspan(4));
    if (part.type == "data" && bytes->size() >= 8) item.values.push_back({static_cast<std::uint32_t>(big_endian(*bytes, 0, 4)) & 0xffffff, Bytes(bytes->begin() + 8, bytes->end())});
  }
  if (mean != kMean) item.name.clear();
  return item;
}

std::string number_text(BytesView bytes, std::size_t at) {
  const auto value = bytes.size() >= at + 2 ? big_endian(bytes, at, 2) : 0;
  return value == 0 ? "" : std::to_string(value);
}

void add_number(std::vector<Tag>& tags, std::string_view name, const std::string& value) {
  if (!value.empty()) tags.push_back({std::string(name), value, false});
}

std::vector<Tag> tags_of_item(const Item& item) {
  std::vector<Tag> tags;
  if (item.values.empty()) return tags;
  const Item::Value& first = item.values.front();
  if (item.type == "----") {
    if (item.name.empty()) return tags;
    const bool key = same_name(item.name, "initialkey");
    for (const Item::Value& value : item.values) {
      if (value.kind == kUtf8 || value.kind == kUtf16 || value.kind == 0) tags.push_back({key ? "KEY" : upper_name(item.name), key ? long_key(value_text(value)) : value_text(value), false});
    }
  } else if (item.type == "trkn" || item.type == "disk") {
    const bool track = item.type == "trkn";
    add_number(tags, track ? "TRACKNUMBER" : "DISCNUMBER", number_text(first.bytes, 2));
    add_number(tags, track ? "TRACKTOTAL" : "DISCTOTAL", number_text(first.bytes, 4));
  } else if (item.type == kMoveItem || item.type == kTotalItem) {
    const std::string value = first.bytes.empty() || first.bytes.size() > 4 ? "" : std::to_string(big_endian(first.bytes, 0, first.bytes.size()));
    add_number(tags, item.type == kMoveItem ? "MOVEMENT" : "MOVEMENTTOTAL", value);
  } else {
    std::string_view name = item.type == "\xa9""day" ? "DATE" : "";
    for (const TagName& row : tag_names()) {
      if (!row.mp4.empty() && row.mp4 == item.type) name = row.name;
    }
    if (name.empty()) return tags;
    for (const Item::Value& value : item.values) {
      if (value.kind == kUtf8 || value.kind == kUtf16 || value.kind == 0) tags.push_back({std::string(name), value_text(value), false});
    }
  }
  return tags;
}

Result<std::vector<Tag>> tags_in(const ByteSource& file, const Atom& ilst) {
  std::vector<Tag> tags;
  const auto items = atoms_in(file, ilst.content(), ilst.end());
  if (!items) return items.error();
  for (const Atom& each : *items) {
    const auto item = item_of(file, each);
    if (!item) return item.error();
    for (Tag& tag : tags_of_item(*item)) tags.push_back(std::move(tag));
  }
  return tags;
}

Bytes atom_bytes(std::string_view type, BytesView content) {
  Bytes out;
  append_big_endian(out, content.size() + kAtomHeader, 4);
  append(out, as_bytes(type));
  append(out, content);
  return out;
}

Bytes data_bytes(std::uint32_t kind, BytesView value) {
  Bytes content;
  append_big_endian(content, kind, 4);
  append_big_endian(content, 0, 4);
  append(content, value);
  return atom_bytes("data", content);
}

Bytes text_item(std::string_view type, const std::vector<std::string>& values) {
  Bytes content;
  for (const std::string& value : values) append(content, data_bytes(kUtf8, as_bytes(value)));
  return atom_bytes(type, content);
}

Bytes freeform_item(std::string_view name, const std::vector<std::string>& values) {
  Bytes mean(4, 0), named(4, 0);
  append(mean, as_bytes(kMean));
  append(named, as_bytes(name));
  Bytes content = atom_bytes("mean", mean);
  append(content, atom_bytes("name", named));
  for (const std::string& value : values) append(content, data_bytes(kUtf8, as_bytes(value)));
  return atom_bytes("----", content);
}

/// 1 to 65535 written plainly, which is what an item of numbers holds.
std::optional<std::uint16_t> item_number(const std::string& text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || text.front() == '0') return std::nullopt;
  return value;
}

/// Items that write the values of one name; those of numbers need all of theirs in `wanted`.
Bytes items_for(std::string_view name, const std::vector<Tag>& wanted) {
  std::vector<std::string> values = values_of(wanted, name);
  const TagName* row = tag_name(name);
  if (row == nullptr) row = tag_name_of_total(name);
  if (row != nullptr && row->name == "MOVEMENT") {
    const auto number = values.size() == 1 ? item_number(values.front()) : std::nullopt;
    if (!number) return values.empty() ? Bytes{} : freeform_item(upper_name(name), values);
    Bytes bytes;
    append_big_endian(bytes, *number, 2);
    return atom_bytes(same_name(name, "MOVEMENT") ? kMoveItem : kTotalItem, data_bytes(kInteger, bytes));
  }
  if (row != nullptr && !row->total.empty()) {
    // trkn and disk: number and total in one item, which is written with the number's name.
    const auto numbers = values_of(wanted, row->name), totals = values_of(wanted, row->total);
    const auto number = numbers.size() == 1 ? item_number(numbers.front()) : std::nullopt, total = totals.size() == 1 ? item_number(totals.front()) : std::nullopt;
    if ((!numbers.empty() && !number) || (!totals.empty() && !total)) return values.empty() ? Bytes{} : freeform_item(upper_name(name), values);
    if (!number && !total) return {};
    if (number && !same_name(name, row->name)) return {};
    Bytes bytes(2, 0);
    append_big_endian(bytes, number.value_or(0), 2);
    append_big_endian(bytes, total.value_or(0), 2);
    if (row->mp4 == "trkn") append_big_endian(bytes, 0, 2);
    return atom_bytes(row->mp4, data_bytes(0, bytes));
  }
  if (values.empty()) return {};
  if (same_name(name, "KEY") && values.size() == 1 && !short_key(values.front()).empty()) return freeform_item("initialkey", {short_key(values.front())});
  if (same_name(name, "DATE")) return text_item("\xa9""day", values);
  return row == nullptr || row->mp4.empty() ? freeform_item(upper_name(name), values) : text_item(row->mp4, values);
}

/// ilst's content with other values for these names; every other item as it was.
Result<Bytes> ilst_with(const ByteSource& file, const std::optional<Atom>& ilst, std::vector<std::string> names, const std::vector<Tag>& wanted) {
  // A number and its total share an item: both are written.
  for (const std::string& name : std::vector<std::string>(names)) {
    const TagName* row = tag_name(name);
    if (row == nullptr || row->total.empty()) row = tag_name_of_total(name);
    if (row == nullptr) continue;
    for (const std::string_view each : {row->name, row->total}) {
      if (std::find(names.begin(), names.end(), each) == names.end()) names.emplace_back(each);
    }
  }
  std::vector<bool> written(names.size(), false);
  Bytes out;
  const auto write = [&](std::size_t i) {
    if (!written[i]) append(out, items_for(names[i], wanted));
    written[i] = true;
  };
  if (ilst) {
    const auto items = atoms_in(file, ilst->content(), ilst->end());
    if (!items) return items.error();
    for (const Atom& atom : *items) {
      const auto item = item_of(file, atom);
      if (!item) return item.error();
      bool replaced = false;
      for (const Tag& tag : tags_of_item(*item)) {
        const auto named = std::find_if(names.begin(), names.end(), [&](const std::string& name) { return same_name(name, tag.name); });
        if (named == names.end()) continue;
        write(static_cast<std::size_t>(named - names.begin()));
        replaced = true;
      }
      if (replaced) continue;
      const auto raw = file.read(atom.offset, static_cast<std::size_t>(atom.size));
      if (!raw) return raw.error();
      append(out, *raw);
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) write(i);
  return out;
}

/// The content of an atom with one of its atoms replaced, or put at its end where there is none.
Result<Bytes> with_atom(const ByteSource& file, const std::optional<Atom>& holder, std::uint64_t begin, std::string_view type, const Bytes& atom, const std::function<bool(const Atom&)>& left_out) {
  Bytes out;
  if (!holder) return atom;
  const auto parts = atoms_in(file, begin, holder->end());
  if (!parts) return parts.error();
  bool done = false;
  auto copy = [&](std::uint64_t from, std::uint64_t until) -> Status {
    const auto raw = file.read(from, static_cast<std::size_t>(until - from));
    if (!raw) return raw.error();
    append(out, *raw);
    return {};
  };
  if (const Status read = copy(holder->content(), begin); !read) return read.error();
  for (const Atom& part : *parts) {
    if (part.type == type && !done) {
      append(out, atom);
      done = true;
    } else if (!left_out(part)) {
      if (const Status read = copy(part.offset, part.end()); !read) return read.error();
    }
  }
  if (!done) append(out, atom);
  if (const Status read = copy(parts->empty() ? begin : parts->back().end(), holder->end()); !read) return read.error();
  return out;
}

Bytes fresh_handler() {
  Bytes content(8, 0);
  append(content, as_bytes("mdirappl"));
  content.resize(25, 0);
  return atom_bytes("hdlr", content);
}

/// moov with this content for ilst and a `free` of so many bytes (0: none) behind it.
Result<Bytes> moov_with(const ByteSource& file, const Mp4Path& path, const Bytes& items, std::size_t free_bytes) {
  const auto keep = [](const Atom&) { return false; };
  Bytes ilst = atom_bytes("ilst", items);
  if (free_bytes > 0) append(ilst, atom_bytes("free", Bytes(free_bytes - kAtomHeader, 0)));
  Bytes meta(4, 0);
  if (path.meta) {
    const auto begin = inside_meta(file, *path.meta);
    if (!begin) return begin.error();
    auto content = with_atom(file, path.meta, *begin, "ilst", ilst, [](const Atom& each) { return each.type == "free"; });
    if (!content) return content.error();
    meta = std::move(*content);
  } else {
    append(meta, fresh_handler());
    append(meta, ilst);
  }
  const auto udta = with_atom(file, path.udta, path.udta ? path.udta->content() : 0, "meta", atom_bytes("meta", meta), keep);
  if (!udta) return udta.error();
  const auto moov = with_atom(file, path.moov, path.moov->content(), "udta", atom_bytes("udta", *udta), keep);
  if (!moov) return moov.error();
  return atom_bytes("moov", *moov);
}

/// Calls `table` with every table of chunks in moov: where its first entry is, how many, how wide.
Status each_chunk_table(const ByteSource& file, const Atom& holder, int depth, const std::function<Status(std::uint64_t at, std::uint64_t count, std::size_t width)>& table) {
  static constexpr std::string_view kPath[] = {"trak", "mdia", "minf", "stbl"};
  const auto parts = atoms_in(file, holder.content(), holder.end());
  if (!parts) return parts.error();
  for (const Atom& part : *parts) {
    if (depth < 4) {
      if (part.type != kPath[depth]) continue;
      if (const Status done = each_chunk_table(file, part, depth + 1, table); !done) return done;
      continue;
    }
    if (part.type == "saio") return Error{Errc::unsupported, "the MP4 file is encrypted: what says where its keys are would be wrong after a change"};
    if (part.type != "stco" && part.type != "co64") continue;
    const std::size_t width = part.type == "stco" ? 4 : 8;
    const auto head = file.read(part.content(), 8);
    if (!head) return head.error();
    const std::uint64_t count = big_endian(*head, 4, 4);
    if (part.size < part.header + 8 || count > (part.size - part.header - 8) / width) return Error{Errc::malformed, "a table of chunks is longer than its atom"};
    if (const Status done = table(part.content() + 8, count, width); !done) return done;
  }
  return {};
}

/// Moves every chunk that stood behind the old moov.
Status move_chunks(Bytes& moov, std::uint64_t old_end, std::int64_t by) {
  const MemorySource source(moov);
  const Atom whole{"moov", 0, kAtomHeader, moov.size()};
  std::vector<std::pair<std::size_t, Bytes>> patches;
  const Status walked = each_chunk_table(source, whole, 0, [&](std::uint64_t at, std::uint64_t count, std::size_t width) -> Status {
    Bytes entries;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t place = big_endian(moov, static_cast<std::size_t>(at + i * width), width);
      if (place >= old_end) place += static_cast<std::uint64_t>(by);
      if (width == 4 && place > 0xffffffff) return Error{Errc::exhausted, "with its tags the file would be longer than 4 GiB, which its tables cannot say"};
      append_big_endian(entries, place, width);
    }
    patches.emplace_back(static_cast<std::size_t>(at), std::move(entries));
    return {};
  });
  if (!walked) return walked;
  for (const auto& [at, bytes] : patches) std::copy(bytes.begin(), bytes.end(), moov.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

}  // namespace

Result<std::vector<Tag>> mp4_tags(const ByteSource& file) {
  const auto path = path_of(file);
  if (!path) return path.error();
  return path->ilst ? tags_in(file, *path->ilst) : Result<std::vector<Tag>>(std::vector<Tag>{});
}

Result<std::vector<Splice>> mp4_splices(const ByteSource& file, const std::vector<Tag>& tags) {
  const auto path = path_of(file);
  if (!path) return path.error();
  if (path->moov->size > kMaxTagBytes) return Error{Errc::exhausted, "the atom moov has " + std::to_string(path->moov->size) + " bytes"};
  const auto were = mp4_tags(file);
  if (!were) return were.error();
  const auto items = ilst_with(file, path->ilst, names_that_differ(*were, tags), tags);
  if (!items) return items.error();
  const auto size = static_cast<std::size_t>(path->moov->size);
  auto moov = moov_with(file, *path, *items, 0);
  if (moov && moov->size() != size) moov = moov_with(file, *path, *items, moov->size() + kAtomHeader <= size ? size - moov->size() : kFreeRoom);
  if (!moov) return moov.error();
  if (moov->size() != size) {
    if (find_atom(path->top, "moof") != nullptr) return Error{Errc::unsupported, "the MP4 file is in fragments, and its tags do not fit in where they stand"};
    const Status moved = move_chunks(*moov, path->moov->end(), static_cast<std::int64_t>(moov->size()) - static_cast<std::int64_t>(size));
    if (!moved) return moved.error();
  }
  auto before = file.read(path->moov->offset, size);
  if (!before) return before.error();
  return std::vector<Splice>{{path->moov->offset, std::move(*before), std::move(*moov)}};
}

Result<Mp4Audio> mp4_audio(const ByteSource& file) {
  const auto path = path_of(file);
  if (!path) return path.error();
  Mp4Audio audio;
  for (const Atom& atom : path->top) {
    if (atom.type == "mdat") audio.data.emplace_back(atom.content(), atom.size - atom.header);
  }
  const Status walked = each_chunk_table(file, *path->moov, 0, [&](std::uint64_t at, std::uint64_t count, std::size_t width) -> Status {
    const auto entries = file.read(at, static_cast<std::size_t>(count) * width);
    if (!entries) return entries.error();
    for (std::uint64_t i = 0; i < count; ++i) audio.chunks.push_back(big_endian(*entries, static_cast<std::size_t>(i) * width, width));
    return {};
  });
  if (!walked) return walked.error();
  return audio;
}

}  // namespace ghost::ariascribe
