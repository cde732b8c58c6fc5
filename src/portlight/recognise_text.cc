// Protocols of lines: what they say, and to what.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "portlight/recognisers.h"

namespace ghost::portlight::recognisers {

namespace {

std::string_view first_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

std::string_view word_after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + mark.size());
  return text.substr(0, text.find_first_of(" \t\r\n,;\"()/"));
}

bool has(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

/// "nginx/1.22.1 (Debian)" → nginx, 1.22.1.
void read_product(std::string_view text, Recognition& out) {
  const auto end = text.find_first_of("/ \t\r\n(;");
  out.product = printable(text.substr(0, end));
  if (end != std::string_view::npos && text[end] == '/') out.version = printable(text.substr(end + 1, text.find_first_of(" \t\r\n(;", end) - end - 1));
}

std::string_view header(std::string_view head, std::string_view name) {
  for (std::string_view rest = head; !rest.empty();) {
    const auto end = rest.find('\n');
    const std::string_view line = first_line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty()) return {};
    if (line.size() <= name.size() || line[name.size()] != ':' || !has(line.substr(0, name.size()), name)) continue;
    const auto begin = line.find_first_not_of(" \t", name.size() + 1);
    return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
  }
  return {};
}

std::optional<Recognition> ssh(std::string_view text) {
  if (!text.starts_with("SSH-")) return std::nullopt;
  Recognition out{"ssh", "", "", 1, {}, {}};
  const auto dash = text.find('-', 4);
  if (dash == std::string_view::npos) return out;
  const std::string_view software = first_line(text.substr(dash + 1));
  const auto end = software.find_first_of("_- ");
  out.product = printable(software.substr(0, end));
  if (end != std::string_view::npos && software[end] != ' ') out.version = printable(software.substr(end + 1, software.find(' ', end) - end - 1));
  return out;
}

std::optional<Recognition> http(std::string_view text) {
  if (!text.starts_with("HTTP/1.") && !text.starts_with("HTTP/0.")) return std::nullopt;
  Recognition out{"http", "", "", 0.95, {}, {}};
  read_product(header(text, "server"), out);
  if (has(text, "plain HTTP request was sent to HTTPS port") || has(text, "speaking plain HTTP to an SSL-enabled") || has(text, "Client sent an HTTP request to an HTTPS server")) {
    return Recognition{"tls", "", "", 0.6, {}, "tls"};
  }
  return out;
}

/// FTP and SMTP both begin with 220.
std::optional<Recognition> mail_or_files(std::string_view text, std::string_view after) {
  if (after == "ehlo") {
    if (text.starts_with("250")) return Recognition{"smtp", "", "", 0.95, {}, {}};
    if (text.size() > 3 && text[0] == '5' && (text[3] == ' ' || text[3] == '-')) return Recognition{"ftp", "", "", 0.8, {}, {}};
  }
  if (!text.starts_with("220 ") && !text.starts_with("220-")) return std::nullopt;
  const std::string_view line = first_line(text);
  Recognition out{"smtp", "", "", 0.95, {}, {}};
  for (const std::string_view server : {"Postfix", "Exim", "Sendmail", "OpenSMTPD", "Haraka"}) {
    if (has(text, server)) {
      out.product = server;
      const std::string_view next = word_after(text, std::string(server) + " ");
      if (!next.empty() && next[0] >= '0' && next[0] <= '9') out.version = printable(next);
      return out;
    }
  }
  if (has(line, "smtp")) return out;
  out.protocol = "ftp";
  for (const std::string_view server : {"vsFTPd", "ProFTPD", "Pure-FTPd", "FileZilla", "pyftpdlib"}) {
    if (!has(text, server)) continue;
    out.product = server;
    const std::string_view next = word_after(text, std::string(server) + " ");
    if (!next.empty() && next[0] >= '0' && next[0] <= '9') out.version = printable(next);
    return out;
  }
  if (has(text, "ftp")) return out;
  out.confidence = 0.5;
  out.follow = "ehlo";
  return out;
}

