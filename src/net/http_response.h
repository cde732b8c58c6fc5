#pragma once
#include "base/byte_queue.h"
#include "net/http.h"

namespace ghost::net {

enum class HttpBody { sent, left_out };  ///< left_out answers HEAD: the length is told, the bytes are not
enum class HttpAfter { keep_alive, close };

/// Writes a response. content-length, date and connection are ours; of these, what the response itself says is not used. A
/// response whose headers could not be sent safely (a line break in a value) becomes a 500.
void write_response(HttpResponse response, HttpBody body, HttpAfter after, ByteQueue& out);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7), in English wherever we run.
std::string http_date(WallTime when);

}  // namespace ghost::net
