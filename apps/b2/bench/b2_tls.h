#pragma once
#include "b2/certificate.h"
#include "net/tls.h"

namespace ghost::b2::bench {

/// A fresh key and a certificate it signed itself, for one end.
Result<std::shared_ptr<const net::TlsContext>> bench_tls();

}  // namespace ghost::b2::bench
