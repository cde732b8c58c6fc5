#include "portlight/recognise.h"

#include <algorithm>

#include "base/text.h"
#include "portlight/recognisers.h"

namespace ghost::portlight {

namespace {

constexpr std::size_t kLookedAt = 4096, kShown = 60;

Bytes bytes_of(std::string_view text) { return to_bytes(as_bytes(text)); }
Bytes bytes_of(std::initializer_list<std::uint8_t> list) { return list; }

/// "version.bind" would be refused by many; the root's name servers are what every resolver knows. Id "pl".
Bytes dns_query() { return {0x70, 0x6c, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}; }

Bytes dns_over_tcp() {
  Bytes query = dns_query();
  query.insert(query.begin(), {0, static_cast<std::uint8_t>(query.size())});
  return query;
}

Bytes ntp_query() {
  Bytes query(48, 0);
  query[0] = 0x23;  // version 4, client
  query[47] = 1;    // a transmit time, which some servers ask for
  return query;
}

/// OP_MSG {hello: 1, $db: "admin"}: header, flags, section kind 0, a BSON document.
Bytes mongodb_hello() {
  Bytes document;
  ByteWriter writer(document);
  writer.u32(31).u8(0x10).bytes(as_bytes(std::string_view("hello\0", 6))).u32(1);
  writer.u8(0x02).bytes(as_bytes(std::string_view("$db\0", 4))).u32(6).bytes(as_bytes(std::string_view("admin\0", 6))).u8(0);
  Bytes whole;
  ByteWriter(whole).u32(static_cast<std::uint32_t>(16 + 5 + document.size())).u32(1).u32(0).u32(2013).u32(0).u8(0).bytes(document);
  return whole;
}

Bytes smb_negotiate() {
  Bytes smb = {0xfe, 'S', 'M', 'B', 64, 0, 0, 0};
  smb.resize(64, 0);                            // the header: NEGOTIATE is command 0
  Bytes body = {36, 0, 1, 0, 1, 0, 0, 0};       // structure size, one dialect, signing enabled
  body.resize(36, 0);
  body.insert(body.end(), {0x10, 0x02});        // dialect 2.1
  Bytes whole = {0, 0, 0, static_cast<std::uint8_t>(smb.size() + body.size())};
  whole.insert(whole.end(), smb.begin(), smb.end());
  whole.insert(whole.end(), body.begin(), body.end());
  return whole;
}

constexpr char kSip[] = "OPTIONS sip:portlight SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKpl;rport\r\nFrom: <sip:portlight@127.0.0.1>;tag=pl\r\nTo: <sip:portlight>\r\n"
                        "Call-ID: portlight\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n";

// Without a Host header: redis takes that for an attack and logs it, and HTTP/1.0 needs none.
const Probe kProbes[] = {
    {"http", Transport::tcp, [] { return bytes_of("GET / HTTP/1.0\r\n\r\n"); }, true, Level::owner},
    {"tls", Transport::tcp, [] { return Bytes(); }, false, Level::safe},  // a real handshake, by identify_service
    {"redis", Transport::tcp, [] { return bytes_of("PING\r\nINFO server\r\n"); }, true, Level::all},
    {"memcached", Transport::tcp, [] { return bytes_of("version\r\n"); }, true, Level::all},
    {"ehlo", Transport::tcp, [] { return bytes_of("EHLO localhost\r\n"); }, true, Level::all},
    {"rtsp", Transport::tcp, [] { return bytes_of("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"); }, true, Level::all},
    {"sip", Transport::tcp, [] { return bytes_of(kSip); }, true, Level::all},
    {"irc", Transport::tcp, [] { return bytes_of("PING :portlight\r\n"); }, true, Level::all},
    {"xmpp", Transport::tcp, [] { return bytes_of("<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"); }, true, Level::all},
    {"postgresql", Transport::tcp, [] { return bytes_of({0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}); }, false, Level::all},  // SSLRequest
    {"mqtt", Transport::tcp, [] { return bytes_of({0x10, 0x0e, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 10, 0, 2, 'p', 'l'}); }, false, Level::all},
    {"dns", Transport::tcp, dns_over_tcp, false, Level::all},
    {"amqp", Transport::tcp, [] { return bytes_of({'A', 'M', 'Q', 'P', 0, 0, 9, 1}); }, false, Level::all},
    {"ldap", Transport::tcp, [] { return bytes_of({0x30, 0x0c, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0}); }, false, Level::all},
    {"mongodb", Transport::tcp, mongodb_hello, false, Level::all},
    {"socks", Transport::tcp, [] { return bytes_of({5, 1, 0}); }, false, Level::all},
    {"smb", Transport::tcp, smb_negotiate, false, Level::all},
    {"x11", Transport::tcp, [] { return bytes_of({'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}); }, false, Level::all},
    {"rdp", Transport::tcp, [] { return bytes_of({3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0}); }, false, Level::all},
    {"git", Transport::tcp, [] { return bytes_of(std::string_view("001egit-upload-pack /portlight\0", 30)); }, false, Level::all},
    {"dns", Transport::udp, dns_query, false, Level::safe},
    {"ntp", Transport::udp, ntp_query, false, Level::safe},
    {"sip", Transport::udp, [] { return bytes_of(kSip); }, true, Level::all},
    {"snmp", Transport::udp, [] { return bytes_of({0x30, 0x29, 2, 1, 1, 4, 6, 'p', 'u', 'b', 'l', 'i', 'c', 0xa0, 0x1c, 2, 4, 0, 0, 0, 1, 2, 1, 0, 2, 1, 0,
                                                   0x30, 0x0e, 0x30, 0x0c, 6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 5, 0}); }, false, Level::all},
    {"stun", Transport::udp, [] { return bytes_of({0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 'p', 'o', 'r', 't', 'l', 'i', 'g', 'h', 't', 0, 0, 0}); }, false, Level::all},
    {"memcached", Transport::udp, [] { return bytes_of({0, 1, 0, 0, 0, 1, 0, 0, 'v', 'e', 'r', 's', 'i', 'o', 'n', 13, 10}); }, false, Level::all},
    {"tftp", Transport::udp, [] { return bytes_of(std::string_view("\0\1portlight\0octet\0", 18)); }, false, Level::all},
};

struct Spoken {
  std::string_view name, protocol;
};

constexpr Spoken kPrograms[] = {
    {"ghostlight", "b2"}, {"b2", "b2"}, {"ardus", "b2"}, {"ariascribe", "b2"}, {"audiojuggler", "b2"}, {"portlight", "b2"},
    {"sshd", "ssh"}, {"dropbear", "ssh"}, {"nginx", "http"}, {"apache2", "http"}, {"httpd", "http"}, {"caddy", "http"}, {"lighttpd", "http"}, {"haproxy", "http"},
    {"traefik", "http"}, {"cupsd", "http"}, {"node", "http"}, {"dockerd", "http"}, {"prometheus", "http"}, {"grafana", "http"}, {"redis-server", "redis"},
    {"valkey-server", "redis"}, {"memcached", "memcached"}, {"postgres", "postgresql"}, {"mysqld", "mysql"}, {"mariadbd", "mysql"}, {"mosquitto", "mqtt"},
    {"nats-server", "nats"}, {"named", "dns"}, {"unbound", "dns"}, {"dnsmasq", "dns"}, {"systemd-resolve", "dns"}, {"coredns", "dns"}, {"avahi-daemon", "dns"},
    {"chronyd", "ntp"}, {"ntpd", "ntp"}, {"rsync", "rsync"}, {"Xvnc", "vnc"}, {"x11vnc", "vnc"}, {"vsftpd", "ftp"}, {"proftpd", "ftp"}, {"pure-ftpd", "ftp"},
    {"master", "smtp"}, {"exim4", "smtp"}, {"dovecot", "imap"}, {"mpd", "mpd"}, {"slapd", "ldap"}, {"mongod", "mongodb"}, {"smbd", "smb"}, {"snmpd", "snmp"},
    {"asterisk", "sip"}, {"kamailio", "sip"}, {"git-daemon", "git"}, {"iperf3", "iperf3"}, {"rpcbind", "sunrpc"}, {"xrdp", "rdp"}, {"ngircd", "irc"},
    {"prosody", "xmpp"}, {"beam.smp", "amqp"}, {"nbd-server", "nbd"}, {"dhclient", "dhcp"}, {"systemd-network", "dhcp"}, {"tftpd", "tftp"}, {"coturn", "stun"}};

constexpr Spoken kServices[] = {
    {"http", "http"}, {"www", "http"}, {"www-http", "http"}, {"http-alt", "http"}, {"webcache", "http"}, {"ipp", "http"}, {"etcd-client", "http"}, {"https", "https"},
    {"https-alt", "https"}, {"pcsync-https", "https"}, {"ipps", "https"}, {"ssh", "ssh"}, {"ftp", "ftp"}, {"ftps", "ftps"}, {"smtp", "smtp"}, {"submission", "smtp"},
    {"submissions", "smtps"}, {"urd", "smtps"}, {"imap", "imap"}, {"imaps", "imaps"}, {"pop3", "pop3"}, {"pop3s", "pop3s"}, {"domain", "dns"}, {"mdns", "dns"},
    {"llmnr", "dns"}, {"ntp", "ntp"}, {"snmp", "snmp"}, {"ldap", "ldap"}, {"ldaps", "ldaps"}, {"mqtt", "mqtt"}, {"secure-mqtt", "mqtts"}, {"amqp", "amqp"},
    {"amqps", "amqps"}, {"nats", "nats"}, {"redis", "redis"}, {"memcache", "memcached"}, {"postgresql", "postgresql"}, {"mysql", "mysql"}, {"mongodb", "mongodb"},
    {"rsync", "rsync"}, {"git", "git"}, {"microsoft-ds", "smb"}, {"rfb", "vnc"}, {"ms-wbt-server", "rdp"}, {"sip", "sip"}, {"sips", "sips"}, {"rtsp", "rtsp"},
    {"rtsp-alt", "rtsp"}, {"mpd", "mpd"}, {"x11", "x11"}, {"nbd", "nbd"}, {"socks", "socks"}, {"irc", "irc"}, {"ircu", "irc"}, {"ircs-u", "ircs"},
    {"xmpp-client", "xmpp"}, {"xmpp-server", "xmpp"}, {"telnet", "telnet"}, {"tftp", "tftp"}, {"stun", "stun"}, {"turn", "stun"}, {"iperf3", "iperf3"},
    {"b2-runtime", "b2"}, {"ariascribe", "b2"}, {"ardus-mtrns", "b2"}, {"ardusuni", "b2"}, {"ardusmul", "b2"}, {"audiojuggler", "b2"}, {"sunrpc", "sunrpc"},
    {"bootpc", "dhcp"}, {"dhcpv6-client", "dhcp"}};

/// The probe that a protocol's name asks for: "https" needs a TLS handshake.
const Probe* probe_for(std::string_view protocol, Transport transport) {
  if (const Probe* own = find_probe(protocol, transport)) return own;
  if (protocol == "smtp") return nullptr;  // it greets
  if (protocol.size() > 2 && protocol.back() == 's' && transport == Transport::tcp && protocol != "dns" && protocol != "nats" && protocol != "socks") return find_probe("tls", transport);
  return nullptr;
}

/// Raw print ports put every byte on paper; a debugger's takes it for a command.
bool is_delicate(std::uint16_t port, std::string_view owner_protocol) { return (port >= 9100 && port <= 9107) || owner_protocol == "jdwp" || owner_protocol == "gdb"; }

}  // namespace

std::span<const Probe> probes() { return kProbes; }

const Probe* find_probe(std::string_view name, Transport transport) {
  const auto* found = std::find_if(std::begin(kProbes), std::end(kProbes), [&](const Probe& probe) { return probe.name == name && probe.transport == transport; });
  return found == std::end(kProbes) ? nullptr : found;
}

std::string_view protocol_of_program(std::string_view program) {
  program = program.substr(program.rfind('/') + 1);
  for (const Spoken& known : kPrograms) {
    if (known.name == program) return known.protocol;
  }
  return {};
}

std::string_view protocol_of_service(std::string_view service) {
  for (const Spoken& known : kServices) {
    if (known.name == service) return known.protocol;
  }
  return {};
}

std::vector<const Probe*> plan(Transport transport, std::uint16_t port, std::string_view owner_protocol, std::span<const std::string_view> services, Level level) {
  std::vector<const Probe*> asked;
  if (level < Level::owner || is_delicate(port, owner_protocol)) return asked;
  const auto add = [&](const Probe* probe) {
    if (probe != nullptr && std::find(asked.begin(), asked.end(), probe) == asked.end()) asked.push_back(probe);
  };
  constexpr std::size_t kMost = 3;
  add(probe_for(owner_protocol, transport));
  // Lines before bytes; what a program is known to speak came before both.
  for (const bool text : {true, false}) {
    for (const std::string_view service : services) {
      const Probe* probe = probe_for(protocol_of_service(service), transport);
      if (probe != nullptr && probe->text == text) add(probe);
    }
  }
  for (const Probe& probe : kProbes) {
    if (probe.transport != transport || probe.level > level) continue;
    // At `owner` a datagram goes only where something suggests it.
    if (level == Level::owner && (transport == Transport::udp || !asked.empty())) continue;
    add(&probe);
  }
  if (level != Level::all && asked.size() > kMost) asked.resize(kMost);
  return asked;
}

std::optional<Recognition> recognise(Transport transport, std::string_view after, BytesView heard) {
  heard = heard.first(std::min(heard.size(), kLookedAt));
  if (heard.empty()) return std::nullopt;
  auto found = transport == Transport::udp ? recognisers::datagram(after, heard) : recognisers::text(after, as_text(heard));
  if (!found && transport == Transport::tcp) found = recognisers::binary(after, heard);
  if (!found) return std::nullopt;
  const std::string_view text = as_text(heard);
  found->said = cut_to_width(printable(text.substr(0, std::min(text.find_first_of("\r\n"), std::size_t{kShown * 2}))), kShown);
  return found;
}

}  // namespace ghost::portlight
