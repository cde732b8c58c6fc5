#include "b2/forward.h"

namespace ghost::b2 {

namespace {

/// A kind this host does not know is passed on as the one with the fewest promises.
MethodKind kind_of(v1::MethodKind kind) {
  switch (kind) {
    case v1::MethodKind::unary: return MethodKind::unary;
    case v1::MethodKind::server_stream: return MethodKind::server_stream;
    case v1::MethodKind::client_stream: return MethodKind::client_stream;
    case v1::MethodKind::bidirectional: return MethodKind::bidirectional;
  }
  return MethodKind::bidirectional;
}

}  // namespace

ForwardedService::ForwardedService(const v1::ServiceEntry& entry, Bytes file_descriptor_set, ChildGate& gate)
    : entry_(entry), file_descriptor_set_(std::move(file_descriptor_set)), gate_(gate) {
  methods_.reserve(entry_.methods.size());
  for (const v1::Method& method : entry_.methods) {
    methods_.push_back({method.name, kind_of(method.kind), method.needs, true, method.idempotent});
  }
  info_ = {entry_.name, entry_.version, methods_, file_descriptor_set_};
}

void ForwardedService::handle(std::size_t method, BytesView request, ServerCall call) {
  if (method >= methods_.size()) {
    return call.fail(Error{Errc::unsupported, entry_.name + " has no method " + std::to_string(method)});
  }
  gate_.forward(entry_.name, methods_[method], request, std::move(call));
}

bool ForwardedService::is(const v1::ServiceEntry& entry) const {
  return entry.name == entry_.name && entry.version == entry_.version && entry.descriptor_hash == entry_.descriptor_hash &&
         entry.methods == entry_.methods;
}

}  // namespace ghost::b2
