#include "ariascribe/work_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace ghost::ariascribe {

namespace {

static_assert(std::endian::native == std::endian::little, "the index is mapped as it lies in the file: little-endian");

constexpr std::string_view kMagic = "GHAWORK1";
/// Sections of the file, each at a multiple of 8.
enum Section : std::size_t { kComposers, kFirstWorks, kOffsets, kRecords, kTerms, kTermsByHash, kPostings, kNumbers, kNumbered, kIds, kHidden, kSections };

struct SectionPlace {
  std::uint64_t offset = 0, size = 0;
};
struct Header {
  std::array<char, 8> magic{};
  std::uint64_t size = 0;
  std::uint64_t build = 0, base = 0;
  std::int64_t rev = 0;
  std::uint64_t shipped = 0;
  std::uint32_t works = 0, composers = 0;
  std::array<SectionPlace, kSections> sections{};
};
struct TermEntry {
  std::uint64_t hash = 0, first = 0;
  std::uint32_t count = 0;
  float rarity = 0;
};
struct TermByHash {
  std::uint64_t hash = 0;
  std::uint32_t slot = 0, unused = 0;
};
struct NumberEntry {
  std::uint64_t hash = 0, first = 0, count = 0;
};
using Uuid = std::array<std::uint8_t, 16>;
struct IdEntry {
  Uuid id{};
  std::uint32_t work = 0;
};

template <class T>
BytesView bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)};
}

std::optional<Uuid> uuid_of(std::string_view text) {
  Uuid id{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0 || digits == 32) return std::nullopt;
    id[digits / 2] = static_cast<std::uint8_t>(id[digits / 2] << 4 | value);
    ++digits;
  }
  return digits == 32 ? std::optional(id) : std::nullopt;
}

std::string uuid_text(std::span<const std::uint8_t> id) {
  const std::string hex = to_hex(id);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" + hex.substr(20);
}

void put_u32(std::string& out, std::uint32_t value) { out.append(reinterpret_cast<const char*>(&value), 4); }
void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, 0xFFFF);
  const auto size = static_cast<std::uint16_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), 2);
  out += text;
}
void put_texts(std::string& out, const std::vector<std::string>& texts) {
  put_u32(out, static_cast<std::uint32_t>(texts.size()));
  for (const std::string& each : texts) put_text(out, each);
}

/// Reads a record; past its end it gives nothing, and ok() is false from then on.
class RecordReader {
 public:
  explicit RecordReader(BytesView bytes) : reader_(bytes) {}
  std::uint32_t u32() { return reader_.u32(); }
  std::string text() { return std::string(as_text(reader_.take(reader_.u16()))); }
  /// A count of things that take at least `least` bytes each.
  std::size_t count(std::size_t least) {
    const std::size_t wanted = reader_.u32();
    if (wanted * least > reader_.remaining()) broken_ = true;
    return broken_ ? 0 : wanted;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out(count(2));
    for (std::string& each : out) each = text();
    return out;
  }
  BytesView take(std::size_t size) { return reader_.take(size); }
  bool ok() const { return reader_.ok() && !broken_; }

 private:
  ByteReader reader_;
  bool broken_ = false;
};

}  // namespace

std::uint64_t term_hash(std::string_view term) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a, then mixed as splitmix64 does
  for (const char c : term) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
  return hash ^ hash >> 31;
}

std::uint32_t WorkFileBuilder::add_composer(StoredComposer composer) {
  composers_.push_back(std::move(composer));
  return static_cast<std::uint32_t>(composers_.size() - 1);
}

std::uint32_t WorkFileBuilder::slot_of(std::string_view term) {
  const std::uint64_t hash = term_hash(term);
  const auto [found, fresh] = slots_.emplace(hash, static_cast<std::uint32_t>(hashes_.size()));
  if (fresh) hashes_.push_back(hash);
  return found->second;
}

