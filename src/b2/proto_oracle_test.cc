// Our codec and libprotobuf's, which has read these schemas from the descriptors our generator embeds, must agree.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "b2/message.h"
#include "b2/test/v1/kinds.b2.h"
#include "b2/v1/core.b2.h"
#include "b2/v1/hello.b2.h"
#include "b2/v1/host.b2.h"
#include "b2/v1/house.b2.h"

namespace ghost::b2 {
namespace {

namespace pb = google::protobuf;
using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t n) { return random() % n; }
/// Numbers of every length, the extremes among them.
std::uint64_t any_number(Random& random) { return below(random, 8) == 0 ? ~std::uint64_t{0} : random() >> below(random, 64); }

std::string any_text(Random& random) {
  static const char* const pieces[] = {"a", "bc", "é", "→", "\U0001F56F", "", "archive", "\x7f"};
  std::string text;
  for (std::uint64_t n = below(random, 6); n > 0; --n) text += pieces[below(random, std::size(pieces))];
  return text;
}
std::string any_bytes(Random& random) {
  std::string bytes;
  for (std::uint64_t n = below(random, 40); n > 0; --n) bytes += static_cast<char>(random());
  return bytes;
}

class Filler {
 public:
  explicit Filler(Random& random) : random_(random) {}

  void fill(pb::Message& message, int depth) {
    const pb::Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const pb::FieldDescriptor& field = *type.field(i);
      const bool deep = depth == 0 && field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
      if (below(random_, 2) == 0 || deep) continue;
      for (std::uint64_t n = field.is_repeated() ? below(random_, 4) : 1; n > 0; --n) set(message, field, depth);
    }
  }

 private:
  void set(pb::Message& m, const pb::FieldDescriptor& f, int depth) {
    const pb::Reflection& r = *m.GetReflection();
    const bool many = f.is_repeated();
    const std::uint64_t number = any_number(random_);
    using F = pb::FieldDescriptor;
    switch (f.cpp_type()) {
      case F::CPPTYPE_INT32: return many ? r.AddInt32(&m, &f, static_cast<std::int32_t>(number)) : r.SetInt32(&m, &f, static_cast<std::int32_t>(number));
      case F::CPPTYPE_INT64: return many ? r.AddInt64(&m, &f, static_cast<std::int64_t>(number)) : r.SetInt64(&m, &f, static_cast<std::int64_t>(number));
      case F::CPPTYPE_UINT32: return many ? r.AddUInt32(&m, &f, static_cast<std::uint32_t>(number)) : r.SetUInt32(&m, &f, static_cast<std::uint32_t>(number));
      case F::CPPTYPE_UINT64: return many ? r.AddUInt64(&m, &f, number) : r.SetUInt64(&m, &f, number);
      case F::CPPTYPE_DOUBLE: return many ? r.AddDouble(&m, &f, real()) : r.SetDouble(&m, &f, real());
      case F::CPPTYPE_FLOAT: return many ? r.AddFloat(&m, &f, static_cast<float>(real())) : r.SetFloat(&m, &f, static_cast<float>(real()));
      case F::CPPTYPE_BOOL: return many ? r.AddBool(&m, &f, number % 2 == 0) : r.SetBool(&m, &f, number % 2 == 0);
      case F::CPPTYPE_ENUM: return many ? r.AddEnumValue(&m, &f, static_cast<int>(number)) : r.SetEnumValue(&m, &f, static_cast<int>(number));
      case F::CPPTYPE_STRING: {
        const std::string text = f.type() == F::TYPE_BYTES ? any_bytes(random_) : any_text(random_);
        return many ? r.AddString(&m, &f, text) : r.SetString(&m, &f, text);
      }
      case F::CPPTYPE_MESSAGE: return fill(many ? *r.AddMessage(&m, &f) : *r.MutableMessage(&m, &f), depth - 1);
    }
  }
  double real() {
    static constexpr double values[] = {0.0, -0.0, 1.5, -2.25, 1e300, 3.4e38};
    return values[below(random_, std::size(values))];
  }

  Random& random_;
};

/// Of map entries with the same key only the last counts; libprotobuf's dynamic messages keep all.
void drop_repeated_keys(pb::Message& message, const pb::FieldDescriptor& map) {
  const pb::Reflection& r = *message.GetReflection();
  std::set<std::string> seen;
  for (int i = r.FieldSize(message, &map); i-- > 0;) {
    std::string key;
    pb::TextFormat::PrintFieldValueToString(r.GetRepeatedMessage(message, &map, i), map.message_type()->map_key(), -1, &key);
    if (seen.insert(key).second) continue;
    for (int k = i; k + 1 < r.FieldSize(message, &map); ++k) r.SwapElements(&message, &map, k, k + 1);
    r.RemoveLast(&message, &map);
  }
}

/// Without unknown fields, in map entries too, and with each key once.
void normalize(pb::Message& message) {
  const pb::Reflection& r = *message.GetReflection();
  r.MutableUnknownFields(&message)->Clear();
  std::vector<const pb::FieldDescriptor*> fields;
  r.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_map()) drop_repeated_keys(message, *field);
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) normalize(*r.MutableMessage(&message, field));
    for (int i = 0; field->is_repeated() && i < r.FieldSize(message, field); ++i) normalize(*r.MutableRepeatedMessage(&message, field, i));
  }
}

