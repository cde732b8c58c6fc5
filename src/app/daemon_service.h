#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "b2/node_service.h"
#include "base/command_line.h"
#include "base/config.h"
#include "base/log.h"
#include "net/epoll.h"

namespace ghost::app {

class Predecessor;

/// A daemon that runs, for its own parts that have it relieved by another process.
class Running {
 public:
  virtual ~Running() = default;
  /// Another process serves: what came goes on for a minute at most, then the daemon ends.
  virtual void hand_over() = 0;
  /// What still goes on has no more than the grace.
  virtual void hurry() = 0;
  virtual bool is_ending() const = 0;
};

/// What sets one daemon apart from another.
struct DaemonSpec {
  std::string program;        ///< "ariascribe"
  std::uint16_t port = 0;     ///< its registered one; 0 for none: it listens on its Unix socket only
  std::string socket;         ///< name of its Unix socket and of its section in ghostlight.toml, "ariascribe"
  bool datagrams = false;  ///< b2::Node::Options::datagrams
  bool resends_soon = false;  ///< net::EpollOptions::resends_soon
  bool small_segments = false;  ///< net::EpollOptions::small_segments
  bool keeps_house = false;   ///< serves b2.v1.House where this node keeps one
  std::function<std::optional<b2::WebAsset>(std::string_view)> assets = {};
  std::vector<ConfigKey> keys = {};  ///< settings of its own section, beside those all daemons have
  std::function<Status(const Config&)> configured = {};  ///< reads them before anything listens; may be empty
  std::function<Status(b2::Node&)> ready = {};  ///< adds the daemon's own services once it listens; may be empty
  std::function<void(const b2::v1::ServiceEntry&)> services_changed = {};  ///< may be empty
  Predecessor* before = nullptr;                  ///< the process to take over from; null where there is none
  std::function<Result<bool>()> stands = {};      ///< with `before`: whether what `ready` has started is ready, too, or why it never will be
  std::function<void()> serves = {};              ///< with `before`: it has taken over
  std::function<void(int signal)> told_to_end = {};  ///< after it has handed over; may be empty
  /// Everything stands; and null once the loop has ended, before its network goes. May be empty.
  std::function<void(Running*)> running = {};
  std::function<void(std::function<void()> stopped)> stopping = {};        ///< no call is open any more: calls `stopped` when it may end; may be empty
  std::function<void()> ended = {};  ///< nothing runs any more and the node goes next: what `ready` made for it goes here; may be empty
};

/// The options every `serve` takes: --state, --config, and the keys of daemon_config().
std::vector<Option> daemon_options();

/// SECTION.listen, .name, .host, .discovery, .seeds, .metrics, .grace and .log of ghostlight.toml, as the file, the environment and the flags have them. Errors name the
/// origin of what is wrong.
Result<Config> daemon_config(const DaemonSpec& spec, const Arguments& arguments);

/// Runs a daemon until it is told to end (SIGTERM, SIGINT, or its host's going away). Prints nothing to stdout. Gives the exit code.
int run_daemon(const DaemonSpec& spec, const Arguments& arguments);

/// The verb `serve` of a program that has no more than that to offer.
Verb serve_verb(const DaemonSpec& spec, std::string summary);

}  // namespace ghost::app
