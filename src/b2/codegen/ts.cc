#include "b2/codegen/ts.h"

#include <algorithm>
#include <map>

namespace ghost::b2::codegen {
namespace {

using F = pb::FieldDescriptor;

/// What a type is called: as in C++, but nothing is a keyword that begins with a capital.
template <class D>
std::string type_of(const D& type) {
  return flat_name(type);
}

/// The value of one element in TypeScript.
std::string value_type(const F& field) {
  switch (field.cpp_type()) {
    case F::CPPTYPE_INT64:
    case F::CPPTYPE_UINT64: return "bigint";
    case F::CPPTYPE_BOOL: return "boolean";
    case F::CPPTYPE_STRING: return field.type() == F::TYPE_BYTES ? "Uint8Array" : "string";
    case F::CPPTYPE_ENUM: return type_of(*field.enum_type());
    case F::CPPTYPE_MESSAGE: return type_of(*field.message_type());
    default: return "number";
  }
}

bool is_optional(const F& field) { return !field.is_repeated() && field.has_presence(); }

std::string member_type(const F& field) {
  if (field.is_map())
    return "Map<" + value_type(*field.message_type()->map_key()) + ", " + value_type(*field.message_type()->map_value()) + ">";
  return value_type(field) + (field.is_repeated() ? "[]" : is_optional(field) ? " | undefined" : "");
}

/// The kind of a field in the codec's table.
std::string kind_of(const F& field) {
  if (field.type() == F::TYPE_MESSAGE) return "() => " + type_of(*field.message_type()) + "Codec";
  return std::string("'") + field.type_name() + "'";
}

std::string lower_first(std::string name) {
  name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return name;
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

Text& doc(Text& out, const std::vector<std::string>& lines) {
  if (lines.empty()) return out;
  std::vector<std::string> safe_lines;
  // The one thing a comment must not contain is its own end.
  for (std::string line : lines) {
    for (std::size_t at; (at = line.find("*/")) != std::string::npos;) line.replace(at, 2, "* /");
    safe_lines.push_back(std::move(line));
  }
  if (safe_lines.size() == 1) return out.line("/** ", safe_lines[0], " */");
  out.line("/**");
  for (const std::string& line : safe_lines) out.line(line.empty() ? " *" : " * ", line);
  return out.line(" */");
}

}  // namespace

std::string TypeScript::source() const {
  Text out;
  out.line("// Made by protoc-gen-b2 from ", file_.name(), ": change that, not this.");
  imports(out);
  for (const pb::EnumDescriptor* enumeration : enums_of(file_)) declare_enum(out, *enumeration);
  for (const pb::Descriptor* message : order_.messages) declare_message(out, *message);
  for (int i = 0; i < file_.service_count(); ++i) declare_service(out, *file_.service(i));
  list_codecs(out);
  return out.take();
}

void TypeScript::imports(Text& out) const {
  std::string up = "../";
  for (char c : file_.name())
    if (c == '/') up += "../";
  out.line("import * as b2 from '", up, "b2/proto';");
  std::map<const pb::FileDescriptor*, std::set<std::string>> used;
  const auto use = [&](const auto& type, bool codec) {
    if (type.file() == &file_) return;
    used[type.file()].insert("type " + type_of(type));
    if (codec) used[type.file()].insert(type_of(type) + "Codec");
  };
  for (const pb::Descriptor* message : order_.messages) {
    for (int i = 0; i < message->field_count(); ++i) {
      const F* field = message->field(i);
      if (field->is_map()) field = field->message_type()->map_value();
      if (field->enum_type() != nullptr) use(*field->enum_type(), false);
      if (field->message_type() != nullptr) use(*field->message_type(), true);
    }
  }
  for (int i = 0; i < file_.service_count(); ++i) {
    for (int k = 0; k < file_.service(i)->method_count(); ++k) {
      use(*file_.service(i)->method(k)->input_type(), true);
      use(*file_.service(i)->method(k)->output_type(), true);
    }
  }
  for (const pb::FileDescriptor* file : used_files(file_)) {
    std::string names;
    for (const std::string& name : used[file]) names += (names.empty() ? "" : ", ") + name;
    // `up` leads out of gen/; its first step stays within.
    out.line("import { ", names, " } from '", up.size() > 3 ? up.substr(3) : "./", stem(*file), "';");
  }
}

void TypeScript::declare_enum(Text& out, const pb::EnumDescriptor& enumeration) const {
  out.line();
  doc(out, comment_lines(enumeration));
  out.open("export enum ", type_of(enumeration), " {");
  for (int i = 0; i < enumeration.value_count(); ++i) {
    doc(out, comment_lines(*enumeration.value(i)));
    out.line(enumerator_name(*enumeration.value(i)), " = ", std::to_string(enumeration.value(i)->number()), ",");
  }
  out.close("}");
}

void TypeScript::declare_message(Text& out, const pb::Descriptor& message) const {
  out.line();
  doc(out, comment_lines(message));
  out.open("export interface ", type_of(message), " {");
  for (int i = 0; i < message.field_count(); ++i) {
    const F& field = *message.field(i);
    auto comment = comment_lines(field);
    if (const auto* choice = field.real_containing_oneof()) comment.push_back("At most one of the members of `" + choice->name() + "` is there.");
    doc(out, comment);
    out.line(field.json_name(), is_optional(field) ? "?: " : ": ", member_type(field), ";");
  }
  out.close("}");
  declare_codec(out, message);
}

void TypeScript::declare_codec(Text& out, const pb::Descriptor& message) const {
  const std::string type = type_of(message);
  std::vector<const F*> fields;
  for (int i = 0; i < message.field_count(); ++i) fields.push_back(message.field(i));
  std::sort(fields.begin(), fields.end(), [](const F* a, const F* b) { return a->number() < b->number(); });
  out.open("export const ", type, "Codec: b2.Codec<", type, "> = b2.codec('", message.full_name(), "', [");
  for (const F* field : fields) {
    const std::string rest = std::to_string(field->number()) + ", " + quoted(field->json_name()) + ", ";
    if (field->is_map()) {
      out.line("b2.map(", rest, kind_of(*field->message_type()->map_key()), ", ", kind_of(*field->message_type()->map_value()), "),");
    } else if (const auto* choice = field->real_containing_oneof()) {
      out.line("b2.choice(", quoted(choice->name()), ", ", rest, kind_of(*field), "),");
    } else {
      const char* shape = field->is_packed() ? "packed" : field->is_repeated() ? "list" : is_optional(*field) ? "optional" : "plain";
      out.line("b2.", shape, "(", rest, kind_of(*field), "),");
    }
  }
  out.close("]);");
  out.line("export const encode", type, " = (message: b2.Init<", type, ">): Uint8Array => ", type, "Codec.encode(message);");
  out.line("export const decode", type, " = (bytes: Uint8Array): ", type, " => ", type, "Codec.decode(bytes);");
}

void TypeScript::declare_service(Text& out, const pb::ServiceDescriptor& service) const {
  out.line();
  doc(out, comment_lines(service));
  out.open("export const ", service.name(), " = {");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    const MethodOptions options = options_of(method);
    const std::string request = type_of(*method.input_type()), response = type_of(*method.output_type());
    doc(out, comment_lines(method));
    out.open(lower_first(method.name()), ": {");
    out.line("service: '", service.full_name(), "', name: '", method.name(), "', kind: '", kind_name(method),
             "', idempotent: ", options.idempotent ? "true" : "false", ", needs: '", options.needs, "',");
    out.line("request: ", request, "Codec, response: ", response, "Codec,");
    out.close("} satisfies b2.Method<", request, ", ", response, ">,");
  }
  out.close("} as const;");
}

void TypeScript::list_codecs(Text& out) const {
  out.line().line("/** The codec of each message, by its full name. */");
  out.open("export const codecs: Readonly<Record<string, b2.Codec<unknown>>> = {");
  for (const pb::Descriptor* message : order_.messages) out.line(quoted(message->full_name()), ": ", type_of(*message), "Codec,");
  out.close("};");
}

}  // namespace ghost::b2::codegen
