#include "b2/json_pool.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <algorithm>

namespace ghost::b2 {

namespace pb = google::protobuf;

namespace {

/// What does not fit together is told to nobody: it is simply not there.
class Silent : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string&, const std::string&, const pb::Message*, ErrorLocation, const std::string&) override {}
};

void strip(pb::FieldDescriptorProto& field) {
  const bool told = field.options().has_packed();
  const bool packed = field.options().packed();
  field.clear_options();
  if (told) field.mutable_options()->set_packed(packed);
}

void strip(pb::EnumDescriptorProto& enumeration) {
  const bool alias = enumeration.options().allow_alias();
  enumeration.clear_options();
  if (alias) enumeration.mutable_options()->set_allow_alias(true);
  for (auto& value : *enumeration.mutable_value()) value.clear_options();
}

/// Keeps of the options those that change what a type means. Recursive, as deep as libprotobuf parsed it.
void strip(pb::DescriptorProto& message) {
  const bool entry = message.options().map_entry();
  message.clear_options();
  if (entry) message.mutable_options()->set_map_entry(true);
  for (auto& field : *message.mutable_field()) strip(field);
  for (auto& choice : *message.mutable_oneof_decl()) choice.clear_options();
  for (auto& nested : *message.mutable_nested_type()) strip(nested);
  for (auto& enumeration : *message.mutable_enum_type()) strip(enumeration);
  message.clear_extension();
  message.clear_extension_range();
}

void strip(pb::FileDescriptorProto& file) {
  file.clear_options();
  file.clear_extension();
  for (auto& message : *file.mutable_message_type()) strip(message);
  for (auto& enumeration : *file.mutable_enum_type()) strip(enumeration);
  for (auto& service : *file.mutable_service()) {
    service.clear_options();
    for (auto& method : *service.mutable_method()) method.clear_options();
  }
}

MethodKind kind_of(const pb::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? MethodKind::bidirectional : MethodKind::client_stream;
  return method.server_streaming() ? MethodKind::server_stream : MethodKind::unary;
}

}  // namespace

JsonPool::JsonPool(BytesView file_descriptor_set)
    : pool_(pb::DescriptorPool::generated_pool()), resolver_(pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_)) {
  pb::FileDescriptorSet set;
  if (file_descriptor_set.size() > JsonCodec::kMaxDescriptors) return;
  if (!set.ParseFromArray(file_descriptor_set.data(), static_cast<int>(file_descriptor_set.size()))) return;
  Silent silent;
  for (pb::FileDescriptorProto& file : *set.mutable_file()) {
    const bool known = file.name().starts_with("google/protobuf/") || file.package() == "google.protobuf" || file.syntax() != "proto3";
    if (known || pool_.FindFileByName(file.name()) != nullptr) continue;
    note_options(file);
    strip(file);
    const pb::FileDescriptor* built = pool_.BuildFileCollectingErrors(file, &silent);
    for (int i = 0; built != nullptr && i < built->service_count(); ++i) services_.push_back(built->service(i)->full_name());
  }
  std::sort(services_.begin(), services_.end());
}

/// proto/b2/options.proto: its fields are unknown ones of MethodOptions.
void JsonPool::note_options(const pb::FileDescriptorProto& file) {
  constexpr int kNeeds = 50901, kOnLoop = 50902;
  for (const auto& service : file.service()) {
    for (const auto& method : service.method()) {
      Options options;
      options.idempotent = method.options().idempotency_level() != pb::MethodOptions::IDEMPOTENCY_UNKNOWN;
      options.changes_nothing = method.options().idempotency_level() == pb::MethodOptions::NO_SIDE_EFFECTS;
      const pb::UnknownFieldSet& fields = method.options().unknown_fields();
      for (int i = 0; i < fields.field_count(); ++i) {
        const pb::UnknownField& field = fields.field(i);
        if (field.number() == kNeeds && field.type() == pb::UnknownField::TYPE_LENGTH_DELIMITED) options.needs = field.length_delimited();
        if (field.number() == kOnLoop && field.type() == pb::UnknownField::TYPE_VARINT) options.on_loop = field.varint() != 0;
      }
      options_[(file.package().empty() ? "" : file.package() + ".") + service.name() + "." + method.name()] = std::move(options);
    }
  }
}

const pb::ServiceDescriptor* JsonPool::service(std::string_view name) const { return pool_.FindServiceByName(std::string(name)); }

const pb::MethodDescriptor* JsonPool::method(std::string_view service_name, std::string_view name) const {
  const pb::ServiceDescriptor* found = service(service_name);
  return found == nullptr ? nullptr : found->FindMethodByName(std::string(name));
}

JsonMethod JsonPool::tell(const pb::MethodDescriptor& method) const {
  JsonMethod told{method.name(), kind_of(method), method.input_type()->full_name(), method.output_type()->full_name(), "", false, false, false};
  if (const auto found = options_.find(method.full_name()); found != options_.end()) {
    told.needs = found->second.needs;
    told.on_loop = found->second.on_loop;
    told.idempotent = found->second.idempotent;
    told.changes_nothing = found->second.changes_nothing;
  }
  return told;
}

}  // namespace ghost::b2