void WorkFileBuilder::add(const Work& work, std::uint32_t composer) {
  const auto id = uuid_of(work.id);
  if (!id) return;
  const WorkWords words = words_of(work);
  Kept kept;
  kept.composer = composer;
  kept.offset = records_.size();
  records_.append(reinterpret_cast<const char*>(id->data()), id->size());
  put_u32(records_, static_cast<std::uint32_t>(work.year));
  put_u32(records_, words.ordinal ? static_cast<std::uint32_t>(*words.ordinal) + 1 : 0);
  put_u32(records_, words.holds_any_form ? 1 : 0);
  for (const std::string* each : {&work.title, &work.key, &work.form, &work.medium}) put_text(records_, *each);
  std::vector<std::string> numbers;
  for (const CatalogueNumber& each : work.catalogue) numbers.push_back(each.text());
  put_texts(records_, numbers);
  put_texts(records_, work.also);
  put_u32(records_, static_cast<std::uint32_t>(words.counts.size()));
  for (const int each : words.counts) put_u32(records_, static_cast<std::uint32_t>(each));
  std::vector<std::uint32_t> found;
  put_u32(records_, static_cast<std::uint32_t>(words.titles.size()));
  for (const auto& title : words.titles) {
    put_u32(records_, static_cast<std::uint32_t>(title.size()));
    for (const std::string& term : title) {
      found.push_back(slot_of(term));
      put_u32(records_, found.back());
    }
  }
  put_u32(records_, static_cast<std::uint32_t>(words.forms.size()));
  for (const std::string& form : words.forms) put_u32(records_, slot_of(form));
  put_u32(records_, static_cast<std::uint32_t>(work.movements.size()));
  for (const Movement& each : work.movements) {
    put_u32(records_, static_cast<std::uint32_t>(each.number));
    put_text(records_, each.title);
    put_text(records_, each.key);
  }
  kept.size = static_cast<std::uint32_t>(records_.size() - kept.offset);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::uint32_t> of_movements;
  for (const std::string& term : words.movements) {
    const std::uint32_t slot = slot_of(term);
    if (!std::binary_search(found.begin(), found.end(), slot)) of_movements.push_back(slot | WorkFile::kOfMovement);
  }
  std::sort(of_movements.begin(), of_movements.end());
  of_movements.erase(std::unique(of_movements.begin(), of_movements.end()), of_movements.end());
  kept.first_term = static_cast<std::uint32_t>(terms_of_works_.size());
  terms_of_works_.insert(terms_of_works_.end(), found.begin(), found.end());
  terms_of_works_.insert(terms_of_works_.end(), of_movements.begin(), of_movements.end());
  kept.terms = static_cast<std::uint32_t>(terms_of_works_.size()) - kept.first_term;
  kept.first_number = static_cast<std::uint32_t>(numbers_of_works_.size());
  for (const CatalogueNumber& each : work.catalogue) {
    numbers_of_works_.push_back(term_hash(each.base().text()));
    if (each.letterless() != each.base()) numbers_of_works_.push_back(term_hash(each.letterless().text()));
  }
  kept.numbers = static_cast<std::uint32_t>(numbers_of_works_.size()) - kept.first_number;
  works_.push_back(kept);
}

