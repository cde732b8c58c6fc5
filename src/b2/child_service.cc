#include "b2/child_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>
#include <string>

#include "b2/spawn_service.h"

namespace ghost::b2 {

namespace {

/// The host started us as the user it is, or chose who we are: it may do all that we can.
std::shared_ptr<const Identity> host_identity() {
  Identity identity;
  identity.kind = Identity::Kind::owner;
  identity.roles = Roles::all();
  identity.name = identity.where = "the host";
  return std::make_shared<const Identity>(std::move(identity));
}

Link::Events only_closed(std::function<void(const Error&)> gone) {
  Link::Events events;
  events.closed = std::move(gone);
  return events;
}

}  // namespace

HostLink::HostLink(net::Reactor& reactor, Endpoint& endpoint, std::unique_ptr<net::ByteStream> stream,
                   std::function<void(const Error&)> gone)
    : link_(reactor, endpoint, Side::dialer, std::move(stream), host_identity(), only_closed(std::move(gone)), &limits_) {
  link_.open();
}

Result<std::unique_ptr<HostLink>> HostLink::from_environment(net::EpollNetwork& network, Endpoint& endpoint,
                                                             std::function<void(const Error&)> gone) {
  const char* told = std::getenv(kHostFdVariable);
  if (told == nullptr) return std::unique_ptr<HostLink>();
  const std::string text = told;
  ::unsetenv(kHostFdVariable);
  const std::string what = std::string(kHostFdVariable) + "=" + text;
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  struct stat info {};
  if (error != std::errc() || end != text.data() + text.size() || fd < 0) {
    return Error{Errc::malformed, what + " is no descriptor; it is set by the b2 host for the programs it starts"};
  }
  if (::fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return Error{Errc::malformed, what + " is no socket; it is set by the b2 host for the programs it starts"};
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  auto stream = network.adopt_stream(UniqueFd(fd));
  if (!stream) return stream.error().in(what);
  return std::make_unique<HostLink>(network, endpoint, std::move(*stream), std::move(gone));
}

}  // namespace ghost::b2
