#include "b2/json.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <set>

namespace ghost::b2 {

namespace pb = google::protobuf;

namespace {

/// What does not fit together is told to nobody: it is simply not there.
class Silent : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string&, const std::string&, const pb::Message*, ErrorLocation, const std::string&) override {}
};

std::string sentence(pb::StringPiece text) {
  std::string told(text.data(), text.size());
  return told.substr(0, 1000);
}

/// The messages a method's request and answer are made of, each once.
void collect(const pb::Descriptor* message, std::set<std::string>& seen, std::vector<const pb::Descriptor*>& messages,
             std::vector<const pb::EnumDescriptor*>& enums) {
  if (!seen.insert(message->full_name()).second) return;
  messages.push_back(message);
  for (int i = 0; i < message->field_count(); ++i) {
    const pb::FieldDescriptor* field = message->field(i);
    if (field->message_type() != nullptr) collect(field->message_type(), seen, messages, enums);
    if (field->enum_type() != nullptr && seen.insert(field->enum_type()->full_name()).second) enums.push_back(field->enum_type());
  }
}

}  // namespace

struct JsonCodec::Pool {
  Pool() { pool.AllowUnknownDependencies(); }

  const pb::MethodDescriptor* method(std::string_view service, std::string_view name) const {
    const pb::ServiceDescriptor* found = pool.FindServiceByName(std::string(service));
    return found == nullptr ? nullptr : found->FindMethodByName(std::string(name));
  }

  Silent silent;
  pb::DescriptorPool pool;
  mutable pb::DynamicMessageFactory factory{&pool};
  std::vector<std::string> services;
};

JsonCodec::JsonCodec(BytesView file_descriptor_set) : pool_(std::make_unique<Pool>()) {
  if (file_descriptor_set.size() > kMaxDescriptors) return;
  pb::FileDescriptorSet set;
  if (!set.ParseFromArray(file_descriptor_set.data(), static_cast<int>(file_descriptor_set.size()))) return;
  for (const pb::FileDescriptorProto& file : set.file()) {
    const pb::FileDescriptor* built = pool_->pool.BuildFileCollectingErrors(file, &pool_->silent);
    if (built == nullptr) continue;
    for (int i = 0; i < built->service_count(); ++i) pool_->services.push_back(built->service(i)->full_name());
  }
  std::sort(pool_->services.begin(), pool_->services.end());
}

JsonCodec::~JsonCodec() = default;
JsonCodec::JsonCodec(JsonCodec&&) noexcept = default;
JsonCodec& JsonCodec::operator=(JsonCodec&&) noexcept = default;

std::vector<std::string> JsonCodec::services() const { return pool_->services; }

static Error unknown(std::string_view service, std::string_view method) {
  return {Errc::not_found, std::string(service) + "/" + std::string(method) + ": there is no such method, or no descriptor of it"};
}

Result<Bytes> JsonCodec::request_from_json(std::string_view service, std::string_view method, std::string_view json) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  if (json.size() > kMaxJson) return Error{Errc::exhausted, "a request of more than 4 MiB of JSON"};
  const std::unique_ptr<pb::Message> message(pool_->factory.GetPrototype(found->input_type())->New());
  if (!json.empty()) {
    const auto status = pb::util::JsonStringToMessage(pb::StringPiece(json.data(), json.size()), message.get());
    if (!status.ok()) return Error{Errc::malformed, found->input_type()->full_name() + ": " + sentence(status.message())};
  }
  Bytes bytes(message->ByteSizeLong());
  message->SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

Result<std::string> JsonCodec::response_to_json(std::string_view service, std::string_view method, BytesView message, JsonStyle style) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  const std::unique_ptr<pb::Message> parsed(pool_->factory.GetPrototype(found->output_type())->New());
  if (!parsed->ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return Error{Errc::malformed, "the answer is no " + found->output_type()->full_name()};
  }
  pb::util::JsonPrintOptions options;
  options.add_whitespace = style == JsonStyle::pretty;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = pb::util::MessageToJsonString(*parsed, &text, options);
  if (!status.ok()) return Error{Errc::malformed, found->output_type()->full_name() + ": " + sentence(status.message())};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<std::string> JsonCodec::describe(std::string_view service) const {
  const pb::ServiceDescriptor* found = pool_->pool.FindServiceByName(std::string(service));
  if (found == nullptr) return Error{Errc::not_found, std::string(service) + ": there is no such service, or no descriptor of it"};
  std::set<std::string> seen;
  std::vector<const pb::Descriptor*> messages;
  std::vector<const pb::EnumDescriptor*> enums;
  for (int i = 0; i < found->method_count(); ++i) {
    collect(found->method(i)->input_type(), seen, messages, enums);
    collect(found->method(i)->output_type(), seen, messages, enums);
  }
  std::string text = found->DebugString();
  for (const pb::Descriptor* message : messages) text += "\n" + message->DebugString();
  for (const pb::EnumDescriptor* listed : enums) text += "\n" + listed->DebugString();
  return text;
}

Result<std::string> JsonCodec::example_request(std::string_view service, std::string_view method) const {
  const pb::MethodDescriptor* found = pool_->method(service, method);
  if (found == nullptr) return unknown(service, method);
  const std::unique_ptr<pb::Message> message(pool_->factory.GetPrototype(found->input_type())->New());
  pb::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = pb::util::MessageToJsonString(*message, &text, options);
  if (!status.ok()) return Error{Errc::malformed, sentence(status.message())};
  return text;
}

}  // namespace ghost::b2
