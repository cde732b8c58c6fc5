#include "b2/codegen/schema.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <functional>
#include <map>

namespace ghost::b2::codegen {
namespace {

void collect(const pb::Descriptor& message, std::vector<const pb::Descriptor*>& out) {
  if (message.options().map_entry()) return;
  out.push_back(&message);
  for (int i = 0; i < message.nested_type_count(); ++i) collect(*message.nested_type(i), out);
}

std::vector<const pb::Descriptor*> messages_of(const pb::FileDescriptor& file) {
  std::vector<const pb::Descriptor*> all;
  for (int i = 0; i < file.message_type_count(); ++i) collect(*file.message_type(i), all);
  return all;
}

/// The message a field holds, for a map its value's; null for other types.
const pb::Descriptor* held_by(const pb::FieldDescriptor& field) {
  const pb::Descriptor* held = field.message_type();
  return held != nullptr && field.is_map() ? held->map_value()->message_type() : held;
}

/// Tarjan's strongly connected components; they come out in the order wanted, held before holder.
class Rings {
 public:
  explicit Rings(const pb::FileDescriptor& file) : file_(file) {}

  void visit(const pb::Descriptor& message) {
    if (index_.contains(&message)) return;
    index_[&message] = low_[&message] = static_cast<int>(index_.size());
    stack_.push_back(&message);
    for (int i = 0; i < message.field_count(); ++i) {
      const pb::Descriptor* held = held_by(*message.field(i));
      if (held == nullptr || held->file() != &file_) continue;
      if (held == &message) order.recursive.insert(held);
      if (!index_.contains(held)) {
        visit(*held);
        low_[&message] = std::min(low_[&message], low_[held]);
      } else if (std::find(stack_.begin(), stack_.end(), held) != stack_.end()) {
        low_[&message] = std::min(low_[&message], index_[held]);
      }
    }
    if (low_[&message] == index_[&message]) close(message);
  }

  Order order;

 private:
  void close(const pb::Descriptor& root) {
    const auto first = std::find(stack_.begin(), stack_.end(), &root);
    const bool several = stack_.end() - first > 1;
    for (auto i = first; i != stack_.end(); ++i) {
      order.messages.push_back(*i);
      order.rings.push_back(ring_);
      if (several) order.recursive.insert(*i);
    }
    stack_.erase(first, stack_.end());
    ++ring_;
  }

  const pb::FileDescriptor& file_;
  std::map<const pb::Descriptor*, int> index_, low_;
  std::vector<const pb::Descriptor*> stack_;
  int ring_ = 0;
};

std::string service_refusal(const pb::ServiceDescriptor& service) {
  std::set<std::string> functions;
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    for (const std::string& function : {function_name(method), "answer_" + snake_case(method.name())})
      if (!functions.insert(function).second) return "method " + method.name() + ": another has the same name in C++, " + function + "; rename one";
  }
  return "";
}

void keep_comments(pb::FileDescriptorProto& proto) {
  pb::SourceCodeInfo kept;
  for (const auto& location : proto.source_code_info().location())
    if (location.has_leading_comments() || location.has_trailing_comments()) *kept.add_location() = location;
  for (auto& location : *kept.mutable_location()) location.clear_leading_detached_comments();
  *proto.mutable_source_code_info() = kept;
}

void add_file(const pb::FileDescriptor& file, std::set<const pb::FileDescriptor*>& seen, pb::FileDescriptorSet& set) {
  if (!seen.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), seen, set);
  pb::FileDescriptorProto& proto = *set.add_file();
  file.CopyTo(&proto);
  if (file.package() == "google.protobuf") return;
  file.CopySourceCodeInfoTo(&proto);
  keep_comments(proto);
}

}  // namespace

std::string refusal(const pb::FileDescriptor& file) {
  if (file.syntax() != pb::FileDescriptor::SYNTAX_PROTO3) return file.name() + ": only syntax = \"proto3\" is supported";
  for (int i = 0; i < file.service_count(); ++i)
    if (auto why = service_refusal(*file.service(i)); !why.empty())
      return file.name() + ": service " + file.service(i)->full_name() + ": " + why;
  return "";
}

int Order::ring_of(const pb::Descriptor& message) const {
  const auto found = std::find(messages.begin(), messages.end(), &message);
  return found == messages.end() ? -1 : rings[static_cast<std::size_t>(found - messages.begin())];
}

bool Order::closes_ring(const pb::FieldDescriptor& field) const {
  const pb::Descriptor* held = held_by(field);
  return held != nullptr && recursive.contains(held) && ring_of(*held) == ring_of(*field.containing_type());
}

Order order_of(const pb::FileDescriptor& file) {
  Rings rings(file);
  for (const pb::Descriptor* message : messages_of(file)) rings.visit(*message);
  return std::move(rings.order);
}

std::vector<const pb::EnumDescriptor*> enums_of(const pb::FileDescriptor& file) {
  std::vector<const pb::EnumDescriptor*> all;
  for (int i = 0; i < file.enum_type_count(); ++i) all.push_back(file.enum_type(i));
  for (const pb::Descriptor* message : messages_of(file))
    for (int i = 0; i < message->enum_type_count(); ++i) all.push_back(message->enum_type(i));
  return all;
}

std::vector<const pb::FileDescriptor*> used_files(const pb::FileDescriptor& file) {
  std::vector<const pb::FileDescriptor*> used;
  const auto use = [&](const pb::FileDescriptor* other) {
    if (other != &file && std::find(used.begin(), used.end(), other) == used.end()) used.push_back(other);
  };
  for (const pb::Descriptor* message : messages_of(file)) {
    for (int i = 0; i < message->field_count(); ++i) {
      const pb::FieldDescriptor* field = message->field(i);
      if (field->is_map()) field = field->message_type()->map_value();
      if (field->message_type() != nullptr) use(field->message_type()->file());
      if (field->enum_type() != nullptr) use(field->enum_type()->file());
    }
  }
  for (int i = 0; i < file.service_count(); ++i) {
    for (int k = 0; k < file.service(i)->method_count(); ++k) {
      use(file.service(i)->method(k)->input_type()->file());
      use(file.service(i)->method(k)->output_type()->file());
    }
  }
  std::sort(used.begin(), used.end(), [](auto* a, auto* b) { return a->name() < b->name(); });
  return used;
}

std::vector<std::string> split_comment(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.starts_with(' ')) line.erase(0, 1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
    lines.push_back(std::move(line));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

MethodOptions options_of(const pb::MethodDescriptor& method) {
  constexpr int kNeeds = 50901, kOnLoop = 50902;
  MethodOptions options;
  const pb::UnknownFieldSet& fields = method.options().unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const pb::UnknownField& field = fields.field(i);
    if (field.number() == kNeeds && field.type() == pb::UnknownField::TYPE_LENGTH_DELIMITED) options.needs = field.length_delimited();
    if (field.number() == kOnLoop && field.type() == pb::UnknownField::TYPE_VARINT) options.on_loop = field.varint() != 0;
  }
  if (options.needs == "member") options.needs.clear();
  options.idempotent = method.options().idempotency_level() != pb::MethodOptions::IDEMPOTENCY_UNKNOWN;
  return options;
}

std::string kind_name(const pb::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidirectional" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

std::string descriptor_set_of(const pb::FileDescriptor& file) {
  pb::FileDescriptorSet set;
  std::set<const pb::FileDescriptor*> seen;
  add_file(file, seen, set);
  return set.SerializeAsString();
}

}  // namespace ghost::b2::codegen
