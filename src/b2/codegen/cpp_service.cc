#include "b2/codegen/cpp.h"

namespace ghost::b2::codegen {

static std::string descriptors_name(const pb::FileDescriptor& file) {
  std::string name = "descriptors_of_";
  for (char c : stem(file)) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

/// "v1" of package "b2.v1"; "" when the package's last part is no version.
static std::string version_of(const pb::FileDescriptor& file) {
  const std::string last = file.package().substr(file.package().rfind('.') + 1);
  return last.size() > 1 && last[0] == 'v' && std::isdigit(static_cast<unsigned char>(last[1])) != 0 ? last : "";
}

static std::string answer_name(const pb::MethodDescriptor& method) { return "answer_" + snake_case(method.name()); }
/// Streams in either direction: the method of a service that gets the object of them.
static bool streams(const pb::MethodDescriptor& method) { return method.client_streaming() || method.server_streaming(); }
/// What a streaming method's handler works with: "ServerStream<State>".
static std::string stream_type(const pb::MethodDescriptor& method, const std::string& request, const std::string& response) {
  if (!method.client_streaming()) return "::ghost::b2::ServerStream<" + response + ">";
  return (method.server_streaming() ? "::ghost::b2::BidiStream<" : "::ghost::b2::UploadStream<") + request + ", " + response + ">";
}
static std::string path_of(const pb::MethodDescriptor& method) { return method.service()->full_name() + "/" + method.name(); }

void Cpp::declare_service(Text& out, const pb::ServiceDescriptor& service) const {
  out.line().doc(comment_lines(service));
  out.open("class ", service.name(), "Service : public ::ghost::b2::Service {").close(" public:").open();
  out.line("static const ::ghost::b2::ServiceInfo& static_info();");
  out.line("const ::ghost::b2::ServiceInfo& info() const override { return static_info(); }");
  out.line("void handle(std::size_t method, ::ghost::BytesView request, ::ghost::b2::ServerCall call) override;");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    const std::string request = type_name(*method.input_type()), response = type_name(*method.output_type());
    out.line().doc(comment_lines(method));
    if (streams(method)) {
      out.line("/// On the loop.");
      out.line("virtual void ", function_name(method), "(", method.client_streaming() ? "" : request + " request, ",
               stream_type(method, request, response), " stream);");
      continue;
    }
    out.line(options_of(method).on_loop ? "/// On the loop." : "/// On a worker thread, several calls at once; the service outlives them.");
    out.line("virtual ::ghost::Result<", response, "> ", function_name(method), "(const ", request, "& request, const ::ghost::b2::CallContext& context);");
    out.line("/// On the loop; answers with what ", function_name(method), "() returns. Overridden where the answer comes later.");
    out.line("virtual void ", answer_name(method), "(", request, " request, ::ghost::b2::UnaryCall<", response, "> call);");
  }
  out.close("};");
}

void Cpp::declare_client(Text& out, const pb::ServiceDescriptor& service) const {
  out.line().line("/// Calls ", service.full_name(), " through a Caller that outlives it. On the reactor's thread.");
  out.open("class ", service.name(), "Client {").close(" public:").open();
  out.line("explicit ", service.name(), "Client(::ghost::b2::Caller& caller) : caller_(&caller) {}");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    const std::string request = type_name(*method.input_type()), response = type_name(*method.output_type());
    out.line().doc(comment_lines(method));
    if (method.client_streaming()) {
      out.line(method.server_streaming() ? "::ghost::b2::BidiCall<" : "::ghost::b2::ClientStreamCall<", request, "> ", function_name(method), "(");
      if (method.server_streaming()) out.line("    std::function<void(const ", response, "&)> on_message, std::function<void(const ::ghost::Status&)> on_end,");
      else out.line("    std::function<void(::ghost::Result<", response, ">)> done,");
      out.line("    const ::ghost::b2::CallOptions& options = ::ghost::b2::without_timeout());");
      continue;
    }
    out.line("::ghost::b2::ClientCall ", function_name(method), "(const ", request, "& request,");
    if (method.server_streaming()) {
      out.line("    std::function<void(const ", response, "&)> on_message, std::function<void(const ::ghost::Status&)> on_end,");
      out.line("    const ::ghost::b2::CallOptions& options = ::ghost::b2::without_timeout());");
    } else {
      out.line("    std::function<void(::ghost::Result<", response, ">)> done, const ::ghost::b2::CallOptions& options = {});");
    }
  }
  out.line().close(" private:").open().line("::ghost::b2::Caller* caller_;").close("};");
}

void Cpp::define_descriptors(Text& out) const {
  const std::string set = descriptor_set_of(file_);
  out.line().open("static constexpr std::uint8_t ", descriptors_name(file_), "[] = {");
  std::string row;
  for (std::size_t i = 0; i < set.size(); ++i) {
    row += std::to_string(static_cast<unsigned char>(set[i])) + ",";
    if (row.size() < 116 && i + 1 < set.size()) continue;
    out.line(row);
    row.clear();
  }
  out.close("};");
}

