#pragma once
#include <span>
#include <string>

#include "b2/codegen/schema.h"
#include "b2/codegen/text.h"

namespace ghost::b2::codegen {

/// C++ for one .proto file.
class Cpp {
 public:
  /// @param prefix  namespace around that of the package: "ghost", or "" for none
  Cpp(const pb::FileDescriptor& file, std::string prefix);

  std::string header() const;
  std::string source() const;

  /// What a field is in C++, in its message.
  struct Field {
    const pb::FieldDescriptor* from;
    enum class Shape { plain, optional, repeated, map } shape;
    std::string member;
    std::string value;  ///< type of one value: "std::uint32_t", "Limits"
    std::string type;   ///< type of the member: "std::vector<Limits>"
    std::string codec;  ///< how one value is read and written: "codec::Uint32"
    std::string key_codec;
    bool packed = false;
    std::uint32_t tag = 0;  ///< as written
    std::size_t tag_size = 0;
  };

 private:
  Field field_of(const pb::FieldDescriptor& field) const;
  void describe_map(const pb::FieldDescriptor& field, Field& result) const;
  std::vector<Field> fields_of(const pb::Descriptor& message) const;
  std::string type_name(const pb::FieldDescriptor& field, const pb::Descriptor& within) const;
  std::string type_name(const pb::Descriptor& message) const;
  std::string qualify(const pb::FileDescriptor& file, const std::string& flat) const;
  std::string codec_name(const pb::FieldDescriptor& field) const;

  void includes(Text& out) const;
  void declare_enum(Text& out, const pb::EnumDescriptor& enumeration) const;
  void declare_message(Text& out, const pb::Descriptor& message) const;
  void declare_member(Text& out, const Field& field) const;
  void declare_functions(Text& out, const pb::Descriptor& message) const;
  void declare_service(Text& out, const pb::ServiceDescriptor& service) const;
  void declare_client(Text& out, const pb::ServiceDescriptor& service) const;

  void define_enum(Text& out, const pb::EnumDescriptor& enumeration) const;
  void define_message(Text& out, const pb::Descriptor& message) const;
  void define_equality(Text& out, const pb::Descriptor& message) const;
  void define_size(Text& out, const pb::Descriptor& message) const;
  void define_write(Text& out, const pb::Descriptor& message) const;
  void define_overwriting(Text& out, std::span<const Field> fields) const;
  void define_read(Text& out, const pb::Descriptor& message) const;
  void define_choices(Text& out, const pb::Descriptor& message) const;
  void read_field(Text& out, const Field& field) const;
  void read_in_order(Text& out, std::span<const Field> fields) const;
  void read_otherwise(Text& out, const Field& field) const;
  void define_descriptors(Text& out) const;
  void define_service(Text& out, const pb::ServiceDescriptor& service) const;
  void define_info(Text& out, const pb::ServiceDescriptor& service) const;
  void define_handle(Text& out, const pb::ServiceDescriptor& service) const;
  void define_method(Text& out, const pb::MethodDescriptor& method) const;
  void define_sending(Text& out, const pb::MethodDescriptor& method) const;
  void define_client(Text& out, const pb::ServiceDescriptor& service) const;

  const pb::FileDescriptor& file_;
  std::string prefix_;
  std::string namespace_;
  Order order_;
};

}  // namespace ghost::b2::codegen
