#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "b2/service.h"
#include "base/bytes.h"
#include "base/result.h"

namespace ghost::b2 {

enum class JsonStyle : bool { compact, pretty };

/// A method as a descriptor tells it.
struct JsonMethod {
  std::string name;
  MethodKind kind;
  std::string input, output;  ///< full names of messages
  std::string needs;          ///< "public", "" (a member), or a role
  bool on_loop = false;
  bool idempotent = false;    ///< twice is as once
  bool changes_nothing = false;  ///< idempotency_level NO_SIDE_EFFECTS: may be called by GET
};

/// Messages of services that are known by their descriptors only, from and to JSON (protobuf's canonical mapping). With
/// json_pool.h the one user of libprotobuf. Descriptors may come from a stranger: what does not fit together is left out, and is
/// then not found. On one thread at a time.
class JsonCodec {
 public:
  static constexpr std::size_t kMaxDescriptors = 2 * 1024 * 1024;
  static constexpr std::size_t kMaxJson = 4 * 1024 * 1024;

  /// @param file_descriptor_set  google.protobuf.FileDescriptorSet; more than kMaxDescriptors is taken for an empty one
  explicit JsonCodec(BytesView file_descriptor_set);
  ~JsonCodec();
  JsonCodec(JsonCodec&&) noexcept;
  JsonCodec& operator=(JsonCodec&&) noexcept;

  /// Full names of the services, sorted.
  std::vector<std::string> services() const;
  /// In the order of their indexes; not_found when there is no such service.
  Result<std::vector<JsonMethod>> methods(std::string_view service) const;
  /// Whether that method says of itself that it has no side effects; false where it is not known here.
  bool changes_nothing(std::string_view service, std::string_view method) const;
  /// The request in JSON ("" is {}) as bytes. malformed names the field; not_found when the method is not known here.
  Result<Bytes> request_from_json(std::string_view service, std::string_view method, std::string_view json) const;
  /// The answer in JSON, fields at their defaults too. malformed names the message and field as our own decoders do.
  Result<std::string> response_to_json(std::string_view service, std::string_view method, BytesView message, JsonStyle style) const;
  /// The service, its methods and their messages in the syntax of a .proto file, with their comments where the descriptors have them.
  Result<std::string> describe(std::string_view service) const;
  /// A request with every field, at its default, one element in lists, and of a oneof the first: pretty JSON to start from.
  Result<std::string> example_request(std::string_view service, std::string_view method) const;

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace ghost::b2
