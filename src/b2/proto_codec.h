#pragma once
#include <bit>
#include <cstring>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "b2/box.h"
#include "b2/message.h"

/// What generated codecs are made of: protobuf's encoding (proto3), read with every length checked against the bytes at hand.
/// Included by generated .cc files; users of messages need b2/message.h only.
namespace ghost::b2::proto {

/// Messages within messages, map entries and unknown groups included; deeper is malformed.
inline constexpr int kMaxNesting = 32;
/// An empty message is two bytes here and hundreds in memory: what repeated fields, maps and boxes may take is bounded by this
/// many times the encoding's length, and kMemoryFloor.
inline constexpr std::size_t kMemoryFactor = 64;
inline constexpr std::size_t kMemoryFloor = std::size_t{1} << 20;

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, group = 3, group_end = 4, fixed32 = 5 };

constexpr std::uint32_t make_tag(std::uint32_t field, Wire wire) { return field << 3 | static_cast<std::uint32_t>(wire); }

// Writing goes from the end to the front: `at` is the first byte already written, the result the one after this piece.

constexpr std::size_t varint_size(std::uint64_t v) { return v < 0x80 ? 1 : (static_cast<std::size_t>(std::bit_width(v | 1)) * 9 + 64) / 64; }

inline std::uint8_t* put_varint(std::uint8_t* at, std::uint64_t v) {
  if (v < 0x80) {
    *--at = static_cast<std::uint8_t>(v);
    return at;
  }
  std::uint8_t* const begin = at - varint_size(v);
  std::uint8_t* p = begin;
  for (; v >= 0x80; v >>= 7) *p++ = static_cast<std::uint8_t>(v | 0x80);
  *p = static_cast<std::uint8_t>(v);
  return begin;
}

template <class T>
std::uint8_t* put_fixed(std::uint8_t* at, T v) {
  static_assert(std::endian::native == std::endian::little);
  return static_cast<std::uint8_t*>(std::memcpy(at - sizeof v, &v, sizeof v));
}

/// memcpy without its call for what most texts are: two pieces of 4, 8 or 16 bytes, which may overlap.
inline void copy_run(std::uint8_t* to, const std::uint8_t* from, std::size_t size) {
  const auto both_ends = [&]<std::size_t n>(std::integral_constant<std::size_t, n>) {
    std::uint8_t head[n], tail[n];
    std::memcpy(head, from, n);
    std::memcpy(tail, from + size - n, n);
    std::memcpy(to, head, n);
    std::memcpy(to + size - n, tail, n);
  };
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    both_ends(std::integral_constant<std::size_t, 16>{});
  } else if (size >= 8) {
    both_ends(std::integral_constant<std::size_t, 8>{});
  } else if (size >= 4) {
    both_ends(std::integral_constant<std::size_t, 4>{});
  } else if (size > 0) {
    const std::uint8_t first = from[0], middle = from[size / 2], last = from[size - 1];
    to[0] = first;
    to[size / 2] = middle;
    to[size - 1] = last;
  }
}

inline std::uint8_t* put_run(std::uint8_t* at, const void* data, std::size_t size) {
  at -= size;
  copy_run(at, static_cast<const std::uint8_t*>(data), size);
  return put_varint(at, size);
}