Status WorkFileBuilder::write(const Stamp& stamp, const std::function<Status(BytesView)>& put) {
  std::sort(works_.begin(), works_.end(), [](const Kept& a, const Kept& b) { return a.composer != b.composer ? a.composer < b.composer : a.offset < b.offset; });
  std::string composers;
  for (const StoredComposer& each : composers_) {
    for (const std::string* text : {&each.id, &each.shipped, &each.name, &each.period}) put_text(composers, *text);
    put_u32(composers, static_cast<std::uint32_t>(each.born));
    put_u32(composers, static_cast<std::uint32_t>(each.died));
    put_texts(composers, each.other_names);
  }
  std::vector<std::uint32_t> first_works(composers_.size() + 1, static_cast<std::uint32_t>(works_.size()));
  std::vector<std::uint64_t> offsets(works_.size() + 1);
  std::vector<TermEntry> terms(hashes_.size());
  std::vector<IdEntry> ids(works_.size());
  std::vector<std::pair<std::uint64_t, std::uint32_t>> numbered;
  std::uint64_t at = 0;
  for (std::size_t i = works_.size(); i-- > 0;) first_works[works_[i].composer] = static_cast<std::uint32_t>(i);
  for (std::size_t c = composers_.size(); c-- > 0;) first_works[c] = std::min(first_works[c], first_works[c + 1]);
  for (std::size_t i = 0; i < works_.size(); ++i) {
    const Kept& work = works_[i];
    offsets[i] = at;
    at += work.size;
    std::memcpy(ids[i].id.data(), records_.data() + work.offset, 16);
    ids[i].work = static_cast<std::uint32_t>(i);
    for (std::uint32_t t = 0; t < work.terms; ++t) ++terms[terms_of_works_[work.first_term + t] & ~WorkFile::kOfMovement].count;
    for (std::uint32_t n = 0; n < work.numbers; ++n) numbered.emplace_back(numbers_of_works_[work.first_number + n], static_cast<std::uint32_t>(i));
  }
  offsets.back() = at;
  const double all = static_cast<double>(works_.size()) + 1;
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    terms[i].hash = hashes_[i];
    terms[i].first = first;
    terms[i].rarity = static_cast<float>(std::max(0.1, std::log(all / (terms[i].count + 0.5)) + 0.2));
    first += terms[i].count;
  }
  std::vector<std::uint32_t> postings(first);
  std::vector<std::uint64_t> next(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) next[i] = terms[i].first;
  for (std::size_t i = 0; i < works_.size(); ++i) {
    for (std::uint32_t t = 0; t < works_[i].terms; ++t) {
      const std::uint32_t slot = terms_of_works_[works_[i].first_term + t];
      postings[next[slot & ~WorkFile::kOfMovement]++] = static_cast<std::uint32_t>(i) | (slot & WorkFile::kOfMovement);
    }
  }
  std::vector<TermByHash> by_hash(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) by_hash[i] = {hashes_[i], static_cast<std::uint32_t>(i), 0};
  std::sort(by_hash.begin(), by_hash.end(), [](const TermByHash& a, const TermByHash& b) { return a.hash < b.hash; });
  std::sort(numbered.begin(), numbered.end());
  numbered.erase(std::unique(numbered.begin(), numbered.end()), numbered.end());
  std::vector<NumberEntry> numbers;
  std::vector<std::uint32_t> with_numbers;
  for (const auto& [hash, work] : numbered) {
    if (numbers.empty() || numbers.back().hash != hash) numbers.push_back({hash, with_numbers.size(), 0});
    ++numbers.back().count;
    with_numbers.push_back(work);
  }
  std::sort(ids.begin(), ids.end(), [](const IdEntry& a, const IdEntry& b) { return a.id < b.id; });
  std::vector<Uuid> hidden;
  for (const std::string& each : hidden_) {
    if (const auto id = uuid_of(each)) hidden.push_back(*id);
  }
  Header header;
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  header.build = stamp.build;
  header.base = stamp.base;
  header.rev = stamp.rev;
  header.shipped = stamp.shipped;
  header.works = static_cast<std::uint32_t>(works_.size());
  header.composers = static_cast<std::uint32_t>(composers_.size());
  std::array<BytesView, kSections> sections;
  sections[kComposers] = as_bytes(composers);
  sections[kFirstWorks] = bytes_of(first_works);
  sections[kOffsets] = bytes_of(offsets);
  sections[kTerms] = bytes_of(terms);
  sections[kTermsByHash] = bytes_of(by_hash);
  sections[kPostings] = bytes_of(postings);
  sections[kNumbers] = bytes_of(numbers);
  sections[kNumbered] = bytes_of(with_numbers);
  sections[kIds] = bytes_of(ids);
  sections[kHidden] = bytes_of(hidden);
  std::uint64_t place = sizeof(Header);
  for (std::size_t i = 0; i < kSections; ++i) {
    header.sections[i] = {place, i == kRecords ? at : sections[i].size()};
    place = (place + header.sections[i].size + 7) / 8 * 8;
  }
  header.size = place;
  const auto pad = [&](std::uint64_t size) -> Status {
    constexpr std::array<std::uint8_t, 8> kZeros{};
    return put(BytesView(kZeros).first((8 - size % 8) % 8));
  };
  if (Status out = put({reinterpret_cast<const std::uint8_t*>(&header), sizeof(header)}); !out) return out;
  for (std::size_t i = 0; i < kSections; ++i) {
    if (i != kRecords) {
      if (Status out = put(sections[i]); !out) return out;
    } else {
      for (const Kept& work : works_) {
        if (Status out = put(as_bytes(std::string_view(records_).substr(work.offset, work.size))); !out) return out;
      }
    }
    if (Status out = pad(header.sections[i].size); !out) return out;
  }
  return {};
}

