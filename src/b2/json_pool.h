#pragma once
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/type_resolver.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "b2/json.h"

namespace ghost::b2 {

/// The types of a FileDescriptorSet that may come from a stranger. google.protobuf's own are always those of libprotobuf, which
/// gives them a JSON form of their own and trusts their fields; options, which can hold messages of any type and size, are read
/// where they say something of a method, and dropped.
class JsonPool {
 public:
  explicit JsonPool(BytesView file_descriptor_set);

  const std::vector<std::string>& services() const { return services_; }
  const google::protobuf::ServiceDescriptor* service(std::string_view name) const;
  const google::protobuf::MethodDescriptor* method(std::string_view service, std::string_view name) const;
  /// Right and side effects included.
  JsonMethod tell(const google::protobuf::MethodDescriptor& method) const;
  google::protobuf::util::TypeResolver& resolver() const { return *resolver_; }

 private:
  struct Options {
    std::string needs;
    bool on_loop = false;
    bool idempotent = false, changes_nothing = false;
  };
  void note_options(const google::protobuf::FileDescriptorProto& file);

  google::protobuf::DescriptorPool pool_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
  std::vector<std::string> services_;
  std::map<std::string, Options> options_;  ///< by the method's full name
};

}  // namespace ghost::b2