std::string deterministic(const pb::Message& message) {
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&out);
  }
  return bytes;
}

/// libprotobuf's messages, made of the descriptors that our generator embeds.
class Oracle {
 public:
  Oracle() {
    for (const ServiceInfo* info : {&v1::CoreService::static_info(), &v1::HostService::static_info(), &v1::HouseService::static_info(),
                                    &test::v1::WorkService::static_info()})
      add(info->file_descriptor_set);
  }
  std::unique_ptr<pb::Message> make(const std::string& name) {
    const pb::Descriptor* type = pool_.FindMessageTypeByName(name);
    if (type == nullptr) return nullptr;
    return std::unique_ptr<pb::Message>(factory_.GetPrototype(type)->New());
  }

 private:
  void add(BytesView set) {
    pb::FileDescriptorSet files;
    ASSERT_TRUE(files.ParseFromArray(set.data(), static_cast<int>(set.size())));
    for (const auto& file : files.file()) {
      if (pool_.FindFileByName(file.name()) != nullptr) continue;
      ASSERT_NE(pool_.BuildFile(file), nullptr) << file.name();
    }
  }

  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
};

class ProtoOracle : public testing::Test {
 protected:
  // libprotobuf logs each damaged message.
  ProtoOracle() : log_(pb::SetLogHandler(nullptr)) {}
  ~ProtoOracle() override { pb::SetLogHandler(log_); }

  template <class M>
  void agree_on(const std::string& name) {
    SCOPED_TRACE(name);
    Random random(2203);
    M used;
    for (int round = 0; round < 300; ++round) {
      auto theirs = oracle_.make(name);
      ASSERT_NE(theirs, nullptr);
      Filler(random).fill(*theirs, 4);
      normalize(*theirs);
      const std::string bytes = deterministic(*theirs);
      agree_on_valid(bytes, used);
      for (int i = 0; i < 10; ++i) agree_on_damaged(*theirs, damaged(bytes, random), used);
    }
  }

 private:
  template <class M>
  void agree_on_valid(const std::string& bytes, M& used) {
    const auto ours = decode<M>(as_bytes(bytes));
    ASSERT_TRUE(ours) << ours.error().message << " in " << to_hex(as_bytes(bytes));
    ASSERT_EQ(to_hex(encode(*ours)), to_hex(as_bytes(bytes)));
    ASSERT_TRUE(decode(as_bytes(bytes), used));
    ASSERT_EQ(to_hex(encode(used)), to_hex(as_bytes(bytes))) << "over another message";
  }

  /// What we take, libprotobuf takes too and reads as the same. We refuse more: known fields with an unknown wire type.
  template <class M>
  void agree_on_damaged(const pb::Message& type, const std::string& bytes, M& used) {
    const std::unique_ptr<pb::Message> theirs(type.New());
    const auto ours = decode<M>(as_bytes(bytes));
    const bool taken = theirs->ParseFromString(bytes);
    ASSERT_EQ(decode(as_bytes(bytes), used).has_value(), ours.has_value()) << to_hex(as_bytes(bytes));
    if (!ours) return;
    ASSERT_TRUE(taken) << to_hex(as_bytes(bytes));
    normalize(*theirs);
    ASSERT_EQ(to_hex(encode(*ours)), to_hex(as_bytes(deterministic(*theirs)))) << to_hex(as_bytes(bytes));
    ASSERT_EQ(to_hex(encode(used)), to_hex(encode(*ours))) << to_hex(as_bytes(bytes)) << " over another message";
  }

  static std::string damaged(std::string bytes, Random& random) {
    if (bytes.empty()) return bytes;
    switch (below(random, 4)) {
      case 0: bytes.resize(below(random, bytes.size())); break;
      case 1: bytes.erase(below(random, bytes.size()), 1 + below(random, 4)); break;
      case 2: bytes.insert(below(random, bytes.size()), any_bytes(random)); break;
      default: bytes[below(random, bytes.size())] = static_cast<char>(random());
    }
    return bytes;
  }

  pb::LogHandler* log_;
  Oracle oracle_;
};

TEST_F(ProtoOracle, AgreesOnEveryKindOfField) { agree_on<test::v1::Kinds>("b2.test.v1.Kinds"); }
TEST_F(ProtoOracle, AgreesOnMessagesThatContainThemselves) {
  agree_on<test::v1::Tree>("b2.test.v1.Tree");
  agree_on<test::v1::Leaf>("b2.test.v1.Leaf");
}
TEST_F(ProtoOracle, AgreesOnNamesThatAreKeywords) { agree_on<test::v1::Words>("b2.test.v1.Words"); }
TEST_F(ProtoOracle, AgreesOnB2sOwnMessages) {
  agree_on<v1::Hello>("b2.v1.Hello");
  agree_on<v1::DescribeResponse>("b2.v1.DescribeResponse");
  agree_on<v1::StatsResponse>("b2.v1.StatsResponse");
  agree_on<v1::LimitsResponse>("b2.v1.LimitsResponse");
  agree_on<v1::HostState>("b2.v1.HostState");
  agree_on<v1::JoinResponse>("b2.v1.JoinResponse");
}

}  // namespace
}  // namespace ghost::b2
