#include "b2/json_text.h"

#include <algorithm>
#include <set>

namespace ghost::b2 {

namespace pb = google::protobuf;
using F = pb::FieldDescriptor;

namespace {

constexpr std::size_t kMaxExampleDepth = 6;
constexpr std::size_t kMaxExample = 64 * 1024;
/// Types within types; deeper are left out.
constexpr std::size_t kMaxTypes = 1000;

/// The types a service needs, outermost ones, each once and in the order they are met.
class Types {
 public:
  void add(const pb::Descriptor* message) {
    if (seen_.size() >= kMaxTypes || message->file()->package() == "google.protobuf" || !seen_.insert(message).second) return;
    outermost(message);
    for (int i = 0; i < message->field_count(); ++i) {
      const F* field = message->field(i);
      if (field->message_type() != nullptr) waiting_.push_back(field->message_type());
      if (field->enum_type() == nullptr) continue;
      if (field->enum_type()->containing_type() != nullptr) {
        outermost(field->enum_type()->containing_type());
      } else if (seen_.insert(field->enum_type()).second) {
        enums.push_back(field->enum_type());
      }
    }
  }
  void add_waiting() {
    for (std::size_t i = 0; i < waiting_.size(); ++i) add(waiting_[i]);
  }

  std::vector<const pb::Descriptor*> messages;
  std::vector<const pb::EnumDescriptor*> enums;

 private:
  void outermost(const pb::Descriptor* message) {
    while (message->containing_type() != nullptr) message = message->containing_type();
    if (outer_.insert(message).second) messages.push_back(message);
  }

  std::set<const void*> seen_, outer_;
  std::vector<const pb::Descriptor*> waiting_;
};

std::string comment(const std::string& text, const std::string& indent) {
  std::string lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines += indent + "//" + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return lines;
}

template <class D>
std::string leading_comment(const D& descriptor, const std::string& indent) {
  pb::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  return comment(location.leading_comments, indent) + comment(location.trailing_comments, indent);
}

std::string method_text(const JsonPool& pool, const pb::MethodDescriptor& method) {
  const JsonMethod told = pool.tell(method);
  std::string text = leading_comment(method, "  ");
  text += "  rpc " + told.name + "(" + (method.client_streaming() ? "stream ." : ".") + told.input + ") returns (" +
          (method.server_streaming() ? "stream ." : ".") + told.output + ")";
  std::string options;
  if (!told.needs.empty()) options += " option (b2.needs) = \"" + told.needs + "\";";
  if (told.on_loop) options += " option (b2.on_loop) = true;";
  if (told.idempotent) options += std::string(" option idempotency_level = ") + (told.changes_nothing ? "NO_SIDE_EFFECTS;" : "IDEMPOTENT;");
  return text + (options.empty() ? ";\n" : " {" + options + " }\n");
}

/// One JSON text, which grows no further once it is too long. What is not spelled out is null, and [] in lists: messages that
/// are within themselves, and google.protobuf's, whose JSON is no object.
class Example {
 public:
  void message(const pb::Descriptor& type) {
    path_.push_back(&type);
    text += "{";
    const char* before = "\n";
    for (int i = 0; i < type.field_count() && text.size() <= kMaxExample; ++i) {
      const F& field = *type.field(i);
      const pb::OneofDescriptor* choice = field.real_containing_oneof();
      if (choice != nullptr && choice->field(0) != &field) continue;
      text += before + indent() + "\"" + plain(field.json_name()) + "\": ";
      before = ",\n";
      add(field);
    }
    path_.pop_back();
    if (text.back() != '{') text += "\n" + indent();
    text += "}";
  }

  std::string text;

 private:
  std::string indent() const { return std::string(path_.size() * 2, ' '); }
  /// A name a stranger made up, without what would end the string it is in.
  static std::string plain(std::string name) {
    std::replace(name.begin(), name.end(), '"', '?');
    std::replace(name.begin(), name.end(), '\\', '?');
    return name;
  }
  bool spelled_out(const F& field) const {
    const pb::Descriptor* type = field.message_type();
    if (type == nullptr) return true;
    return type->file()->package() != "google.protobuf" && path_.size() < kMaxExampleDepth && text.size() <= kMaxExample &&
           std::find(path_.begin(), path_.end(), type) == path_.end();
  }
  void add(const F& field) {
    if (field.is_map()) {
      text += "{}";
    } else if (!spelled_out(field)) {
      text += field.is_repeated() ? "[]" : "null";
    } else {
      if (field.is_repeated()) text += "[";
      value(field);
      if (field.is_repeated()) text += "]";
    }
  }
  void value(const F& field) {
    switch (field.cpp_type()) {
      case F::CPPTYPE_MESSAGE: message(*field.message_type()); return;
      case F::CPPTYPE_STRING: text += "\"\""; return;
      case F::CPPTYPE_BOOL: text += "false"; return;
      case F::CPPTYPE_ENUM: text += "\"" + field.enum_type()->value(0)->name() + "\""; return;
      case F::CPPTYPE_INT64:
      case F::CPPTYPE_UINT64: text += "\"0\""; return;
      default: text += "0"; return;
    }
  }

  std::vector<const pb::Descriptor*> path_;
};

/// Text for a terminal: comments and names of a stranger may hold its control sequences.
std::string printable(std::string text) {
  for (char& c : text)
    if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f) c = '?';
  return text;
}

}  // namespace

std::string service_text(const JsonPool& pool, const pb::ServiceDescriptor& service) {
  Types types;
  std::string text = leading_comment(service, "") + "service " + service.name() + " {\n";
  for (int i = 0; i < service.method_count(); ++i) {
    text += method_text(pool, *service.method(i));
    types.add(service.method(i)->input_type());
    types.add(service.method(i)->output_type());
  }
  text += "}\n";
  types.add_waiting();
  pb::DebugStringOptions options;
  options.include_comments = true;
  for (const pb::Descriptor* message : types.messages) text += "\n" + message->DebugStringWithOptions(options);
  for (const pb::EnumDescriptor* listed : types.enums) text += "\n" + listed->DebugStringWithOptions(options);
  return printable(std::move(text));
}

std::string example_json(const pb::Descriptor& message) {
  Example example;
  example.message(message);
  return printable(std::move(example.text));
}

}  // namespace ghost::b2
