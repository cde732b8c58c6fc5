#pragma once
#include "ardus/v1/node.b2.h"
#include "base/result.h"

namespace ghost::ardus {

/// Whether a session ended before its sender had shown that it may be trusted.
inline bool was_refused(const v1::Transfer& transfer) { return transfer.error == name(Errc::refused) || transfer.error == name(Errc::unauthenticated); }

/// Nobody answered where it was announced.
inline bool is_unanswered(const v1::Transfer& transfer) { return transfer.sender.empty() && transfer.error == name(Errc::timed_out); }

/// Nobody who may send was behind it: another announcement may be of somebody who does, so it ends no `receive --once`.
inline bool is_nobodys(const v1::Transfer& transfer) { return was_refused(transfer) || is_unanswered(transfer); }

}  // namespace ghost::ardus
