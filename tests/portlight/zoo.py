"""Small servers that say the first words of protocols, each on a port the kernel chose: what a listener on an odd port looks like."""
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading


def line_server(greeting=b"", answers=()):
    """Says `greeting`; then, of (begin, answer), the first that what it hears begins with; closes on anything else."""

    def serve(connection):
        if greeting:
            connection.sendall(greeting)
        heard = connection.recv(4096)
        for begin, answer in answers:
            if heard.startswith(begin):
                connection.sendall(answer)
                connection.recv(1)
                return

    return serve


def redis(connection):
    while heard := connection.recv(4096):
        for command in filter(None, heard.split(b"\r\n")):
            if command == b"PING":
                connection.sendall(b"+PONG\r\n")
            elif command == b"INFO server":
                connection.sendall(b"$33\r\n# Server\r\nredis_version:7.0.15\r\n\r\n")
            else:
                connection.sendall(b"-ERR unknown command, with args beginning with: \r\n")


def memcached(connection):
    while heard := connection.recv(4096):
        connection.sendall(b"VERSION 1.6.18\r\n" if heard == b"version\r\n" else b"ERROR\r\n")


def dns(connection):
    heard = connection.recv(4096)
    if len(heard) > 14 and struct.unpack(">H", heard[:2])[0] == len(heard) - 2:
        answer = heard[2:4] + b"\x81\x80" + heard[6:]
        connection.sendall(struct.pack(">H", len(answer)) + answer)


def https(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    web = line_server(b"", [(b"GET ", b"HTTP/1.0 200 OK\r\nServer: zoo/2.0\r\n\r\n")])

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            web(secured)

    return serve


MYSQL = b"\x10\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x00\x00\x00\x00\x00"
# name → (what it does with a connection, protocol, product, version)
TCP = {
    "http": (line_server(b"", [(b"GET ", b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\r\nhi")]), "http", "nginx", "1.22.1"),
    "ssh": (line_server(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "ssh", "OpenSSH", "9.2p1"),
    "ftp": (line_server(b"220 (vsFTPd 3.0.3)\r\n"), "ftp", "vsFTPd", "3.0.3"),
    "smtp": (line_server(b"220 zoo ESMTP Postfix\r\n"), "smtp", "Postfix", ""),
    "quiet smtp": (line_server(b"220 zoo ready\r\n", [(b"EHLO", b"250 zoo\r\n")]), "smtp", "", ""),
    "imap": (line_server(b"* OK Dovecot ready.\r\n"), "imap", "dovecot", ""),
    "pop3": (line_server(b"+OK ready\r\n"), "pop3", "", ""),
    "redis": (redis, "redis", "redis", "7.0.15"),
    "memcached": (memcached, "memcached", "memcached", "1.6.18"),
    "postgresql": (line_server(b"", [(b"\0\0\0\x08\x04\xd2\x16\x2f", b"N")]), "postgresql", "postgresql", ""),
    "mysql": (line_server(MYSQL), "mysql", "mysql", "8.0.36"),
    "mqtt": (line_server(b"", [(b"\x10\x0e\0\4MQTT", b"\x20\x02\0\0")]), "mqtt", "", ""),
    "nats": (line_server(b'INFO {"server_id":"ZOO","version":"2.9.10"}\r\n'), "nats", "nats-server", "2.9.10"),
    "rsync": (line_server(b"@RSYNCD: 31.0\n"), "rsync", "", ""),
    "vnc": (line_server(b"RFB 003.008\n"), "vnc", "", ""),
    "rtsp": (line_server(b"", [(b"OPTIONS * RTSP", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")]), "rtsp", "", ""),
    "sip": (line_server(b"", [(b"OPTIONS sip:", b"SIP/2.0 200 OK\r\n\r\n")]), "sip", "", ""),
    "mpd": (line_server(b"OK MPD 0.23.5\n"), "mpd", "mpd", "0.23.5"),
    "irc": (line_server(b":zoo NOTICE * :*** Looking up your hostname\r\n"), "irc", "", ""),
    "dns": (dns, "dns", "", ""),
    "socks": (line_server(b"", [(b"\5\1\0", b"\5\0")]), "socks", "", ""),
    "h2c": (line_server(b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"), "h2c", "", ""),
}


def accept(listener, serve):
    while True:
        connection, _ = listener.accept()

        def one(connection=connection):
            with connection:
                connection.settimeout(5)
                try:
                    serve(connection)
                except (OSError, ssl.SSLError):
                    pass  # the other side had heard enough

        threading.Thread(target=one, daemon=True).start()


def udp(answer):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve():
        while True:
            heard, peer = sock.recvfrom(4096)
            if said := answer(heard):
                sock.sendto(said, peer)

    threading.Thread(target=serve, daemon=True).start()
    return sock.getsockname()[1]


def main(folder):
    """Prints "transport port name" a line, then serves until stdin ends."""
    key, certificate = os.path.join(folder, "key"), os.path.join(folder, "certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=zoo", "-days", "2", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    for name, serve in {**{name: row[0] for name, row in TCP.items()}, "https": https((certificate, key))}.items():
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=accept, args=(listener, serve), daemon=True).start()
        print("tcp", listener.getsockname()[1], name)
    print("udp", udp(lambda heard: heard[:2] + b"\x81\x80" + heard[4:] if len(heard) == 17 else b""), "dns")
    print("udp", udp(lambda heard: b"\x24" + heard[1:] if len(heard) == 48 and heard[0] == 0x23 else b""), "ntp")
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
