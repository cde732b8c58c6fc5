#include "b2/codegen/cpp.h"

namespace ghost::b2::codegen {

using F = pb::FieldDescriptor;

static std::size_t varint_length(std::uint32_t value) {
  std::size_t length = 1;
  for (; value >= 0x80; value >>= 7) ++length;
  return length;
}

static bool is_message(const F& field) { return field.cpp_type() == F::CPPTYPE_MESSAGE; }

static std::uint32_t wire_of(const F& field) {
  switch (field.type()) {
    case F::TYPE_DOUBLE:
    case F::TYPE_FIXED64:
    case F::TYPE_SFIXED64: return 1;
    case F::TYPE_STRING:
    case F::TYPE_BYTES:
    case F::TYPE_MESSAGE: return 2;
    case F::TYPE_FLOAT:
    case F::TYPE_FIXED32:
    case F::TYPE_SFIXED32: return 5;
    default: return 0;
  }
}

std::string Cpp::qualify(const pb::FileDescriptor& file, const std::string& flat) const {
  if (file.package() == file_.package()) return flat;
  const std::string space = cpp_namespace(file, prefix_);
  return "::" + space + (space.empty() ? "" : "::") + flat;
}

std::string Cpp::type_name(const pb::Descriptor& message) const { return qualify(*message.file(), flat_name(message)); }

/// A type's short name means something else in a message that has a field of that name; there it is written in full.
std::string Cpp::type_name(const F& field, const pb::Descriptor& within) const {
  switch (field.type()) {
    case F::TYPE_INT32:
    case F::TYPE_SINT32:
    case F::TYPE_SFIXED32: return "std::int32_t";
    case F::TYPE_INT64:
    case F::TYPE_SINT64:
    case F::TYPE_SFIXED64: return "std::int64_t";
    case F::TYPE_UINT32:
    case F::TYPE_FIXED32: return "std::uint32_t";
    case F::TYPE_UINT64:
    case F::TYPE_FIXED64: return "std::uint64_t";
    case F::TYPE_BOOL: return "bool";
    case F::TYPE_FLOAT: return "float";
    case F::TYPE_DOUBLE: return "double";
    case F::TYPE_STRING: return "std::string";
    case F::TYPE_BYTES: return "::ghost::Bytes";
    case F::TYPE_ENUM:
    case F::TYPE_MESSAGE:
    case F::TYPE_GROUP: break;
  }
  const bool enumeration = field.enum_type() != nullptr;
  const auto& file = enumeration ? *field.enum_type()->file() : *field.message_type()->file();
  const std::string flat = enumeration ? flat_name(*field.enum_type()) : flat_name(*field.message_type());
  const std::string full = "::" + namespace_ + (namespace_.empty() ? "" : "::") + flat;
  if (&file == &file_ || file.package() == file_.package()) {
    for (int i = 0; i < within.field_count(); ++i)
      if (member_name(*within.field(i)) == flat) return full;
  }
  return qualify(file, flat);
}

std::string Cpp::codec_name(const F& field) const {
  switch (field.type()) {
    case F::TYPE_INT32: return "codec::Int32";
    case F::TYPE_INT64: return "codec::Int64";
    case F::TYPE_UINT32: return "codec::Uint32";
    case F::TYPE_UINT64: return "codec::Uint64";
    case F::TYPE_SINT32: return "codec::Sint32";
    case F::TYPE_SINT64: return "codec::Sint64";
    case F::TYPE_FIXED32: return "codec::Fixed32";
    case F::TYPE_FIXED64: return "codec::Fixed64";
    case F::TYPE_SFIXED32: return "codec::Sfixed32";
    case F::TYPE_SFIXED64: return "codec::Sfixed64";
    case F::TYPE_FLOAT: return "codec::Float";
    case F::TYPE_DOUBLE: return "codec::Double";
    case F::TYPE_BOOL: return "codec::Bool";
    case F::TYPE_STRING: return "codec::Text";
    case F::TYPE_BYTES: return "codec::Blob";
    case F::TYPE_ENUM: return "codec::Enum<" + qualify(*field.enum_type()->file(), flat_name(*field.enum_type())) + ">";
    case F::TYPE_MESSAGE:
    case F::TYPE_GROUP: break;
  }
  return "codec::Sub<" + type_name(*field.message_type()) + ">";
}

void Cpp::describe_map(const F& field, Field& result) const {
  const F& key = *field.message_type()->map_key();
  const F& value = *field.message_type()->map_value();
  result.shape = Field::Shape::map;
  result.key_codec = codec_name(key);
  result.value = type_name(value, *field.containing_type());
  result.codec = codec_name(value);
  if (order_.closes_ring(field)) {
    result.codec = "codec::Boxed<" + type_name(*value.message_type()) + ">";
    result.value = "::ghost::b2::Box<" + result.value + ">";
  }
  result.type = "std::map<" + type_name(key, *field.containing_type()) + ", " + result.value + ">";
}

Cpp::Field Cpp::field_of(const F& field) const {
  Field result{&field, Field::Shape::plain, member_name(field), "", "", "", "", field.is_packed(), 0, 0};
  const std::uint32_t wire = result.packed || field.is_map() ? 2 : wire_of(field);
  result.tag = static_cast<std::uint32_t>(field.number()) << 3 | wire;
  result.tag_size = varint_length(result.tag);
  if (field.is_map()) {
    describe_map(field, result);
    return result;
  }
  result.value = type_name(field, *field.containing_type());
  result.codec = codec_name(field);
  result.type = result.value;
  if (field.is_repeated()) {
    result.shape = Field::Shape::repeated;
    result.type = "std::vector<" + result.value + ">";
  } else if (is_message(field) || field.has_presence()) {
    result.shape = Field::Shape::optional;
    result.type = (is_message(field) && order_.closes_ring(field) ? "::ghost::b2::Box<" : "std::optional<") + result.value + ">";
  }
  return result;
}

std::vector<Cpp::Field> Cpp::fields_of(const pb::Descriptor& message) const {
  std::vector<Field> fields;
  for (int i = 0; i < message.field_count(); ++i) fields.push_back(field_of(*message.field(i)));
  return fields;
}

}  // namespace ghost::b2::codegen
