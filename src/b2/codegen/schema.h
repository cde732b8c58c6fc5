#pragma once
#include <set>
#include <string>
#include <vector>

#include "b2/codegen/names.h"

namespace ghost::b2::codegen {

/// Why no code can be made of a file: "x.proto: message Foo: …". Empty when it can.
std::string refusal(const pb::FileDescriptor& file);

/// All messages of a file, map entries excepted, such that each comes after those it holds by value.
struct Order {
  std::vector<const pb::Descriptor*> messages;
  std::set<const pb::Descriptor*> recursive;  ///< contain themselves, perhaps through others
  /// The number of the ring a message is in: two that contain each other have the same.
  std::vector<int> rings;

  /// Whether `field` leads back to its own message, so that it must be held on the heap.
  bool closes_ring(const pb::FieldDescriptor& field) const;
  int ring_of(const pb::Descriptor& message) const;
};
Order order_of(const pb::FileDescriptor& file);

/// All enums of a file, those within messages included.
std::vector<const pb::EnumDescriptor*> enums_of(const pb::FileDescriptor& file);
/// The files that define types this one uses.
std::vector<const pb::FileDescriptor*> used_files(const pb::FileDescriptor& file);

/// The comment above a declaration and the one behind it, as lines without leading space.
template <class D>
std::vector<std::string> comment_lines(const D& descriptor);
std::vector<std::string> split_comment(const std::string& text);

template <class D>
std::vector<std::string> comment_lines(const D& descriptor) {
  pb::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return {};
  auto lines = split_comment(location.leading_comments);
  for (auto& line : split_comment(location.trailing_comments)) lines.push_back(std::move(line));
  return lines;
}

/// The b2 options of a method (proto/b2/options.proto).
struct MethodOptions {
  std::string needs;  ///< "member" is told as "", which means the same
  bool on_loop = false;
  bool idempotent = false;
};
MethodOptions options_of(const pb::MethodDescriptor& method);
/// "unary", "server_stream", "client_stream" or "bidirectional": which sides stream. The names of MethodKind in both languages.
std::string kind_name(const pb::MethodDescriptor& method);

/// A serialized FileDescriptorSet of `file` and all it imports, each after its imports, with comments and nothing else of
/// the source info.
std::string descriptor_set_of(const pb::FileDescriptor& file);

}  // namespace ghost::b2::codegen