template <class T>
std::span<const T> WorkFile::section(std::size_t number) const {
  SectionPlace place;
  std::memcpy(&place, bytes_.data() + offsetof(Header, sections) + number * sizeof(SectionPlace), sizeof(place));
  return {reinterpret_cast<const T*>(bytes_.data() + place.offset), static_cast<std::size_t>(place.size / sizeof(T))};
}

Result<WorkFile> WorkFile::open(BytesView bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) return Error{Errc::malformed, "too short for an index"};
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::string_view(header.magic.data(), 8) != kMagic) return Error{Errc::unsupported, "not an index of this version"};
  if (header.size != bytes.size()) return Error{Errc::malformed, "the index is cut off"};
  for (const SectionPlace& each : header.sections) {
    if (each.offset % 8 != 0 || each.offset > bytes.size() || each.size > bytes.size() - each.offset) return Error{Errc::malformed, "a section lies outside of the index"};
  }
  WorkFile file;
  file.bytes_ = bytes;
  file.works_ = header.works;
  file.composers_ = header.composers;
  file.stamp_ = {header.build, header.base, header.rev, header.shipped};
  if (file.section<std::uint64_t>(kOffsets).size() != std::size_t{header.works} + 1 || file.section<std::uint32_t>(kFirstWorks).size() != std::size_t{header.composers} + 1) return Error{Errc::malformed, "sections of the index contradict each other"};
  return file;
}

std::vector<StoredComposer> WorkFile::composers() const {
  const auto bytes = section<std::uint8_t>(kComposers);
  RecordReader reader(bytes);
  std::vector<StoredComposer> out;
  for (std::uint32_t i = 0; i < composers_ && reader.ok(); ++i) {
    StoredComposer each;
    for (std::string* text : {&each.id, &each.shipped, &each.name, &each.period}) *text = reader.text();
    each.born = static_cast<int>(reader.u32());
    each.died = static_cast<int>(reader.u32());
    each.other_names = reader.texts();
    out.push_back(std::move(each));
  }
  out.resize(reader.ok() ? composers_ : 0);
  return out;
}

std::pair<std::uint32_t, std::uint32_t> WorkFile::works_of(std::uint32_t composer) const {
  const auto first = section<std::uint32_t>(kFirstWorks);
  if (composer >= composers_) return {0, 0};
  return {std::min(first[composer], works_), std::min(first[composer + 1], works_)};
}

std::uint32_t WorkFile::composer_of(std::uint32_t work) const {
  const auto first = section<std::uint32_t>(kFirstWorks);
  const auto behind = std::upper_bound(first.begin(), first.end(), work);
  return behind == first.begin() ? 0 : static_cast<std::uint32_t>(behind - first.begin() - 1);
}

std::optional<WorkFile::Postings> WorkFile::term(std::uint64_t hash) const {
  const auto by_hash = section<TermByHash>(kTermsByHash);
  const auto found = std::lower_bound(by_hash.begin(), by_hash.end(), hash, [](const TermByHash& each, std::uint64_t wanted) { return each.hash < wanted; });
  const auto terms = section<TermEntry>(kTerms);
  if (found == by_hash.end() || found->hash != hash || found->slot >= terms.size()) return std::nullopt;
  const TermEntry& entry = terms[found->slot];
  const auto postings = section<std::uint32_t>(kPostings);
  if (entry.first > postings.size() || entry.count > postings.size() - entry.first) return std::nullopt;
  return Postings{postings.subspan(static_cast<std::size_t>(entry.first), entry.count), entry.rarity};
}

