#include "b2/json.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "b2/json_pool.h"
#include "b2/json_text.h"
#include "b2/proto_codec.h"

namespace ghost::b2 {

namespace pb = google::protobuf;

namespace {

/// A message of which only the type is known: read to see whether it is well-formed, and not too much.
struct Checked {
  const pb::Descriptor* type;
  std::size_t* values;  ///< fields there is room for in JSON, where those at their defaults are written too
};

/// Numbers, packed or one by one.
template <class T>
void skim(proto::Reader& in, std::uint32_t tag) {
  std::vector<typename T::Value> values;
  if (static_cast<proto::Wire>(tag & 7) == proto::Wire::bytes) return in.packed<T>(values);
  typename T::Value value{};
  T::read(in, value);
}

void skim_field(proto::Reader& in, std::uint32_t tag, const pb::FieldDescriptor& field, const Checked& within);

bool read_from(proto::Reader& in, Checked& message) {
  const std::size_t values = static_cast<std::size_t>(message.type->field_count()) + 1;
  if (values > *message.values) {
    in.charge(SIZE_MAX);
    return in.done(message.type->full_name().c_str());
  }
  *message.values -= values;
  while (const std::uint32_t tag = in.next()) {
    const pb::FieldDescriptor* field = message.type->FindFieldByNumber(static_cast<int>(tag >> 3));
    field == nullptr ? in.other(tag, {}) : skim_field(in, tag, *field, message);
  }
  return in.done(message.type->full_name().c_str());
}

proto::Wire wire_of(const pb::FieldDescriptor& field) {
  using F = pb::FieldDescriptor;
  switch (field.type()) {
    case F::TYPE_DOUBLE:
    case F::TYPE_FIXED64:
    case F::TYPE_SFIXED64: return proto::Wire::fixed64;
    case F::TYPE_FLOAT:
    case F::TYPE_FIXED32:
    case F::TYPE_SFIXED32: return proto::Wire::fixed32;
    case F::TYPE_STRING:
    case F::TYPE_BYTES:
    case F::TYPE_MESSAGE: return proto::Wire::bytes;
    default: return proto::Wire::varint;
  }
}

void skim_field(proto::Reader& in, std::uint32_t tag, const pb::FieldDescriptor& field, const Checked& within) {
  const auto wire = static_cast<proto::Wire>(tag & 7);
  const bool packed = field.is_packable() && wire == proto::Wire::bytes;
  if (wire != wire_of(field) && !packed) return in.other(tag, {tag >> 3});
  if (field.type() == pb::FieldDescriptor::TYPE_MESSAGE) {
    Checked message{field.message_type(), within.values};
    return in.message(message);
  }
  switch (wire_of(field)) {
    case proto::Wire::varint: return skim<proto::Uint64>(in, tag);
    case proto::Wire::fixed64: return skim<proto::Fixed64>(in, tag);
    case proto::Wire::fixed32: return skim<proto::Fixed32>(in, tag);
    default: break;
  }
  const BytesView run = in.run();
  if (field.type() == pb::FieldDescriptor::TYPE_STRING) in.check_utf8(run);
}

Status check(BytesView bytes, const pb::Descriptor& type) {
  std::size_t values = 200'000 + bytes.size() / 2;
  proto::Reader in(bytes);
  Checked message{&type, &values};
  if (read_from(in, message)) return {};
  return in.error();
}

Error told(const pb::Descriptor& type, pb::StringPiece text) {
  // A status may quote the whole input.
  return {Errc::malformed, type.full_name() + ": " + std::string(text.data(), std::min<std::size_t>(text.size(), 500))};
}

std::string url(const pb::Descriptor& type) { return "type.googleapis.com/" + type.full_name(); }

Error unknown(std::string_view service, std::string_view method) {
  return {Errc::not_found, std::string(service) + "/" + std::string(method) + ": there is no such method, or no descriptor of it"};
}
Error unknown(std::string_view service) {
  return {Errc::not_found, std::string(service) + ": there is no such service, or no descriptor of it"};
}

}  // namespace

struct JsonCodec::Pool : JsonPool {
  using JsonPool::JsonPool;
};

JsonCodec::JsonCodec(BytesView file_descriptor_set) : pool_(std::make_unique<Pool>(file_descriptor_set)) {}
JsonCodec::~JsonCodec() = default;
JsonCodec::JsonCodec(JsonCodec&&) noexcept = default;
JsonCodec& JsonCodec::operator=(JsonCodec&&) noexcept = default;

std::vector<std::string> JsonCodec::services() const { return pool_->services(); }

Result<std::vector<JsonMethod>> JsonCodec::methods(std::string_view service) const {
  const pb::ServiceDescriptor* found = pool_->service(service);
  if (found == nullptr) return unknown(service);
  std::vector<JsonMethod> methods;
  for (int i = 0; i < found->method_count(); ++i) methods.push_back(pool_->tell(*found->method(i)));
  return methods;
}

bool JsonCodec::changes_nothing(std::string_view service, std::string_view method) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  return found != nullptr && pool_->tell(*found).changes_nothing;
}

Result<Bytes> JsonCodec::request_from_json(std::string_view service, std::string_view method, std::string_view json) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  if (json.size() > kMaxJson) return Error{Errc::exhausted, "a request of more than 4 MiB of JSON"};
  const pb::Descriptor& type = *found->input_type();
  std::string bytes;
  if (!json.empty()) {
    const auto status = pb::util::JsonToBinaryString(&pool_->resolver(), url(type), pb::StringPiece(json.data(), json.size()), &bytes);
    if (!status.ok()) return told(type, status.message());
  }
  if (auto status = check(as_bytes(bytes), type); !status) return status.error();
  return to_bytes(as_bytes(bytes));
}

Result<std::string> JsonCodec::response_to_json(std::string_view service, std::string_view method, BytesView message, JsonStyle style) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  const pb::Descriptor& type = *found->output_type();
  if (auto status = check(message, type); !status) return status.error();
  pb::util::JsonPrintOptions options;
  options.add_whitespace = style == JsonStyle::pretty;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = pb::util::BinaryToJsonString(&pool_->resolver(), url(type), std::string(as_text(message)), &text, options);
  if (!status.ok()) return told(type, status.message());
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<std::string> JsonCodec::describe(std::string_view service) const {
  const pb::ServiceDescriptor* found = pool_->service(service);
  if (found == nullptr) return unknown(service);
  return service_text(*pool_, *found);
}

Result<std::string> JsonCodec::example_request(std::string_view service, std::string_view method) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  return example_json(*found->input_type());
}

}  // namespace ghost::b2
