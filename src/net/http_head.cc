#include "net/http_head.h"

#include <http_parser.h>

#include <algorithm>
#include <charconv>

namespace ghost::net {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What libhttp-parser's callbacks gather. The whole head is there at once, but values may still come in pieces.
struct Gathered {
  std::string target;
  HttpHeaders headers;
  bool in_value = true;
};

Gathered& gathered(http_parser* parser) { return *static_cast<Gathered*>(parser->data); }

int on_url(http_parser* parser, const char* at, std::size_t length) {
  gathered(parser).target.append(at, length);
  return 0;
}

int on_field(http_parser* parser, const char* at, std::size_t length) {
  Gathered& all = gathered(parser);
  if (std::exchange(all.in_value, false)) all.headers.emplace_back();
  std::transform(at, at + length, std::back_inserter(all.headers.back().first), lower);
  return 0;
}

int on_value(http_parser* parser, const char* at, std::size_t length) {
  Gathered& all = gathered(parser);
  all.in_value = true;
  all.headers.back().second.append(at, length);
  return 0;
}

/// The body is read elsewhere: the parser stops here.
int on_headers_complete(http_parser* parser) {
  http_parser_pause(parser, 1);
  return 0;
}

/// Runs the library over a head; its errno, HPE_PAUSED being success.
http_errno run_parser(http_parser& parser, http_parser_type type, std::string_view head, Gathered& into) {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = on_url;
  settings.on_header_field = on_field;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_headers_complete;
  http_parser_init(&parser, type);
  parser.data = &into;
  http_parser_execute(&parser, &settings, head.data(), head.size());
  for (auto& header : into.headers) header.second = std::string(trimmed(header.second));
  return HTTP_PARSER_ERRNO(&parser);
}

/// What the library lets through in the lines themselves; empty when they are right.
std::string_view fault_of_lines(std::string_view head) {
  bool first = true;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.find('\r') != std::string_view::npos) return "A line holds a carriage return that does not end it.";
    if (!std::exchange(first, false) && !line.empty()) {
      if (line[0] == ' ' || line[0] == '\t') return "A header is folded over several lines, which is obsolete.";
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) return "A header has no colon.";
      if (!is_token(line.substr(0, colon))) return "A header's name holds a character that is not allowed.";
      if (!is_header_value(line.substr(colon + 1))) return "A header's value holds a control character.";
    }
  }
  return {};
}

HttpProblem problem_of(http_errno error) {
  if (error == HPE_HEADER_OVERFLOW) return {431, "The headers are too long."};
  if (error == HPE_INVALID_METHOD) return {400, "The request's method is not known."};
  if (error == HPE_UNEXPECTED_CONTENT_LENGTH) {
    return {400, "A request has at most one Content-Length, and none beside Transfer-Encoding."};
  }
  return {400, std::string("The request is no HTTP/1.1: ") + http_errno_description(error) + "."};
}

/// Content-Length and Transfer-Encoding, exactly as RFC 9112 §6 allows them and nothing a proxy might read otherwise.
std::optional<HttpProblem> read_framing(HttpRequestHead& head, bool http_1_1) {
  const HttpHeaders& headers = head.request.headers;
  const std::size_t lengths = count_headers(headers, "content-length");
  const std::size_t encodings = count_headers(headers, "transfer-encoding");
  if (lengths > 1 || (lengths > 0 && encodings > 0)) return problem_of(HPE_UNEXPECTED_CONTENT_LENGTH);
  if (encodings > 0) {
    if (!http_1_1) return HttpProblem{400, "Transfer-Encoding needs HTTP/1.1."};
    if (encodings > 1 || !equal_ignoring_case(*find_header(headers, "transfer-encoding"), "chunked")) {
      return HttpProblem{501, "The only Transfer-Encoding known here is chunked."};
    }
    head.chunked = true;
  }
  if (lengths == 1) {
    const std::string_view text = *find_header(headers, "content-length");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.content_length);
    const bool digits = !text.empty() && text.size() <= 18 && std::all_of(text.begin(), text.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    if (!digits || error != std::errc{} || end != text.data() + text.size()) {
      return HttpProblem{400, "Content-Length is no sensible number."};
    }
  }
  return {};
}

std::optional<HttpProblem> check_host(const HttpHeaders& headers) {
  if (count_headers(headers, "host") != 1) return HttpProblem{400, "A request has exactly one Host header."};
  const std::string_view host = *find_header(headers, "host");
  if (host.find_first_of(" \t/\\@?#,") != std::string_view::npos) return HttpProblem{400, "The Host header is no host and port."};
  return {};
}