std::span<const std::uint32_t> WorkFile::with_base(std::uint64_t hash) const {
  const auto numbers = section<NumberEntry>(kNumbers);
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), hash, [](const NumberEntry& each, std::uint64_t wanted) { return each.hash < wanted; });
  const auto with = section<std::uint32_t>(kNumbered);
  if (found == numbers.end() || found->hash != hash || found->first > with.size() || found->count > with.size() - found->first) return {};
  return with.subspan(static_cast<std::size_t>(found->first), static_cast<std::size_t>(found->count));
}

std::shared_ptr<StoredWork> WorkFile::read(std::uint32_t work) const {
  const auto offsets = section<std::uint64_t>(kOffsets);
  const auto records = section<std::uint8_t>(kRecords);
  if (work >= works_ || offsets[work] > offsets[work + 1] || offsets[work + 1] > records.size()) return nullptr;
  RecordReader reader(records.subspan(static_cast<std::size_t>(offsets[work]), static_cast<std::size_t>(offsets[work + 1] - offsets[work])));
  const auto terms = section<TermEntry>(kTerms);
  auto out = std::make_shared<StoredWork>();
  const BytesView id = reader.take(16);
  if (id.size() != 16) return nullptr;
  out->work.id = uuid_text(id);
  out->work.composer = static_cast<ComposerIndex>(composer_of(work));
  out->work.year = static_cast<int>(reader.u32());
  if (const std::uint32_t ordinal = reader.u32()) out->ordinal = static_cast<int>(ordinal - 1);
  out->holds_any_form = reader.u32() == 1;
  for (std::string* text : {&out->work.title, &out->work.key, &out->work.form, &out->work.medium}) *text = reader.text();
  for (const std::string& number : reader.texts()) {
    const std::size_t colon = number.find(':');
    if (colon != std::string::npos) out->work.catalogue.push_back({number.substr(0, colon), number.substr(colon + 1)});
  }
  out->work.also = reader.texts();
  out->counts.resize(reader.count(4));
  for (int& each : out->counts) each = static_cast<int>(reader.u32());
  out->titles.resize(reader.count(4));
  for (auto& title : out->titles) {
    title.resize(reader.count(4));
    for (StoredTerm& each : title) {
      const std::uint32_t slot = reader.u32();
      if (slot < terms.size()) each = {terms[slot].hash, terms[slot].rarity};
    }
    std::sort(title.begin(), title.end(), [](const StoredTerm& a, const StoredTerm& b) { return a.hash < b.hash; });
  }
  out->forms.resize(reader.count(4));
  for (std::uint64_t& each : out->forms) {
    const std::uint32_t slot = reader.u32();
    if (slot < terms.size()) each = terms[slot].hash;
  }
  std::sort(out->forms.begin(), out->forms.end());
  out->work.movements.resize(reader.count(8));
  for (Movement& each : out->work.movements) {
    each.number = static_cast<int>(reader.u32());
    each.title = reader.text();
    each.key = reader.text();
  }
  return reader.ok() ? out : nullptr;
}

std::optional<std::uint32_t> WorkFile::find(std::string_view id) const {
  const auto wanted = uuid_of(id);
  const auto ids = section<IdEntry>(kIds);
  if (!wanted) return std::nullopt;
  const auto found = std::lower_bound(ids.begin(), ids.end(), *wanted, [](const IdEntry& each, const Uuid& other) { return each.id < other; });
  return found == ids.end() || found->id != *wanted ? std::nullopt : std::optional(found->work);
}

std::vector<std::string> WorkFile::hidden() const {
  std::vector<std::string> out;
  for (const Uuid& each : section<Uuid>(kHidden)) out.push_back(uuid_text(each));
  return out;
}

}  // namespace ghost::ariascribe
