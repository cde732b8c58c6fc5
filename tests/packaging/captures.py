"""Captures made from bytes: TCP and UDP over IPv4, without a link layer."""
import socket
import struct

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"


def packet(source, target, protocol, body):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
    return head + body


class Capture:
    """@param path  the file, written at close()"""

    def __init__(self, path):
        self.path, self.packets, self.sent = path, [], {}

    def tcp(self, port, client_port, from_server, data):
        """A segment; sequence numbers go on by themselves."""
        way = (client_port, from_server)
        sequence = self.sent.get(way, 1)
        self.sent[way] = sequence + len(data)
        back = self.sent.get((client_port, not from_server), 1)
        ports = (port, client_port) if from_server else (client_port, port)
        head = struct.pack(">HHIIBBHHH", *ports, sequence, back, 0x50, 0x18, 65535, 0, 0)
        self.add(from_server, 6, head + data)

    def udp(self, port, client_port, from_server, data):
        ports = (port, client_port) if from_server else (client_port, port)
        self.add(from_server, 17, struct.pack(">HHHH", *ports, 8 + len(data), 0) + data)

    def add(self, from_server, protocol, body):
        ends = (SERVER, CLIENT) if from_server else (CLIENT, SERVER)
        self.packets.append(packet(*ends, protocol, body))

    def close(self):
        with open(self.path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
            for number, data in enumerate(self.packets):
                out.write(struct.pack("<IIII", 1_700_000_000 + number // 1000, number % 1000 * 1000, len(data), len(data)) + data)
