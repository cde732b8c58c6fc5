#include "net/http_response.h"

#include <http_parser.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "net/http_head.h"

namespace ghost::net {

namespace {

bool is_ours(std::string_view name) {
  for (std::string_view own : {"content-length", "date", "connection", "transfer-encoding"}) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

bool can_be_sent(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 599 &&
         std::all_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return is_token(header.first) && is_header_value(header.second); });
}

}  // namespace

std::string http_date(WallTime when) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
                utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text;
}

void write_response(HttpResponse response, HttpBody body, HttpAfter after, ByteQueue& out) {
  if (!can_be_sent(response)) response = HttpResponse::text(500, "The answer could not be put into HTTP.\n");
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     http_status_str(static_cast<http_status>(response.status)) + "\r\n";
  for (const auto& [name, value] : response.headers) {
    if (!is_ours(name)) head += name + ": " + value + "\r\n";
  }
  if (!bodiless) head += "content-length: " + std::to_string(response.body.size()) + "\r\n";
  head += "date: " + http_date(std::chrono::system_clock::now()) + "\r\n";
  if (after == HttpAfter::close) head += "connection: close\r\n";
  head += "\r\n";
  out.append(as_bytes(head));
  if (!bodiless && body == HttpBody::sent) out.append(std::move(response.body));
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const { return find_header(headers, name); }

HttpResponse HttpResponse::text(int status, std::string_view body, std::string_view type) {
  return {status, {{"content-type", std::string(type)}}, to_bytes(as_bytes(body))};
}

}  // namespace ghost::net