/// Whether no byte has its highest bit set.
inline bool is_ascii(const std::uint8_t* p, std::size_t size) {
  const auto word_at = [](const std::uint8_t* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  std::uint64_t seen = 0;
  if (size >= 8) {
    seen = word_at(p + size - 8);  // the last eight, some of them twice
    for (; size > 8; p += 8, size -= 8) seen |= word_at(p);
  } else if (size >= 4) {
    std::uint32_t head, tail;
    std::memcpy(&head, p, sizeof head);
    std::memcpy(&tail, p + size - 4, sizeof tail);
    seen = head | tail;
  } else if (size > 0) {
    seen = std::uint64_t{p[0]} | p[size / 2] | p[size - 1];
  }
  return (seen & 0x8080808080808080u) == 0;
}

/// Reads one message, field by field. The first problem ends it: next() gives 0 from then on.
class Reader {
 public:
  explicit Reader(BytesView bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), memory_(kMemoryFloor + kMemoryFactor * bytes.size()) {}

  /// The next field's tag; 0 at the message's end, or when it is malformed.
  std::uint32_t next() {
    if (at_ == end_) return 0;
    const std::uint32_t tag = *at_ < 0x80 ? *at_++ : long_tag();
    field_ = tag >> 3;
    if (field_ == 0) fail(Problem::tag);
    return field_ == 0 ? 0 : tag;
  }
  /// After next() gave 0: whether all of `message` was read.
  bool done(const char* message) {
    if (problem_ != Problem::none && message_ == nullptr) message_ = message;
    return problem_ == Problem::none;
  }
  /// A tag the message does not have: skipped, unless it has the field with another wire type.
  void other(std::uint32_t tag, std::initializer_list<std::uint32_t> known);

  std::uint64_t varint() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return long_varint();
  }
  template <class T>
  T fixed() {
    T v{};
    if (remaining() < sizeof v) {
      fail(Problem::truncated);
    } else {
      std::memcpy(&v, at_, sizeof v);
      at_ += sizeof v;
    }
    return v;
  }
  /// A length and as many bytes; a view into what is read.
  BytesView run() {
    const std::uint64_t size = short_varint();
    if (size > remaining()) {
      fail(Problem::truncated);
      return {};
    }
    const BytesView view(at_, static_cast<std::size_t>(size));
    at_ += size;
    return view;
  }
  void check_utf8(BytesView text) {
    // What is longer is judged once, by the rules, which take eight ASCII characters at a time too.
    if (text.size() > 64 || !is_ascii(text.data(), text.size())) check_sequences(text);
  }

  template <class M>
  void message(M& m) {
    within([&] { return read_from(*this, m); });
  }

  /// The next message read is overwritten instead of added to; its strings and lists keep their memory.
  void overwrite_next() { overwrite_ = true; }
  /// By read_from(), first of all: whether its message is to be overwritten.
  bool overwrites() { return std::exchange(overwrite_, false); }

  /// One more number.
  template <class T>
  void add(std::vector<typename T::Value>& out) {
    typename T::Value v{};
    T::read(*this, v);
    out.push_back(v);
  }
  /// One more text, bytes or message. Elements from `read` on are left over from a message that is overwritten.
  template <class T>
  void add(std::vector<typename T::Value>& out, std::size_t& read) {
    if (!charge(sizeof(typename T::Value))) return;
    if (read == out.size()) {
      T::read(*this, out.emplace_back());
    } else {
      T::reread(*this, out[read]);
    }
    ++read;
  }
  template <class T>
  void packed(std::vector<typename T::Value>& out) {
    const BytesView bytes = run();
    if (out.empty()) out.reserve(count<T>(bytes));
    const std::uint8_t* const after = at_;
    const std::uint8_t* const outer = end_;
    at_ = bytes.data();
    end_ = at_ + bytes.size();
    while (at_ != end_) add<T>(out);
    end_ = outer;
    at_ = problem_ == Problem::none ? after : outer;
  }
  template <class K, class V, class M>
  void entry(M& map) {
    typename K::Value key{};
    typename V::Value value{};
    const std::uint32_t field = field_;
    within([&] {
      while (const std::uint32_t tag = next()) {
        if (tag == make_tag(1, K::wire)) {
          K::read(*this, key);
        } else if (tag == make_tag(2, V::wire)) {
          V::read(*this, value);
        } else {
          other(tag, {1, 2});
        }
      }
      return true;
    });
    if (message_ == nullptr) field_ = field;
    // Beside key and value, a node of the tree is charged: three pointers and a colour.
    if (charge(sizeof key + sizeof value + 4 * sizeof(void*))) map.insert_or_assign(std::move(key), std::move(value));
  }
  /// Whether `bytes` of memory more may be used for what is read.
  bool charge(std::size_t bytes) {
    if (bytes > memory_) fail(Problem::memory);
    if (problem_ != Problem::none) return false;
    memory_ -= bytes;
    return true;
  }

  bool ok() const { return problem_ == Problem::none; }
  /// Why it is not: "b2.v1.Limits: field 3: ends in the middle".
  Error error() const;

 private:
  enum class Problem : std::uint8_t { none, tag, truncated, long_number, wire_type, group, utf8, nesting, memory };

  template <class F>
  void within(F read) {
    const BytesView bytes = run();
    if (depth_ == kMaxNesting) fail(Problem::nesting);
    if (problem_ != Problem::none) return;
    const std::uint8_t* const outer = end_;
    end_ = at_;
    at_ = bytes.data();
    ++depth_;
    read();
    --depth_;
    end_ = outer;
    if (problem_ != Problem::none) at_ = end_;
  }
  template <class T>
  static std::size_t count(BytesView bytes) {
    if constexpr (T::wire == Wire::varint) return count_varints(bytes);
    return bytes.size() / sizeof(typename T::Value);
  }
  static std::size_t count_varints(BytesView bytes);

  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  void fail(Problem problem) {
    if (problem_ == Problem::none) problem_ = problem;
    at_ = end_;
  }
  std::uint32_t long_tag();
  std::uint64_t long_varint();
  /// Tags and lengths: at most five bytes.
  std::uint64_t short_varint() {
    const std::uint8_t* const begin = at_;
    const std::uint64_t value = varint();
    if (at_ - begin > 5 && ok()) fail(Problem::long_number);
    return value;
  }
  void check_sequences(BytesView text);
  void skip(std::uint32_t tag);
  void skip_group(std::uint32_t field);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::size_t memory_;
  std::uint32_t field_ = 0;
  int depth_ = 0;
  Problem problem_ = Problem::none;
  bool overwrite_ = false;
  const char* message_ = nullptr;  ///< where the problem was met
};

