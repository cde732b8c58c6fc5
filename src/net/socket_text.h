#pragma once
#include <string>

#include "net/network.h"

namespace ghost::net {

/// "connection to 127.0.0.1:2203", "connection to process 812 on unix:/run/b2/b2.sock": how messages name a stream.
std::string connection_to(const Peer& peer);

/// "5 s", "250 ms".
std::string in_words(Duration span);

}  // namespace ghost::net
