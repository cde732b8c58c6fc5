#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ghost {

/// Why a call failed, for the program. The values are b2's status on the wire (docs/spec/b2.md §5), which are gRPC's.
enum class Errc : unsigned char {
  cancelled = 1,        ///< the caller gave up
  unknown = 2,          ///< whether the work was done cannot be told (a server restarted under a call)
  malformed = 3,        ///< the input is wrong whatever the state of the system
  timed_out = 4,        ///< the deadline passed
  not_found = 5,        ///< no such file, service, method, node
  exists = 6,           ///< it is there already
  refused = 7,          ///< known, but not allowed
  exhausted = 8,        ///< a limit, quota or budget is used up
  conflict = 9,         ///< the system is not in the state this needs
  aborted = 10,         ///< given up half-way; may be tried again from the start
  out_of_range = 11,    ///< past the end
  unsupported = 12,     ///< known, but not by this build or peer
  io = 13,              ///< the operating system or a peer broke its promise
  busy = 14,            ///< not available now; may be tried again
  data_loss = 15,       ///< bytes are missing or wrong
  unauthenticated = 16  ///< not known to us
};

/// "timed_out", …: the enumerator's name, used in logs, JSON and metrics.
std::string_view name(Errc code);

struct Error {
  Errc code;            ///< for the program: what a caller may branch on, and b2's status on the wire
  std::string message;  ///< for the person: "join 239.17.17.1 on eth0: no such device"

  /// The same error, told with what was being done: "PREFIX: message".
  Error in(std::string_view prefix) const { return {code, std::string(prefix) + ": " + message}; }
  friend bool operator==(const Error&, const Error&) = default;
};

/// A value, or why there is none.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error e) : tl::expected<T, Error>(tl::unexpected<Error>(std::move(e))) {}
};

/// Done, or why not.
using Status = Result<void>;

/// What `errno` says, for a call that failed on `subject`: "open /etc/x: permission denied".
/// ENOENT, EEXIST, EACCES/EPERM, ENOSPC/EMFILE/ENOMEM, EAGAIN/EADDRINUSE/ECONNREFUSED, ETIMEDOUT and EOPNOTSUPP have a code of
/// their own; the rest is Errc::io.
Error errno_error(std::string_view what, std::string_view subject);
Error errno_error(int error_number, std::string_view what, std::string_view subject);

}  // namespace ghost