std::optional<HttpProblem> split_target(HttpRequest& request) {
  const std::string& target = request.target;
  if (target.empty() || target[0] != '/') return HttpProblem{400, "The request's target must begin with '/'."};
  for (char c : target) {
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80 || c == ' ' || c == '#') {
      return HttpProblem{400, "The request's target holds a character that must be percent-encoded."};
    }
  }
  const std::size_t mark = target.find('?');
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  auto path = decode_path(std::string_view(target).substr(0, mark));
  if (!path) return HttpProblem{400, path.error().message};
  request.path = std::move(*path);
  return {};
}

}  // namespace

HttpHeadReader::State HttpHeadReader::take(BytesView& bytes) {
  while (!bytes.empty()) {
    const char c = static_cast<char>(bytes[0]);
    if (text_.empty() && (c == '\r' || c == '\n')) {
      bytes = bytes.subspan(1);
      continue;
    }
    const std::string_view all = as_text(bytes);
    const std::size_t line_feed = all.find('\n');
    const std::size_t part = line_feed == std::string_view::npos ? all.size() : line_feed + 1;
    if (part > limit_ - text_.size()) return State::too_long;
    text_.append(all.substr(0, part));
    bytes = bytes.subspan(part);
    if (line_feed == std::string_view::npos) break;
    if (!text_.ends_with("\r\n")) return State::bare_line_feed;
    if (text_.ends_with("\r\n\r\n")) return State::complete;
  }
  return State::incomplete;
}

tl::expected<HttpRequestHead, HttpProblem> parse_request_head(std::string_view text, const HttpLimits& limits) {
  Gathered all;
  http_parser parser;
  const http_errno error = run_parser(parser, HTTP_REQUEST, text, all);
  if (error != HPE_PAUSED) return tl::unexpected(problem_of(error == HPE_OK ? HPE_UNKNOWN : error));
  if (const auto fault = fault_of_lines(text); !fault.empty()) return tl::unexpected(HttpProblem{400, std::string(fault)});
  if (parser.http_major != 1 || parser.http_minor > 1) {
    return tl::unexpected(HttpProblem{505, "This server speaks HTTP/1.1 and HTTP/1.0."});
  }
  if (all.headers.size() > limits.headers) {
    return tl::unexpected(HttpProblem{431, "More than " + std::to_string(limits.headers) + " headers."});
  }
  HttpRequestHead head;
  head.request.method = http_method_str(static_cast<http_method>(parser.method));
  head.request.target = std::move(all.target);
  head.request.headers = std::move(all.headers);
  const bool http_1_1 = parser.http_minor == 1;
  head.keep_alive = http_1_1 && !has_token(head.request.headers, "connection", "close");
  for (auto problem : {split_target(head.request), check_host(head.request.headers), read_framing(head, http_1_1)}) {
    if (problem) return tl::unexpected(std::move(*problem));
  }
  if (const auto expected = find_header(head.request.headers, "expect"); expected && http_1_1) {
    if (!equal_ignoring_case(*expected, "100-continue")) {
      return tl::unexpected(HttpProblem{417, "The only expectation known here is 100-continue."});
    }
    head.expects_continue = true;
  }
  return head;
}

Result<HttpResponseHead> parse_response_head(std::string_view text) {
  Gathered all;
  http_parser parser;
  const http_errno error = run_parser(parser, HTTP_RESPONSE, text, all);
  if (error != HPE_PAUSED) {
    const char* reason = error == HPE_OK ? "it ends too early" : http_errno_description(error);
    return Error{Errc::malformed, std::string("the answer is no HTTP/1.1: ") + reason};
  }
  if (!fault_of_lines(text).empty()) return Error{Errc::malformed, "the answer's headers are malformed"};
  return HttpResponseHead{static_cast<int>(parser.status_code), std::move(all.headers)};
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<std::string> decode_path(std::string_view path) {
  std::string plain;
  plain.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      plain += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? hex_value(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? hex_value(path[i + 2]) : -1;
    if (high < 0 || low < 0) return Error{Errc::malformed, "The path holds a '%' that two hexadecimal digits do not follow."};
    plain += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (std::any_of(plain.begin(), plain.end(), is_control)) return Error{Errc::malformed, "The path holds a control character."};
  if (plain.find("..") != std::string::npos) return Error{Errc::malformed, "The path holds \"..\"."};
  return plain;
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (header.first == name) return header.second;
  }
  return {};
}

std::size_t count_headers(const HttpHeaders& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; }));
}

std::vector<std::string> list_header(const HttpHeaders& headers, std::string_view name) {
  std::vector<std::string> elements;
  for (const auto& header : headers) {
    if (header.first != name) continue;
    std::string_view rest = header.second;
    while (true) {
      const std::size_t comma = rest.find(',');
      const std::string_view element = trimmed(rest.substr(0, comma));
      if (!element.empty()) elements.emplace_back(element);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return elements;
}

bool has_token(const HttpHeaders& headers, std::string_view name, std::string_view token) {
  const auto elements = list_header(headers, name);
  return std::any_of(elements.begin(), elements.end(), [&](const std::string& e) { return equal_ignoring_case(e, token); });
}

}  // namespace ghost::net