// One type for each kind of field: its wire type, and how a value is measured, written and read.

template <class T>
struct Varint {
  using Value = T;
  static constexpr Wire wire = Wire::varint;
  /// Negative numbers take ten bytes, as if they were 64 bits wide.
  static constexpr std::uint64_t wide(T v) {
    if constexpr (std::is_enum_v<T>) return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(v)});
    else if constexpr (std::is_signed_v<T>) return static_cast<std::uint64_t>(std::int64_t{v});
    else return v;
  }
  static std::size_t size(T v) { return varint_size(wide(v)); }
  static std::uint8_t* put(std::uint8_t* at, T v) { return put_varint(at, wide(v)); }
  static void read(Reader& in, T& v) {
    if constexpr (std::is_enum_v<T>) v = static_cast<T>(static_cast<std::int32_t>(in.varint()));
    else if constexpr (std::is_same_v<T, bool>) v = in.varint() != 0;
    else v = static_cast<T>(in.varint());
  }
};
using Int32 = Varint<std::int32_t>;
using Int64 = Varint<std::int64_t>;
using Uint32 = Varint<std::uint32_t>;
using Uint64 = Varint<std::uint64_t>;
using Bool = Varint<bool>;
template <class E>
using Enum = Varint<E>;

/// Zig-zag: small negative numbers are short.
template <class T>
struct Signed {
  using Value = T;
  static constexpr Wire wire = Wire::varint;
  using U = std::make_unsigned_t<T>;
  static constexpr U fold(T v) { return static_cast<U>(static_cast<U>(v) << 1) ^ static_cast<U>(v < 0 ? -1 : 0); }
  static std::size_t size(T v) { return varint_size(fold(v)); }
  static std::uint8_t* put(std::uint8_t* at, T v) { return put_varint(at, fold(v)); }
  static void read(Reader& in, T& v) {
    const U folded = static_cast<U>(in.varint());
    v = static_cast<T>((folded >> 1) ^ (U{0} - (folded & 1)));
  }
};
using Sint32 = Signed<std::int32_t>;
using Sint64 = Signed<std::int64_t>;

template <class T>
struct Fixed {
  using Value = T;
  static constexpr Wire wire = sizeof(T) == 8 ? Wire::fixed64 : Wire::fixed32;
  static constexpr std::size_t size(T) { return sizeof(T); }
  static std::uint8_t* put(std::uint8_t* at, T v) { return put_fixed(at, v); }
  static void read(Reader& in, T& v) { v = in.fixed<T>(); }
};
using Fixed32 = Fixed<std::uint32_t>;
using Fixed64 = Fixed<std::uint64_t>;
using Sfixed32 = Fixed<std::int32_t>;
using Sfixed64 = Fixed<std::int64_t>;
using Float = Fixed<float>;
using Double = Fixed<double>;
/// Minus zero is not the default: it has a sign to tell.
inline bool is_zero(double v) { return std::bit_cast<std::uint64_t>(v) == 0; }
inline bool is_zero(float v) { return std::bit_cast<std::uint32_t>(v) == 0; }

struct Text {
  using Value = std::string;
  static constexpr Wire wire = Wire::bytes;
  static std::size_t size(const std::string& v) { return varint_size(v.size()) + v.size(); }
  static std::uint8_t* put(std::uint8_t* at, const std::string& v) { return put_run(at, v.data(), v.size()); }
  static void read(Reader& in, std::string& v) {
    const BytesView view = in.run();
    in.check_utf8(view);
    if (in.ok()) v.assign(reinterpret_cast<const char*>(view.data()), view.size());
  }
  static void reread(Reader& in, std::string& v) { read(in, v); }
};

