#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "b2/codegen/cpp.h"

namespace ghost::b2::codegen {

Cpp::Cpp(const pb::FileDescriptor& file, std::string prefix)
    : file_(file), prefix_(std::move(prefix)), namespace_(cpp_namespace(file, prefix_)), order_(order_of(file)) {}

void Cpp::includes(Text& out) const {
  std::set<std::string> standard = {"cstddef", "cstdint", "string_view"};
  bool boxes = false;
  for (const pb::Descriptor* message : order_.messages) {
    for (const Field& field : fields_of(*message)) {
      for (const char* header : {"map", "optional", "string", "vector"})
        if (field.type.find("std::" + std::string(header) + "<") != std::string::npos) standard.insert(header);
      if (field.type.find("std::string") != std::string::npos) standard.insert("string");
      if (field.type.find("::ghost::b2::Box<") != std::string::npos) boxes = true;
    }
  }
  if (file_.service_count() > 0) standard.insert("functional");
  for (const std::string& header : standard) out.line("#include <", header, ">");
  out.line();
  if (boxes) out.line("#include \"b2/box.h\"");
  out.line("#include \"b2/message.h\"");
  if (file_.service_count() > 0) out.line("#include \"b2/typed_call.h\"");
  for (const pb::FileDescriptor* used : used_files(file_)) out.line("#include \"", stem(*used), ".b2.h\"");
}

std::string Cpp::header() const {
  Text out;
  out.line("// Made by protoc-gen-b2 from ", file_.name(), ": change that, not this.");
  out.line("#pragma once");
  includes(out);
  if (!namespace_.empty()) out.line().line("namespace ", namespace_, " {");
  for (const pb::EnumDescriptor* enumeration : enums_of(file_)) declare_enum(out, *enumeration);
  if (!order_.messages.empty()) out.line();
  for (const pb::Descriptor* message : order_.messages) out.line("struct ", flat_name(*message), ";");
  for (const pb::Descriptor* message : order_.messages) declare_message(out, *message);
  for (const pb::Descriptor* message : order_.messages) declare_functions(out, *message);
  for (int i = 0; i < file_.service_count(); ++i) {
    declare_service(out, *file_.service(i));
    if (file_.service(i)->method_count() > 0) declare_client(out, *file_.service(i));
  }
  if (!namespace_.empty()) out.line().line("}  // namespace ", namespace_);
  return out.take();
}

void Cpp::declare_enum(Text& out, const pb::EnumDescriptor& enumeration) const {
  const std::string type = flat_name(enumeration);
  out.line().doc(comment_lines(enumeration));
  out.open("enum class ", type, " : std::int32_t {");
  for (int i = 0; i < enumeration.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *enumeration.value(i);
    out.doc(comment_lines(value));
    out.line(enumerator_name(value), " = ", std::to_string(value.number()), ",");
  }
  out.close("};");
  out.line("/// The enumerator's name; \"?\" for a number that is none, which a peer with a later schema may send.");
  out.line("std::string_view name(", type, " value);");
}

void Cpp::declare_member(Text& out, const Field& field) const {
  const auto comment = comment_lines(*field.from);
  std::string declaration = field.type + " " + field.member;
  if (field.shape == Field::Shape::plain) {
    if (field.from->enum_type() != nullptr) {
      declaration += " = " + field.value + "::" + enumerator_name(*field.from->enum_type()->FindValueByNumber(0));
    } else if (field.value == "bool") {
      declaration += " = false";
    } else if (field.value != "std::string" && field.value != "::ghost::Bytes") {
      declaration += " = 0";
    }
  }
  declaration += ";";
  if (comment.size() == 1 && declaration.size() + comment[0].size() < 110) {
    out.line(declaration, "  ///< ", comment[0]);
  } else {
    out.doc(comment).line(declaration);
  }
}

void Cpp::declare_message(Text& out, const pb::Descriptor& message) const {
  out.line().doc(comment_lines(message));
  out.open("struct ", flat_name(message), " {");
  for (int i = 0; i < message.enum_type_count(); ++i)
    out.line("using ", safe(message.enum_type(i)->name()), " = ", flat_name(*message.enum_type(i)), ";");
  for (int i = 0; i < message.nested_type_count(); ++i)
    if (!message.nested_type(i)->options().map_entry())
      out.line("using ", safe(message.nested_type(i)->name()), " = ", flat_name(*message.nested_type(i)), ";");
  const pb::OneofDescriptor* choice = nullptr;
  for (const Field& field : fields_of(message)) {
    const pb::OneofDescriptor* of = field.from->real_containing_oneof();
    if (of != nullptr && of != choice) out.line("/// At most one of the members of `", of->name(), "`; when read, the last that was sent.").doc(comment_lines(*of));
    choice = of;
    declare_member(out, field);
  }
  if (message.field_count() > 0) out.line();
  out.line("bool operator==(const ", flat_name(message), "& other) const;");
  out.close("};");
}

void Cpp::declare_functions(Text& out, const pb::Descriptor& message) const {
  const std::string type = flat_name(message);
  out.line();
  out.line("std::size_t encoded_size(const ", type, "& m);");
  out.line("std::uint8_t* write_before(const ", type, "& m, std::uint8_t* end);");
  out.line("bool read_from(::ghost::b2::proto::Reader& in, ", type, "& m);");
  out.line("::ghost::Status decode(::ghost::BytesView bytes, ", type, "& m);");
}

}  // namespace ghost::b2::codegen
