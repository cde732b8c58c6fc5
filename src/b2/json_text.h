#pragma once
#include <string>

#include "b2/json_pool.h"

namespace ghost::b2 {

/// The service and all messages and enums it needs, as a .proto file would have them.
std::string service_text(const JsonPool& pool, const google::protobuf::ServiceDescriptor& service);

/// JSON with every field of a message, for a person to fill in. Bounded, whatever the type.
std::string example_json(const google::protobuf::Descriptor& message);

}  // namespace ghost::b2