struct Blob {
  using Value = Bytes;
  static constexpr Wire wire = Wire::bytes;
  static std::size_t size(const Bytes& v) { return varint_size(v.size()) + v.size(); }
  static std::uint8_t* put(std::uint8_t* at, const Bytes& v) { return put_run(at, v.data(), v.size()); }
  static void read(Reader& in, Bytes& v) {
    const BytesView view = in.run();
    v.assign(view.begin(), view.end());
  }
  static void reread(Reader& in, Bytes& v) { read(in, v); }
};

template <class M>
struct Sub {
  using Value = M;
  static constexpr Wire wire = Wire::bytes;
  static std::size_t size(const M& v) {
    const std::size_t n = encoded_size(v);
    return varint_size(n) + n;
  }
  static std::uint8_t* put(std::uint8_t* at, const M& v) {
    std::uint8_t* const begin = write_before(v, at);
    return put_varint(begin, static_cast<std::size_t>(at - begin));
  }
  static void read(Reader& in, M& v) { in.message(v); }
  static void reread(Reader& in, M& v) {
    in.overwrite_next();
    in.message(v);
  }
};

/// A message in a map that may contain itself; an empty box is an empty message.
template <class M>
struct Boxed {
  using Value = Box<M>;
  static constexpr Wire wire = Wire::bytes;
  static std::size_t size(const Box<M>& v) { return v ? Sub<M>::size(*v) : 1; }
  static std::uint8_t* put(std::uint8_t* at, const Box<M>& v) { return v ? Sub<M>::put(at, *v) : put_varint(at, 0); }
  static void read(Reader& in, Box<M>& v) {
    if (in.charge(sizeof(M))) in.message(v ? *v : v.emplace());
  }
};

template <class T>
std::size_t size_of_all(const std::vector<typename T::Value>& values) {
  if constexpr (T::wire == Wire::fixed32 || T::wire == Wire::fixed64) return values.size() * sizeof(typename T::Value);
  std::size_t n = 0;
  for (const auto& v : values) n += T::size(v);
  return n;
}

template <class T>
std::size_t packed_size(const std::vector<typename T::Value>& values) {
  const std::size_t n = size_of_all<T>(values);
  return varint_size(n) + n;
}

/// Elements in reverse, so that they come out in order; each with its tag.
template <class T>
std::uint8_t* put_each(std::uint8_t* at, std::uint32_t tag, const std::vector<typename T::Value>& values) {
  for (std::size_t i = values.size(); i-- > 0;) at = put_varint(T::put(at, values[i]), tag);
  return at;
}

template <class T>
std::uint8_t* put_packed(std::uint8_t* at, std::uint32_t tag, const std::vector<typename T::Value>& values) {
  std::uint8_t* const end = at;
  for (std::size_t i = values.size(); i-- > 0;) at = T::put(at, values[i]);
  return put_varint(put_varint(at, static_cast<std::size_t>(end - at)), tag);
}

template <class K, class V, class M>
std::size_t map_size(const M& map, std::size_t tag_size) {
  std::size_t n = 0;
  for (const auto& [key, value] : map) {
    const std::size_t entry = 2 + K::size(key) + V::size(value);
    n += tag_size + varint_size(entry) + entry;
  }
  return n;
}

template <class K, class V, class M>
std::uint8_t* put_map(std::uint8_t* at, std::uint32_t tag, const M& map) {
  for (auto i = map.rbegin(); i != map.rend(); ++i) {
    std::uint8_t* const end = at;
    at = put_varint(V::put(at, i->second), make_tag(2, V::wire));
    at = put_varint(K::put(at, i->first), make_tag(1, K::wire));
    at = put_varint(put_varint(at, static_cast<std::size_t>(end - at)), tag);
  }
  return at;
}

/// What a list of a message that is overwritten holds beyond the `read` elements that were read.
template <class T>
void drop_rest(std::vector<T>& list, std::size_t read) {
  if (read < list.size()) list.erase(list.begin() + static_cast<std::ptrdiff_t>(read), list.end());
}

/// All of `bytes` into `m`, which is overwritten.
template <class M>
Status decode_into(BytesView bytes, M& m) {
  Reader in(bytes);
  in.overwrite_next();
  if (read_from(in, m)) return {};
  return in.error();
}

}  // namespace ghost::b2::proto
