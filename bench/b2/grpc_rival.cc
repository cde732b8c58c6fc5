// gRPC: its asynchronous interface on both sides, one completion queue and one thread each; TLS mutual.
#include <grpcpp/grpcpp.h>
#include <openssl/evp.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "b2/certificate.h"
#include "echo.grpc.pb.h"
#include "rival.h"

namespace {

using namespace ghost;
using namespace ghost::b2::bench;
using rival::Message;

struct Pem {
  std::string certificate, key;
};

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A key and a certificate for both ends, made by the server.
Pem make_pem(const std::string& directory) {
  const KeyPair key = KeyPair::generate();
  const auto certificate = make_lone_certificate(key, "bench", b2::Validity::starting(std::chrono::system_clock::now(), std::chrono::hours(24)));
  if (!certificate) give_up(certificate.error().message);
  const auto text = b2::to_pem({*certificate});
  if (!text) give_up(text.error().message);
  const Bytes der = key.to_der();
  std::string base64(der.size() * 2 + 4, '\0');
  base64.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), der.data(), static_cast<int>(der.size()))));
  for (std::size_t at = 64; at < base64.size(); at += 65) base64.insert(at, "\n");
  const Pem pem{*text, "-----BEGIN PRIVATE KEY-----\n" + base64 + "\n-----END PRIVATE KEY-----\n"};
  std::ofstream(directory + "/grpc-key.pem") << pem.key;
  std::ofstream(directory + "/grpc-certificate.pem") << pem.certificate;
  return pem;
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const Task& task) {
  if (!task.tls) return grpc::InsecureServerCredentials();
  const Pem pem = make_pem(task.directory);
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = pem.certificate;
  options.pem_key_cert_pairs.push_back({pem.key, pem.certificate});
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> client_credentials(const Task& task) {
  if (!task.tls) return grpc::InsecureChannelCredentials();
  const std::string certificate = read_text(task.directory + "/grpc-certificate.pem");
  return grpc::SslCredentials({certificate, read_text(task.directory + "/grpc-key.pem"), certificate});
}

/// The next tag, polled for first where that was asked for; false at the queue's end.
bool next(grpc::CompletionQueue& queue, const Task& task, Busy& busy, void** tag, bool* fine) {
  while (task.spin && busy.worth_polling()) {
    const auto status = queue.AsyncNext(tag, fine, gpr_time_0(GPR_CLOCK_MONOTONIC));
    if (status == grpc::CompletionQueue::SHUTDOWN) return false;
    if (status == grpc::CompletionQueue::GOT_EVENT) return busy.came(), true;
  }
  const bool got = queue.Next(tag, fine);
  if (task.spin) busy.came();
  return got;
}

/// One step of a call that is being answered.
struct Step {
  virtual ~Step() = default;
  virtual void go_on(bool fine) = 0;
};

struct Server {
  const Task& task;
  rival::Bench::AsyncService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
};

struct EchoCall final : Step {
  explicit EchoCall(Server& of) : server(of) { server.service.RequestEcho(&context, &message, &writer, server.queue.get(), server.queue.get(), this); }
  void go_on(bool fine) override {
    if (!fine || answered) return delete this;
    new EchoCall(server);
    answered = true;
    writer.Finish(message, grpc::Status::OK, this);
  }
  Server& server;
  grpc::ServerContext context;
  Message message;
  grpc::ServerAsyncResponseWriter<Message> writer{&context};
  bool answered = false;
};

struct FlowCall final : Step {
  explicit FlowCall(Server& of) : server(of) {
    message.set_data(server.task.message);
    server.service.RequestFlow(&context, &request, &writer, server.queue.get(), server.queue.get(), this);
  }
  void go_on(bool fine) override {
    if (ended) return delete this;
    if (!std::exchange(taken, true)) {
      if (!fine) return delete this;
      new FlowCall(server);
    } else if (!fine) {
      ended = true;
      return writer.Finish(grpc::Status::CANCELLED, this);
    }
    writer.Write(message, this);  // with set_buffer_hint() gRPC 1.51 sends small messages not at all
  }
  Server& server;
  grpc::ServerContext context;
  Message request, message;
  grpc::ServerAsyncWriter<Message> writer{&context};
  bool taken = false, ended = false;
};

int serve(const Task& task) {
  Server server{task, {}, nullptr};
  grpc::ServerBuilder builder;
  int port = 0;
  const bool tcp = task.place == "tcp";
  builder.AddListeningPort(tcp ? "127.0.0.1:0" : "unix:" + task.place, server_credentials(task), &port);
  builder.RegisterService(&server.service);
  server.queue = builder.AddCompletionQueue();
  const auto running = builder.BuildAndStart();
  if (!running) give_up("gRPC: the server does not start");
  for (std::size_t i = 0; task.calls() && i < task.work.connections * task.work.in_flight; ++i) new EchoCall(server);
  if (!task.calls()) new FlowCall(server);
  tell(tcp ? "127.0.0.1:" + std::to_string(port) : "unix:" + task.place);
  Busy busy;
  void* tag;
  bool fine;
  while (next(*server.queue, task, busy, &tag, &fine)) static_cast<Step*>(tag)->go_on(fine);
  return 0;
}

std::unique_ptr<rival::Bench::Stub> connect(const Task& task) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection for each channel
  if (task.tls) arguments.SetSslTargetNameOverride("bench");
  const auto channel = grpc::CreateCustomChannel(task.place, client_credentials(task), arguments);
  if (!channel->WaitForConnected(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(20, GPR_TIMESPAN)))) give_up("gRPC: no connection to " + task.place);
  return rival::Bench::NewStub(channel);
}