std::optional<Recognition> redis(std::string_view text, std::string_view after) {
  if (after == "redis") {
    if (text.starts_with("+PONG")) {
      Recognition out{"redis", "redis", printable(word_after(text, "redis_version:")), 0.98, {}, {}};
      return out;
    }
    if (text.starts_with("-NOAUTH") || text.starts_with("-DENIED")) return Recognition{"redis", "redis", "", 0.95, {}, {}};
  }
  if (!after.empty() && text.starts_with("-ERR ") && (has(text, "command") || has(text, "Protocol error"))) return Recognition{"redis", "redis", "", 0.6, {}, "redis"};
  return std::nullopt;
}

std::optional<Recognition> memcached(std::string_view text, std::string_view after) {
  if (text.starts_with("VERSION ") && after == "memcached") return Recognition{"memcached", "memcached", printable(first_line(text.substr(8))), 0.98, {}, {}};
  if (!after.empty() && text.starts_with("ERROR\r\n")) return Recognition{"memcached", "", "", 0.5, {}, "memcached"};
  return std::nullopt;
}

struct Opening {
  std::string_view begins, protocol, product, version_mark;
};
/// Greetings that are enough by themselves.
constexpr Opening kOpenings[] = {
    {"RFB 0", "vnc", "", ""},
    {"@RSYNCD: ", "rsync", "", ""},
    {"OK MPD ", "mpd", "mpd", "OK MPD "},
    {"NBDMAGIC", "nbd", "", ""},
    {"AMQP", "amqp", "", ""},
    {"RTSP/1.", "rtsp", "", ""},
    {"RTSP/2.", "rtsp", "", ""},
    {"SIP/2.0", "sip", "", ""},
    {"b2\r\n", "b2", "", ""},
    {"b2: ", "b2", "", ""},
    {"<?xml version='1.0'?><stream:stream", "xmpp", "", ""},
    {"<stream:stream", "xmpp", "", ""},
    {"NOTICE AUTH", "irc", "", ""},
    {"ERROR :Closing Link", "irc", "", ""},
    {"JDWP-Handshake", "jdwp", "", ""},
    {"220 VMware Authentication", "vmware-auth", "", ""},
};

std::optional<Recognition> opening(std::string_view text) {
  for (const Opening& known : kOpenings) {
    if (!text.starts_with(known.begins)) continue;
    Recognition out{std::string(known.protocol), std::string(known.product), "", 0.95, {}, {}};
    if (!known.version_mark.empty()) out.version = printable(word_after(text, known.version_mark));
    if (known.protocol == "rtsp" || known.protocol == "sip") read_product(header(text, "server"), out);
    return out;
  }
  return std::nullopt;
}

std::optional<Recognition> greeting(std::string_view text, std::string_view after) {
  if (text.starts_with("* OK") || text.starts_with("* PREAUTH")) {
    Recognition out{"imap", "", "", 0.95, {}, {}};
    if (has(text, "dovecot")) out.product = "dovecot";
    if (has(text, "cyrus")) out.product = "cyrus";
    return out;
  }
  if (text.starts_with("+OK") && after != "redis") return Recognition{"pop3", has(text, "dovecot") ? "dovecot" : "", "", 0.9, {}, {}};
  if (text.starts_with("INFO {") && has(text, "server_id")) return Recognition{"nats", "nats-server", printable(word_after(text, "\"version\":\"")), 0.98, {}, {}};
  if (text.starts_with(":") && (has(first_line(text), " NOTICE ") || has(first_line(text), " 001 ") || has(first_line(text), " 451 ") || has(first_line(text), " 421 ")))
    return Recognition{"irc", "", "", 0.9, {}, {}};
  if (text.size() > 8 && text.substr(4).starts_with("ERR ") && after == "git") return Recognition{"git", "", "", 0.9, {}, {}};
  return std::nullopt;
}

}  // namespace

std::optional<Recognition> text(std::string_view after, std::string_view heard) {
  if (auto found = ssh(heard)) return found;
  if (auto found = http(heard)) return found;
  if (auto found = opening(heard)) return found;
  if (auto found = mail_or_files(heard, after)) return found;
  if (auto found = greeting(heard, after)) return found;
  if (auto found = redis(heard, after)) return found;
  return memcached(heard, after);
}

}  // namespace ghost::portlight::recognisers
