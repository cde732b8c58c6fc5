#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "b2/host_service.h"
#include "b2/link_service.h"
#include "b2/test_service.h"
#include "host_world.h"

namespace ghost::b2::test {

/// A host in a world, and a caller connected to it.
class HostFixture {
  HostWorld& world_;

 public:
  explicit HostFixture(HostWorld& world) : world_(world) {
    endpoint.name = "stage";
    endpoint.services.add(core);
    endpoint.services.on_change = [this](const v1::ServiceEntry& changed) {
      if (host) host->tell_services(changed);
      if (served_) served_->channel().tell_services(changed);
    };
  }
  ~HostFixture() { endpoint.services.on_change = nullptr; }

  /// Starts the host, and a child in that mode.
  void start(const std::string& mode) { start(world_.child(mode)); }
  void start(const ChildSpec& spec) {
    start_host();
    ASSERT_TRUE(host->add(spec));
  }
  void start_host() {
    host.emplace(HostParts{world_.network().reactor(), world_.processes(), endpoint, log, world_.rules()}, Host::About{core, "1.2.3"});
    endpoint.services.add(*host);
    connect();
  }

  v1::Child child() const { return host->state().children.at(0); }
  bool until(v1::ChildState state) {
    return world_.until([&] { return child().state == state; });
  }
  /// Ready, and known to the caller.
  bool until_ready() {
    return until(v1::ChildState::ready) && world_.until([&] { return knows("test.v1.Test", v1::Health::serving); });
  }
  bool knows(std::string_view service, v1::Health health) const {
    for (const v1::ServiceEntry& entry : caller_->channel().peer_hello().services) {
      if (entry.name == service && entry.health == health) return true;
    }
    return false;
  }

  Started call(std::string_view method, BytesView request = {}, const CallOptions& options = {}) {
    return test::start(caller(), method, request, options);
  }
  bool until_end(const Started& started) {
    return world_.until([&] { return started->ended(); });
  }
  Caller& caller() { return caller_->channel(); }

  bool logged(std::string_view text) const {
    for (const std::string& line : lines) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::vector<std::string> lines;  ///< of the log
  Logger log = Logger::to(LogLevel::debug, [this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  Endpoint endpoint, client_endpoint;
  CoreService core{endpoint, world_clock()};
  std::optional<Host> host;

 private:
  const Clock& world_clock() { return world_.network().reactor(); }

  void connect() {
    const auto owner = std::make_shared<Identity>();
    owner->kind = Identity::Kind::owner;
    owner->roles = Roles::all();
    owner->where = "stage";
    auto listener = world_.network().listen(world_.listen_at(), [this, owner](std::unique_ptr<net::ByteStream> stream) {
      served_ = std::make_unique<Link>(world_.network().reactor(), endpoint, Side::acceptor, std::move(stream), owner, Link::Events{});
      served_->open();
    });
    ASSERT_TRUE(listener) << listener.error().message;
    const auto attempt = world_.clients().connect((*listener)->address(), std::chrono::seconds(30), [this, owner](auto stream) {
      ASSERT_TRUE(stream) << stream.error().message;
      caller_ = std::make_unique<Link>(world_.clients().reactor(), client_endpoint, Side::dialer, std::move(*stream), owner, Link::Events{});
      caller_->open();
    });
    ASSERT_TRUE(world_.until([this] { return caller_ && caller_->channel().ready(); }));
  }

  std::unique_ptr<Link> served_, caller_;
};

}  // namespace ghost::b2::test