class Calls final : public Load {
 public:
  explicit Calls(const Task& task) : task_(task) {
    request_.set_data(task.message);
    for (std::size_t i = 0; i < task.work.connections; ++i) stubs_.push_back(connect(task));
  }

  Result<Figures> run(Duration span) override {
    TimePoint last = TimePoint::clock::now();
    Meter meter(last, span);
    std::size_t open = 0;
    for (const auto& stub : stubs_) {
      for (std::size_t i = 0; i < task_.work.in_flight; ++i, ++open) call(*stub, last);
    }
    void* tag;
    bool fine;
    while (open != 0 && next(queue_, task_, busy_, &tag, &fine)) {
      const std::unique_ptr<Call> ended(static_cast<Call*>(tag));
      if (!ended->status.ok()) return Error{Errc::io, "gRPC: " + ended->status.error_message()};
      if (ended->answer.data() != task_.message) return Error{Errc::data_loss, "gRPC: the echo is not what was sent"};
      const TimePoint now = TimePoint::clock::now();
      if (meter.over(now)) {
        --open;
        continue;
      }
      last = now;
      meter.call_ended(ended->began, now);
      call(*ended->stub, now);
    }
    return meter.figures(last);
  }

 private:
  struct Call {
    grpc::ClientContext context;
    Message answer;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Message>> reader;
    rival::Bench::Stub* stub;
    TimePoint began;
  };

  void call(rival::Bench::Stub& stub, TimePoint now) {
    auto* const call = new Call;
    call->stub = &stub;
    call->began = now;
    call->reader = stub.AsyncEcho(&call->context, request_, &queue_);
    call->reader->Finish(&call->answer, &call->status, call);
  }

  const Task& task_;
  Message request_;
  std::vector<std::unique_ptr<rival::Bench::Stub>> stubs_;
  grpc::CompletionQueue queue_;
  Busy busy_;
};

class Stream final : public Load {
 public:
  explicit Stream(const Task& task) : task_(task), stub_(connect(task)) {}

  Result<Figures> run(Duration span) override {
    grpc::ClientContext context;
    const auto reader = stub_->Flow(&context, {});
    TimePoint now = TimePoint::clock::now();
    Meter meter(now, span);
    Message message;
    while (!meter.over(now)) {
      std::uint64_t count = 0;
      for (; count < 16; ++count) {
        if (!reader->Read(&message)) return Error{Errc::io, "gRPC: the stream ended"};
        if (message.data().size() != task_.work.size || message.data().front() != 'Z') return Error{Errc::data_loss, "gRPC: not what was sent"};
      }
      now = TimePoint::clock::now();
      meter.messages_came(count, now);
    }
    context.TryCancel();
    while (reader->Read(&message)) {
    }
    reader->Finish();
    return meter.figures(now);
  }

 private:
  const Task& task_;
  std::unique_ptr<rival::Bench::Stub> stub_;
};

}  // namespace

int main(int argc, char** argv) {
  const Task task = read_task(argc, argv);
  if (task.server) return serve(task);
  if (!task.calls()) {
    Stream stream(task);
    return run_asked(stream);
  }
  Calls calls(task);
  return run_asked(calls);
}
