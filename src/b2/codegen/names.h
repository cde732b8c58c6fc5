#pragma once
#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace ghost::b2::codegen {

namespace pb = google::protobuf;

/// "IdentifyAlbum" → "identify_album", "GetURL" → "get_url".
std::string snake_case(std::string_view camel);
/// The word, with "_" behind it when C++ or <cerrno> and friends use it.
std::string safe(std::string word);
/// HEALTH_NOT_SERVING of enum Health → "not_serving": without the enum's name, in lower case.
std::string enumerator_name(const pb::EnumValueDescriptor& value);

/// "ghost::b2::v1"
std::string cpp_namespace(const pb::FileDescriptor& file, const std::string& prefix);
/// "Outer_Inner" for a message or enum within a message.
std::string flat_name(const pb::Descriptor& message);
std::string flat_name(const pb::EnumDescriptor& enumeration);
/// The field's member name.
std::string member_name(const pb::FieldDescriptor& field);
/// The method's function name in `Service` classes and clients.
std::string function_name(const pb::MethodDescriptor& method);

/// "b2/v1/core.proto" → "b2/v1/core"
std::string stem(const pb::FileDescriptor& file);

}  // namespace ghost::b2::codegen
