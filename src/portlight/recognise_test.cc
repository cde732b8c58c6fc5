#include "portlight/recognise.h"

#include <gtest/gtest.h>

namespace ghost::portlight {
namespace {

using namespace std::string_view_literals;

struct Heard {
  std::string_view after, bytes, protocol, product, version;
};

/// Written for this test in the form each protocol's document gives; "after" is the probe it answers, "" a greeting.
const std::vector<Heard> kTcp = {
    {"", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "ssh", "OpenSSH", "9.2p1"},
    {"", "SSH-2.0-dropbear_2022.83\r\n", "ssh", "dropbear", "2022.83"},
    {"", "220 mail.example ESMTP Postfix (Debian/GNU)\r\n", "smtp", "Postfix", ""},
    {"", "220 mail.example ESMTP Exim 4.96 Sat, 21 Nov 2026\r\n", "smtp", "Exim", "4.96"},
    {"", "220 (vsFTPd 3.0.3)\r\n", "ftp", "vsFTPd", "3.0.3"},
    {"", "220 Welcome to our FTP server\r\n", "ftp", "", ""},
    {"ehlo", "250-mail.example\r\n250 SIZE\r\n", "smtp", "", ""},
    {"ehlo", "500 Unknown command.\r\n", "ftp", "", ""},
    {"", "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "imap", "dovecot", ""},
    {"", "+OK Dovecot ready.\r\n", "pop3", "dovecot", ""},
    {"", "RFB 003.008\n", "vnc", "", ""},
    {"", "@RSYNCD: 31.0\n", "rsync", "", ""},
    {"", "OK MPD 0.23.12\n", "mpd", "mpd", "0.23.12"},
    {"", "INFO {\"server_id\":\"NA\",\"version\":\"2.9.10\",\"proto\":1}\r\n", "nats", "nats-server", "2.9.10"},
    {"", ":irc.example NOTICE * :*** Looking up your hostname\r\n", "irc", "", ""},
    {"http", "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n", "http", "nginx", "1.22.1"},
    {"http", "HTTP/1.0 404 Not Found\r\ncontent-type: text/plain\r\n\r\nServer: not/this\r\n", "http", "", ""},
    {"http", "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port", "tls", "", ""},
    {"http", "-ERR wrong number of arguments for 'get' command\r\n", "redis", "redis", ""},
    {"redis", "+PONG\r\n$60\r\n# Server\r\nredis_version:7.0.15\r\n", "redis", "redis", "7.0.15"},
    {"redis", "-NOAUTH Authentication required.\r\n", "redis", "redis", ""},
    {"memcached", "VERSION 1.6.18\r\n", "memcached", "memcached", "1.6.18"},
    {"http", "ERROR\r\n", "memcached", "", ""},
    {"rtsp", "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: GStreamer RTSP server\r\n\r\n", "rtsp", "GStreamer", ""},
    {"sip", "SIP/2.0 200 OK\r\nServer: kamailio/5.6.3\r\n\r\n", "sip", "kamailio", "5.6.3"},
    {"", "b2\r\n", "b2", "", ""},
    {"http", "\x15\x03\x01\x00\x02\x02\x46"sv, "tls", "", ""},
    {"", "\x49\x00\x00\x00\x0a" "5.5.5-10.11.6-MariaDB-0+deb12u1\0\x05\0\0\0"sv, "mysql", "mariadb", "5.5.5-10.11.6-MariaDB-0+deb12u1"},
    {"", "\x4a\x00\x00\x00\x0a" "8.0.36\0\x05\0\0\0"sv, "mysql", "mysql", "8.0.36"},
    {"postgresql", "N", "postgresql", "postgresql", ""},
    {"http", "E\0\0\0\x2bSFATAL\0VFATAL\0C0A000\0Munsupported\0\0"sv, "postgresql", "postgresql", ""},
    {"mqtt", "\x20\x02\x00\x00"sv, "mqtt", "", ""},
    {"http", "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"sv, "h2c", "", ""},
    {"", "\xff\xfd\x18\xff\xfd\x20"sv, "telnet", "", ""},
    {"dns", "\0\x1cpl\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"sv.substr(0, 14), "", "", ""},  // its length says more than came
    {"dns", "\0\x11pl\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"sv, "dns", "", ""},
    {"amqp", "\1\0\0\0\0\1\xd0\0\x0a\0\x0aRabbitMQ"sv, "amqp", "RabbitMQ", ""},
    {"ldap", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"sv, "ldap", "", ""},
    {"socks", "\x05\x00"sv, "socks", "", ""},
    {"rdp", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x02\x00\x00\x00"sv, "rdp", "", ""},
    // What belongs to no protocol, or answers another question.
    {"", "-ERR wrong number of arguments for 'get' command\r\n", "", "", ""},
    {"", "N", "", "", ""},
    {"http", "hello there\r\n", "", "", ""},
    {"", "\x15\x03\x01\x00\x03\x02\x46\x00"sv, "", "", ""},
};

const std::vector<Heard> kUdp = {
    {"dns", "pl\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"sv, "dns", "", ""},
    {"dns", "xx\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"sv, "", "", ""},
    {"ntp", "\x24\x02\x03\xe9................................................"sv.substr(0, 48), "ntp", "", ""},
    {"ntp", "\x23\x02\x03\xe9................................................"sv.substr(0, 48), "", "", ""},
    {"stun", "\1\1\0\0\x21\x12\xa4\x42portlight\0\0\0"sv, "stun", "", ""},
    {"sip", "SIP/2.0 200 OK\r\nServer: asterisk\r\n\r\n", "sip", "", ""},
    {"dns", "SSH-2.0-x", "", "", ""},
};

void check(Transport transport, const std::vector<Heard>& table) {
  for (const Heard& row : table) {
    const auto found = recognise(transport, row.after, as_bytes(row.bytes));
    SCOPED_TRACE(std::string(row.after) + " | " + std::string(row.bytes.substr(0, 40)));
    ASSERT_EQ(found.has_value(), !row.protocol.empty());
    if (!found) continue;
    EXPECT_EQ(found->protocol, row.protocol);
    EXPECT_EQ(found->product, row.product);
    EXPECT_EQ(found->version, row.version);
    EXPECT_FALSE(found->said.empty());
  }
}

TEST(Recognise, KnowsWhatServersSayOverTcp) { check(Transport::tcp, kTcp); }
TEST(Recognise, KnowsWhatServersSayInDatagrams) { check(Transport::udp, kUdp); }

TEST(Recognise, SaysWhatWouldTellMoreWhereItIsNotSure) {
  EXPECT_EQ(recognise(Transport::tcp, "http", as_bytes("ERROR\r\n"))->follow, "memcached");
  EXPECT_EQ(recognise(Transport::tcp, "", as_bytes("220 ready\r\n"))->follow, "ehlo");
  EXPECT_EQ(recognise(Transport::tcp, "http", as_bytes("\x15\x03\x01\x00\x02\x02\x46"sv))->follow, "tls");
}

std::vector<std::string_view> names(const std::vector<const Probe*>& probes) {
  std::vector<std::string_view> all;
  for (const Probe* probe : probes) all.push_back(probe->name);
  return all;
}
using Names = std::vector<std::string_view>;

TEST(Plan, AsksWhatOwnerAndRegistrySuggestFirst) {
  const Names redis = {"redis"}, web = {"https"};
  EXPECT_EQ(names(plan(Transport::tcp, 2256, "redis", {}, Level::owner)), Names{"redis"});
  EXPECT_EQ(names(plan(Transport::tcp, 443, "", web, Level::owner)), Names{"tls"});
  EXPECT_EQ(names(plan(Transport::tcp, 6379, "", redis, Level::safe)), (Names{"redis", "http", "tls"}));
  EXPECT_EQ(names(plan(Transport::tcp, 12345, "", {}, Level::owner)), Names{"http"});
  EXPECT_EQ(names(plan(Transport::udp, 12345, "", {}, Level::owner)), Names{});
  EXPECT_EQ(names(plan(Transport::udp, 12345, "dns", {}, Level::owner)), Names{"dns"});
  EXPECT_GT(plan(Transport::tcp, 12345, "", {}, Level::all).size(), 15u);
}

TEST(Plan, AsksNothingWhereItMayHarm) {
  for (const Level level : {Level::owner, Level::safe, Level::all}) {
    EXPECT_TRUE(plan(Transport::tcp, 9100, "http", {}, level).empty());
    EXPECT_TRUE(plan(Transport::tcp, 5005, "jdwp", {}, level).empty());
  }
  EXPECT_TRUE(plan(Transport::tcp, 80, "http", {}, Level::passive).empty());
  EXPECT_TRUE(plan(Transport::tcp, 80, "http", {}, Level::off).empty());
}

TEST(Plan, HasOnlyWellFormedQuestions) {
  for (const Probe& probe : probes()) {
    const Bytes request = probe.request();
    EXPECT_LE(request.size(), 512u) << probe.name;
    if (!probe.text) continue;
    EXPECT_TRUE(std::all_of(request.begin(), request.end(), [](std::uint8_t c) { return c == '\r' || c == '\n' || (c >= 32 && c < 127); })) << probe.name;
  }
  EXPECT_EQ(find_probe("mongodb", Transport::tcp)->request()[0], find_probe("mongodb", Transport::tcp)->request().size());
}

TEST(Identity, KnowsWhichServiceAProtocolBelongsTo) {
  Identity identity;
  identity.protocol = "https";
  EXPECT_TRUE(speaks("https", identity));
  EXPECT_FALSE(speaks("http", identity));
  identity.protocol = "tls";
  EXPECT_TRUE(speaks("imaps", identity));
  EXPECT_FALSE(speaks("dns", identity));
  identity.protocol = "dns";
  EXPECT_TRUE(speaks("domain", identity));
  identity.protocol = "b2";
  identity.product = "ariascribe";
  identity.version = "0.1.0";
  EXPECT_TRUE(speaks("ariascribe", identity));
  EXPECT_TRUE(speaks("b2-runtime", identity));
  EXPECT_FALSE(speaks("ardusmul", identity));
  EXPECT_FALSE(speaks("pcc-mfp", identity));
  EXPECT_EQ(identity.text(), "ariascribe 0.1.0 (b2)");
}

}  // namespace
}  // namespace ghost::portlight
