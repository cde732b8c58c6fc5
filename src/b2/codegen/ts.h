#pragma once
#include <string>

#include "b2/codegen/schema.h"
#include "b2/codegen/text.h"

namespace ghost::b2::codegen {

/// TypeScript for one .proto file: interfaces, and tables for web/src/b2/proto.ts.
class TypeScript {
 public:
  explicit TypeScript(const pb::FileDescriptor& file) : file_(file), order_(order_of(file)) {}

  std::string source() const;

 private:
  void imports(Text& out) const;
  void declare_enum(Text& out, const pb::EnumDescriptor& enumeration) const;
  void declare_message(Text& out, const pb::Descriptor& message) const;
  void declare_codec(Text& out, const pb::Descriptor& message) const;
  void declare_service(Text& out, const pb::ServiceDescriptor& service) const;
  void list_codecs(Text& out) const;

  const pb::FileDescriptor& file_;
  Order order_;
};

}  // namespace ghost::b2::codegen
