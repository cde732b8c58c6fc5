#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace ghost {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::cancelled: return "cancelled";
    case Errc::unknown: return "unknown";
    case Errc::malformed: return "malformed";
    case Errc::timed_out: return "timed_out";
    case Errc::not_found: return "not_found";
    case Errc::exists: return "exists";
    case Errc::refused: return "refused";
    case Errc::exhausted: return "exhausted";
    case Errc::conflict: return "conflict";
    case Errc::aborted: return "aborted";
    case Errc::out_of_range: return "out_of_range";
    case Errc::unsupported: return "unsupported";
    case Errc::io: return "io";
    case Errc::busy: return "busy";
    case Errc::data_loss: return "data_loss";
    case Errc::unauthenticated: return "unauthenticated";
  }
  return "unknown";
}

static Errc code_of(int error_number) {
  switch (error_number) {
    case ENOENT: case ENOTDIR: case ENODEV: return Errc::not_found;
    case EEXIST: return Errc::exists;
    case EACCES: case EPERM: case EROFS: return Errc::refused;
    case ENOSPC: case EDQUOT: case EMFILE: case ENFILE: case ENOMEM: case ENOBUFS: return Errc::exhausted;
    case EAGAIN: case EADDRINUSE: case ECONNREFUSED: case EBUSY: case EHOSTUNREACH: case ENETUNREACH: return Errc::busy;
    case ETIMEDOUT: return Errc::timed_out;
    case EOPNOTSUPP: case ENOSYS: case EAFNOSUPPORT: case EPROTONOSUPPORT: return Errc::unsupported;
    default: return Errc::io;
  }
}

Error errno_error(int error_number, std::string_view what, std::string_view subject) {
  std::string reason = std::generic_category().message(error_number);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  return {code_of(error_number), std::string(what) + " " + std::string(subject) + ": " + reason};
}

Error errno_error(std::string_view what, std::string_view subject) { return errno_error(errno, what, subject); }

}  // namespace ghost
