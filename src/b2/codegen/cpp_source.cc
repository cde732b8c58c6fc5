#include <algorithm>

#include "b2/codegen/cpp.h"

namespace ghost::b2::codegen {

std::string Cpp::source() const {
  Text out;
  out.line("// Made by protoc-gen-b2 from ", file_.name(), ": change that, not this.");
  out.line("#include \"", stem(file_), ".b2.h\"").line();
  out.line("#include \"b2/proto_codec.h\"");
  if (!namespace_.empty()) out.line().line("namespace ", namespace_, " {");
  out.line("namespace codec = ::ghost::b2::proto;");
  for (const pb::EnumDescriptor* enumeration : enums_of(file_)) define_enum(out, *enumeration);
  for (const pb::Descriptor* message : order_.messages) define_message(out, *message);
  if (file_.service_count() > 0) define_descriptors(out);
  for (int i = 0; i < file_.service_count(); ++i) {
    define_service(out, *file_.service(i));
    define_client(out, *file_.service(i));
  }
  if (!namespace_.empty()) out.line().line("}  // namespace ", namespace_);
  return out.take();
}

void Cpp::define_enum(Text& out, const pb::EnumDescriptor& enumeration) const {
  const std::string type = flat_name(enumeration);
  out.line().open("std::string_view name(", type, " value) {");
  out.open("switch (value) {");
  for (int i = 0; i < enumeration.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *enumeration.value(i);
    // With allow_alias, several names have one number: the first is told.
    if (enumeration.FindValueByNumber(value.number()) != &value) continue;
    const std::string name = enumerator_name(value);
    out.line("case ", type, "::", name, ": return \"", name, "\";");
  }
  out.close("}").line("return \"?\";").close("}");
}

void Cpp::define_message(Text& out, const pb::Descriptor& message) const {
  const std::string type = flat_name(message);
  define_equality(out, message);
  define_size(out, message);
  define_write(out, message);
  define_choices(out, message);
  define_read(out, message);
  out.line().line("::ghost::Status decode(::ghost::BytesView bytes, ", type, "& m) { return codec::decode_into(bytes, m); }");
}

void Cpp::define_equality(Text& out, const pb::Descriptor& message) const {
  const std::string type = flat_name(message);
  out.line().open("bool ", type, "::operator==([[maybe_unused]] const ", type, "& other) const {");
  for (const Field& field : fields_of(message)) out.line("if (!(", field.member, " == other.", field.member, ")) return false;");
  out.line("return true;").close("}");
}

/// When a plain field is written at all: it is not its type's default.
static std::string is_set(const pb::FieldDescriptor& field, const std::string& member, const std::string& value) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_STRING:
    case pb::FieldDescriptor::TYPE_BYTES: return "!" + member + ".empty()";
    case pb::FieldDescriptor::TYPE_FLOAT:
    case pb::FieldDescriptor::TYPE_DOUBLE: return "!codec::is_zero(" + member + ")";
    case pb::FieldDescriptor::TYPE_BOOL: return member;
    case pb::FieldDescriptor::TYPE_ENUM: return member + " != " + value + "{}";
    default: return member + " != 0";
  }
}

void Cpp::define_size(Text& out, const pb::Descriptor& message) const {
  out.line().open("std::size_t encoded_size([[maybe_unused]] const ", flat_name(message), "& m) {");
  out.line("std::size_t n = 0;");
  for (const Field& field : fields_of(message)) {
    const std::string m = "m." + field.member, tag = std::to_string(field.tag_size);
    if (field.shape == Field::Shape::plain) {
      out.line("if (", is_set(*field.from, m, field.value), ") n += ", tag, " + ", field.codec, "::size(", m, ");");
    } else if (field.shape == Field::Shape::optional) {
      out.line("if (", m, ") n += ", tag, " + ", field.codec, "::size(*", m, ");");
    } else if (field.shape == Field::Shape::map) {
      out.line("n += codec::map_size<", field.key_codec, ", ", field.codec, ">(", m, ", ", tag, ");");
    } else if (field.packed) {
      out.line("if (!", m, ".empty()) n += ", tag, " + codec::packed_size<", field.codec, ">(", m, ");");
    } else {
      out.line("n += ", m, ".size() * ", tag, " + codec::size_of_all<", field.codec, ">(", m, ");");
    }
  }
  out.line("return n;").close("}");
}

void Cpp::define_write(Text& out, const pb::Descriptor& message) const {
  out.line().open("std::uint8_t* write_before([[maybe_unused]] const ", flat_name(message), "& m, std::uint8_t* at) {");
  auto fields = fields_of(message);
  // In the order of their numbers, seen from the front.
  std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.from->number() > b.from->number(); });
  for (const Field& field : fields) {
    const std::string m = "m." + field.member, tag = std::to_string(field.tag);
    if (field.shape == Field::Shape::plain) {
      out.line("if (", is_set(*field.from, m, field.value), ") at = codec::put_varint(", field.codec, "::put(at, ", m, "), ", tag, ");");
    } else if (field.shape == Field::Shape::optional) {
      out.line("if (", m, ") at = codec::put_varint(", field.codec, "::put(at, *", m, "), ", tag, ");");
    } else if (field.shape == Field::Shape::map) {
      out.line("at = codec::put_map<", field.key_codec, ", ", field.codec, ">(at, ", tag, ", ", m, ");");
    } else if (field.packed) {
      out.line("if (!", m, ".empty()) at = codec::put_packed<", field.codec, ">(at, ", tag, ", ", m, ");");
    } else {
      out.line("at = codec::put_each<", field.codec, ">(at, ", tag, ", ", m, ");");
    }
  }
  out.line("return at;").close("}");
}