void Cpp::define_info(Text& out, const pb::ServiceDescriptor& service) const {
  out.line().open("const ::ghost::b2::ServiceInfo& ", service.name(), "Service::static_info() {");
  if (service.method_count() > 0) {
    out.open("static constexpr ::ghost::b2::MethodInfo methods[] = {");
    for (int i = 0; i < service.method_count(); ++i) {
      const pb::MethodDescriptor& method = *service.method(i);
      const MethodOptions options = options_of(method);
      out.line("{\"", method.name(), "\", ::ghost::b2::MethodKind::", kind_name(method), ", \"", options.needs,
               "\", ", options.on_loop ? "true" : "false", ", ", options.idempotent ? "true" : "false", "},");
    }
    out.close("};");
  }
  out.line("static constexpr ::ghost::b2::ServiceInfo info{\"", service.full_name(), "\", \"", version_of(file_), "\", ",
           service.method_count() > 0 ? "methods" : "{}", ", ", descriptors_name(file_), "};");
  out.line("return info;").close("}");
}

void Cpp::define_handle(Text& out, const pb::ServiceDescriptor& service) const {
  out.line().open("void ", service.name(), "Service::handle(std::size_t method, [[maybe_unused]] ::ghost::BytesView request, ::ghost::b2::ServerCall call) {");
  out.open("switch (method) {");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    const std::string type = type_name(*method.input_type()), response = type_name(*method.output_type());
    const std::string function = streams(method) ? function_name(method) : answer_name(method);
    out.open("case ", std::to_string(i), ":");
    if (method.client_streaming()) {
      out.line(function, "(", stream_type(method, type, response), "(std::move(call)));");
      out.line("return;").close();
      continue;
    }
    out.line("if (auto m = ::ghost::b2::detail::read_request<", type, ">(request, call))");
    out.line("  ", function, "(std::move(*m), ::ghost::b2::", method.server_streaming() ? "ServerStream<" : "UnaryCall<", response, ">(std::move(call)));");
    out.line("return;").close();
  }
  out.line("default: call.fail({::ghost::Errc::not_found, \"", service.full_name(), " has no method with index \" + std::to_string(method)});");
  out.close("}").close("}");
}

void Cpp::define_method(Text& out, const pb::MethodDescriptor& method) const {
  const std::string owner = method.service()->name() + "Service";
  const std::string request = type_name(*method.input_type()), response = type_name(*method.output_type());
  const std::string unsupported = "{::ghost::Errc::unsupported, \"" + path_of(method) + " is not implemented here\"}";
  out.line();
  if (streams(method)) {
    out.line("void ", owner, "::", function_name(method), "(", method.client_streaming() ? "" : request + ", ", stream_type(method, request, response),
             " stream) {");
    out.line("  stream.fail(", unsupported, ");").line("}");
    return;
  }
  out.line("::ghost::Result<", response, "> ", owner, "::", function_name(method), "(const ", request, "&, const ::ghost::b2::CallContext&) {");
  out.line("  return ::ghost::Error", unsupported, ";").line("}").line();
  out.open("void ", owner, "::", answer_name(method), "(", request, " request, ::ghost::b2::UnaryCall<", response, "> call) {");
  if (options_of(method).on_loop) {
    out.line("call.answer(", function_name(method), "(request, call.context()));");
  } else {
    out.open("call.answer_on_worker([this, request = std::move(request)](const ::ghost::b2::CallContext& context) {");
    out.line("return ", function_name(method), "(request, context);").close("});");
  }
  out.close("}");
}

void Cpp::define_service(Text& out, const pb::ServiceDescriptor& service) const {
  define_info(out, service);
  define_handle(out, service);
  for (int i = 0; i < service.method_count(); ++i) define_method(out, *service.method(i));
}

void Cpp::define_sending(Text& out, const pb::MethodDescriptor& method) const {
  const std::string request = type_name(*method.input_type()), response = type_name(*method.output_type());
  const bool both = method.server_streaming();
  out.line().line(both ? "::ghost::b2::BidiCall<" : "::ghost::b2::ClientStreamCall<", request, "> ", method.service()->name(), "Client::",
                  function_name(method), "(");
  if (both) out.line("    std::function<void(const ", response, "&)> on_message, std::function<void(const ::ghost::Status&)> on_end,");
  else out.line("    std::function<void(::ghost::Result<", response, ">)> done,");
  out.open("    const ::ghost::b2::CallOptions& options) {");
  out.line("return ::ghost::b2::detail::", both ? "start_bidi<" : "start_upload<", request, ", ", response, ">(*caller_, \"", path_of(method), "\", ",
           both ? "std::move(on_message), std::move(on_end)" : "std::move(done)", ", options);");
  out.close("}");
}

void Cpp::define_client(Text& out, const pb::ServiceDescriptor& service) const {
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    const std::string request = type_name(*method.input_type()), response = type_name(*method.output_type());
    if (method.client_streaming()) {
      define_sending(out, method);
      continue;
    }
    out.line().line("::ghost::b2::ClientCall ", service.name(), "Client::", function_name(method), "(const ", request, "& request,");
    if (method.server_streaming()) {
      out.line("    std::function<void(const ", response, "&)> on_message, std::function<void(const ::ghost::Status&)> on_end,");
      out.open("    const ::ghost::b2::CallOptions& options) {");
      out.line("return ::ghost::b2::detail::start_stream<", response, ">(*caller_, \"", path_of(method),
               "\", ::ghost::b2::payload(request), std::move(on_message), std::move(on_end), options);");
    } else {
      out.open("    std::function<void(::ghost::Result<", response, ">)> done, const ::ghost::b2::CallOptions& options) {");
      out.line("return ::ghost::b2::detail::start_unary<", response, ">(*caller_, \"", path_of(method),
               "\", ::ghost::b2::payload(request), std::move(done), options);");
    }
    out.close("}");
  }
}

}  // namespace ghost::b2::codegen
