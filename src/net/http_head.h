#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace ghost::net {

/// Why a request is refused: a status and one sentence for the person at the other end.
struct HttpProblem {
  int status;
  std::string sentence;
};

/// Gathers a message's first line and headers until the empty line, however they are cut.
class HttpHeadReader {
 public:
  enum class State { incomplete, complete, too_long, bare_line_feed };

  /// @param limit  in bytes, the empty line included
  explicit HttpHeadReader(std::size_t limit) : limit_(limit) {}

  /// Takes from the front of `bytes` what belongs to the head. Empty lines before it are skipped (RFC 9112 §2.2).
  State take(BytesView& bytes);

  const std::string& text() const { return text_; }  ///< with the empty line
  bool started() const { return !text_.empty(); }
  bool first_line_complete() const { return text_.find('\n') != std::string::npos; }
  void clear() { text_.clear(); }

 private:
  std::size_t limit_;
  std::string text_;
};

/// A request's head, understood, and how its body is framed.
struct HttpRequestHead {
  HttpRequest request;  ///< its body still empty
  bool keep_alive = true;
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool expects_continue = false;
  bool has_body() const { return chunked || content_length > 0; }
};

/// Reads a whole head with libhttp-parser, and refuses what that lets through: Debian builds it with HTTP_PARSER_STRICT=0, so
/// blanks in header names, folded lines and more would pass, which proxies in front may read differently (request smuggling).
tl::expected<HttpRequestHead, HttpProblem> parse_request_head(std::string_view head, const HttpLimits& limits);

struct HttpResponseHead {
  int status = 0;
  HttpHeaders headers;
};
/// Reads a response's head, for the WebSocket client. Errors: malformed.
Result<HttpResponseHead> parse_response_head(std::string_view head);

/// A path without its percent signs; malformed when one is no escape, or it holds "..", NUL or another control character.
Result<std::string> decode_path(std::string_view path);

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text);
/// No control character but the tab: fit for a header's value.
bool is_header_value(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// The first header of that name (lower case), and how many there are.
std::optional<std::string_view> find_header(const HttpHeaders& headers, std::string_view name);
std::size_t count_headers(const HttpHeaders& headers, std::string_view name);
/// The elements of all comma-separated headers of that name, without blanks around them.
std::vector<std::string> list_header(const HttpHeaders& headers, std::string_view name);
/// Whether such a list has `token`, in any case.
bool has_token(const HttpHeaders& headers, std::string_view name, std::string_view token);

}  // namespace ghost::net
