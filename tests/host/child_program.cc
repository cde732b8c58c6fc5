#include "child_program.h"

#include <utility>

#include "b2/v1/host.b2.h"

namespace ghost::b2::test {

namespace {

enum Method : std::size_t { kEcho, kCount, kHold, kCrash, kLookup, kHang, kSpam, kAsk, kCollect, kMirror };

constexpr MethodInfo kProgramMethods[] = {
    {"Echo", MethodKind::unary, "public", true, true},
    {"Count", MethodKind::server_stream, "public", true, false},
    {"Hold", MethodKind::unary, "public", true, false},
    {"Crash", MethodKind::unary, "public", true, false},   // by SIGSEGV
    {"Lookup", MethodKind::unary, "public", true, true},   // crashes too, but may be called again
    {"Hang", MethodKind::unary, "public", true, false},
    {"Spam", MethodKind::unary, "public", true, false},    // u32 n: so many lines on stderr
    {"Ask", MethodKind::unary, "public", true, false},     // answers with what the host's Health says of itself
    {"Collect", MethodKind::client_stream, "public", true, false},
    {"Mirror", MethodKind::bidirectional, "public", true, false},
};

/// Where TestService has the two.
constexpr std::size_t kPlainCollect = 5, kPlainMirror = 6;

constexpr ExitStatus kSegv{.signal = SIGSEGV};

}  // namespace

ProgramService::ProgramService(ProcessSelf self)
    : self_(std::move(self)), info_{"test.v1.Test", "v1", kProgramMethods, v1::HostService::static_info().file_descriptor_set} {}

void ProgramService::handle(std::size_t method, BytesView request, ServerCall call) {
  switch (method) {
    case kEcho:
    case kCount:
    case kHold: return plain_.handle(method, request, std::move(call));
    case kCollect: return plain_.handle(kPlainCollect, request, std::move(call));
    case kMirror: return plain_.handle(kPlainMirror, request, std::move(call));
    case kCrash:
    case kLookup:
      kept_.push_back(std::move(call));
      return self_.end(kSegv);
    case kHang:
      kept_.push_back(std::move(call));
      return self_.hang();
    case kSpam: {
      const std::uint32_t lines = ByteReader(request).u32();
      for (std::uint32_t i = 0; i < lines; ++i) self_.write("<4>noise " + std::to_string(i) + "\n");
      return call.finish();
    }
    case kAsk: {
      const auto asked = std::make_shared<ServerCall>(std::move(call));
      v1::CoreClient(*host).health({}, [asked](Result<v1::HealthResponse> answer) {
        if (!answer) return asked->fail(answer.error());
        asked->finish(Payload(as_bytes(answer->health == v1::Health::serving ? "the host serves" : "the host does not serve")));
      });
      return;
    }
    default: return call.fail(Error{Errc::unsupported, "no such method"});
  }
}

ChildProgram::ChildProgram(const std::string& mode, ProcessSelf self, LinkToHost link)
    : self_(std::move(self)),
      stubborn_(mode == "stubborn"),
      core_(endpoint_, self_.reactor),
      service_(self_),
      make_link_(std::move(link)) {
  endpoint_.name = endpoint_.program = "test child";
  endpoint_.addresses = {"127.0.0.1:2114"};
  endpoint_.services.add(core_);
  endpoint_.services.add(service_);
  if (mode == "exit") self_.end(ExitStatus{.code = 3});
  if (mode == "exit" || mode == "mute") return;
  self_.write("<6>up\n");
  link_ = make_link_(endpoint_, [this](const Error&) { self_.end(ExitStatus{}); });
  service_.host = link_->host();
}

void ChildProgram::on_terminate() {
  if (!stubborn_) self_.end(ExitStatus{});
}

}  // namespace ghost::b2::test