/// For each oneof a function that clears all but one member.
void Cpp::define_choices(Text& out, const pb::Descriptor& message) const {
  for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor& choice = *message.oneof_decl(i);
    out.line().open("static void keep_only_", choice.name(), "(", flat_name(message), "& m, std::uint32_t field) {");
    for (int k = 0; k < choice.field_count(); ++k)
      out.line("if (field != ", std::to_string(choice.field(k)->number()), ") m.", member_name(*choice.field(k)), ".reset();");
    out.close("}");
  }
}

/// Whether a list's elements have memory of their own, to be used again when the list is overwritten.
static bool counts(const Cpp::Field& field) { return field.shape == Cpp::Field::Shape::repeated && !field.from->is_packable(); }

/// The fields of a message that is overwritten, as they are before anything is read. Strings and lists keep their memory.
void Cpp::define_overwriting(Text& out, std::span<const Field> fields) const {
  if (fields.empty()) {
    out.line("in.overwrites();");
    return;
  }
  const bool any = std::any_of(fields.begin(), fields.end(), counts);
  if (any) out.line("const bool overwrites = in.overwrites();");
  for (const Field& field : fields)
    if (counts(field)) out.line("std::size_t read_", std::to_string(field.from->number()), " = overwrites ? 0 : m.", field.member, ".size();");
  out.open(any ? "if (overwrites) {" : "if (in.overwrites()) {");
  for (const Field& field : fields) {
    if (counts(field)) continue;
    const std::string m = "m." + field.member;
    const bool plain = field.shape == Field::Shape::plain;
    if (field.shape == Field::Shape::optional) {
      out.line(m, ".reset();");
    } else if (!plain || field.value == "std::string" || field.value == "::ghost::Bytes") {
      out.line(m, ".clear();");
    } else {
      out.line(m, " = {};");
    }
  }
  out.close("}");
}

void Cpp::read_field(Text& out, const Field& field) const {
  const std::string m = "m." + field.member;
  const std::string number = std::to_string(field.from->number());
  if (const auto* choice = field.from->real_containing_oneof()) out.line("keep_only_", choice->name(), "(m, ", number, ");");
  if (field.packed) {
    out.line("in.packed<", field.codec, ">(", m, ");");
  } else if (field.shape == Field::Shape::plain) {
    out.line(field.codec, "::read(in, ", m, ");");
  } else if (field.shape == Field::Shape::map) {
    out.line("in.entry<", field.key_codec, ", ", field.codec, ">(", m, ");");
  } else if (counts(field)) {
    out.line("in.add<", field.codec, ">(", m, ", read_", number, ");");
  } else if (field.shape == Field::Shape::repeated) {
    out.line("in.add<", field.codec, ">(", m, ");");
  } else if (field.type.starts_with("::ghost::b2::Box<")) {
    out.line("codec::Boxed<", field.value, ">::read(in, ", m, ");");
  } else {
    out.line(field.codec, "::read(in, ", m, " ? *", m, " : ", m, ".emplace());");
  }
}

/// Fields come in the order of their numbers from everyone who writes them: each case looks whether its successor is next, and only what comes
/// otherwise goes through the switch.
void Cpp::read_in_order(Text& out, std::span<const Field> fields) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const std::string tag = std::to_string(field.tag);
    out.open("case ", tag, ":");
    const bool again = field.shape == Field::Shape::map || (field.shape == Field::Shape::repeated && !field.packed);
    if (again) out.open("do {");
    read_field(out, field);
    if (again) out.close("} while ((tag = in.next()) == " + tag + ");");
    const std::string next = again ? "tag" : "(tag = in.next())";
    if (i + 1 < fields.size()) {
      out.line("if (", next, " != ", std::to_string(fields[i + 1].tag), ") break;").line("[[fallthrough]];");
    } else {
      if (!again) out.line("tag = in.next();");
      out.line("break;");
    }
    out.close();
  }
}

/// Numbers may come packed or one by one, whatever the schema says.
void Cpp::read_otherwise(Text& out, const Field& field) const {
  if (!field.from->is_packable()) return;
  const std::string number = std::to_string(field.from->number());
  out.open("case codec::make_tag(", number, ", ", field.packed ? field.codec + "::wire" : "codec::Wire::bytes", "):");
  out.line(field.packed ? "in.add<" : "in.packed<", field.codec, ">(", "m.", field.member, ");").line("tag = in.next();").line("break;").close();
}

void Cpp::define_read(Text& out, const pb::Descriptor& message) const {
  out.line().open("bool read_from(codec::Reader& in, [[maybe_unused]] ", flat_name(message), "& m) {");
  auto fields = fields_of(message);
  std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.from->number() < b.from->number(); });
  define_overwriting(out, fields);
  out.line("std::uint32_t tag = in.next();");
  out.open("while (tag != 0) {").open("switch (tag) {");
  read_in_order(out, fields);
  std::string known;
  for (const Field& field : fields) {
    read_otherwise(out, field);
    known += (known.empty() ? "" : ", ") + std::to_string(field.from->number());
  }
  out.open("default:").line("in.other(tag, {", known, "});").line("tag = in.next();").close();
  out.close("}").close("}");
  for (const Field& field : fields)
    if (counts(field)) out.line("codec::drop_rest(m.", field.member, ", read_", std::to_string(field.from->number()), ");");
  out.line("return in.done(\"", message.full_name(), "\");").close("}");
}

}  // namespace ghost::b2::codegen
