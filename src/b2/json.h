#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

enum class JsonStyle : bool { compact, pretty };

/// Messages of services that are known by their descriptors only, from and to JSON (protobuf's canonical mapping). The one user
/// of libprotobuf. Descriptors may come from a stranger: what does not fit together is left out, and is then not found.
class JsonCodec {
 public:
  static constexpr std::size_t kMaxDescriptors = 8 * 1024 * 1024;
  static constexpr std::size_t kMaxJson = 4 * 1024 * 1024;

  /// @param file_descriptor_set  google.protobuf.FileDescriptorSet
  explicit JsonCodec(BytesView file_descriptor_set);
  ~JsonCodec();
  JsonCodec(JsonCodec&&) noexcept;
  JsonCodec& operator=(JsonCodec&&) noexcept;

  /// Full names of the services, sorted.
  std::vector<std::string> services() const;
  /// The request in JSON ("" is {}) as bytes. malformed names the field; not_found when the method is not known here.
  Result<Bytes> request_from_json(std::string_view service, std::string_view method, std::string_view json) const;
  Result<std::string> response_to_json(std::string_view service, std::string_view method, BytesView message, JsonStyle style) const;
  /// The service, its methods and their messages in the syntax of a .proto file.
  Result<std::string> describe(std::string_view service) const;
  /// A request with every field at its default, in pretty JSON: something to start from.
  Result<std::string> example_request(std::string_view service, std::string_view method) const;

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace ghost::b2
