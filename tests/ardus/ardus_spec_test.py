#!/usr/bin/env python3
"""docs/spec/ardus.md §2.4, §7, §8, §9.2 and §11 written down a second time, from the text alone, against its vectors: what is missing in the text is missing here."""
import hashlib
import ipaddress
import json
import pathlib
import struct
import subprocess
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/spec/vectors"
VECTORS = json.loads((FOLDER / "ardus_content.json").read_text())
WIRE = json.loads((FOLDER / "ardus.json").read_text())


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        assert self.at + size <= len(self.data), "cut off"
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, kind):
        return struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0]

    def text(self):
        return self.take(self.number("H"))


def read_entry(source):
    kind, flags, mode = source.number("B"), source.number("B"), source.number("H")
    entry = {"kind": kind, "mode": mode, "seconds": source.number("q"), "nanoseconds": source.number("I"), "path": source.text().decode()}
    if flags & 1:
        entry["owner"] = (source.number("I"), source.number("I"))
    if flags & 2:
        entry["attributes"] = {source.take(source.number("B")).decode(): source.take(source.number("I")) for _ in range(source.number("H"))}
    if kind == 1:
        entry["size"] = source.number("Q")
        entry["chunks"] = [source.number("I") for _ in range(source.number("I"))]
        entry["holes"] = [(source.number("Q"), source.number("Q")) for _ in range(source.number("I"))] if flags & 4 else []
    if kind in (3, 4):
        entry["link"] = source.text().decode()
    return entry


def tree(leaves):
    """RFC 6962 §2.1."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:left]) + tree(leaves[left:])).digest()


def is_signed(key, domain, message, signature):
    """Ed25519 by OpenSSL's command; RFC 8410's frame around the key."""
    with tempfile.TemporaryDirectory(prefix="ghost-ardus-") as folder:
        names = [pathlib.Path(folder) / name for name in ("key", "message", "signature")]
        for name, data in zip(names, (bytes.fromhex("302a300506032b6570032100") + key, bytes([len(domain)]) + domain.encode() + message, signature)):
            name.write_bytes(data)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin", "-in", names[1], "-sigfile", names[2]], capture_output=True)
        return done.returncode == 0


class SecondImplementation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sender, cls.receiver, cls.nonce, cls.content = (bytes.fromhex(VECTORS[name]) for name in ("sender_public", "receiver_public", "nonce", "content_id"))

    def read_manifest(self):
        source = Bytes(bytes.fromhex(VECTORS["manifest"]))
        self.assertEqual(source.take(8), b"ARDUSMF2")
        publisher, created = source.take(32), source.take(8)
        chunk_count, entry_count, name = source.number("I"), source.number("I"), source.text()
        leaves, chunks, entries = [], [], []
        for _ in range(chunk_count):
            record = source.take(36)
            chunks.append(struct.unpack_from("<I", record)[0])
            leaves.append(b"c" + record)
        for _ in range(entry_count):
            begin = source.at
            entries.append(read_entry(source))
            leaves.append(b"e" + source.data[begin:source.at])
        return publisher, created, name, chunks, entries, tree(leaves), source

    def test_a_manifest_and_its_content_id(self):
        publisher, created, name, chunks, entries, root, source = self.read_manifest()
        self.assertEqual((publisher, name, chunks), (self.sender, b"Kegelstatt", [100_000, 200_000, 30_000]))
        self.assertEqual([(entry["kind"], entry["path"]) for entry in entries], [(2, "a"), (1, "a/b"), (1, "a/c"), (1, "a/d"), (3, "a/e"), (4, "a-")])
        self.assertEqual((entries[0]["owner"], entries[0]["attributes"]), ((1000, 100), {"user.genre": b"chamber"}))
        self.assertEqual((entries[1]["chunks"], entries[1]["holes"], entries[1]["seconds"], entries[5]["link"]), ([0, 1, 0], [(300_000, 30_000)], -5, "a/b"))
        for entry in entries:
            if entry["kind"] == 1:
                self.assertEqual(entry["size"], sum(chunks[chunk] for chunk in entry["chunks"]) + sum(length for _, length in entry["holes"]))
        self.assertEqual(root, self.content)
        self.assertTrue(is_signed(self.sender, "ardus manifest", root + publisher + created + name, source.take(64)))
        self.assertEqual(source.at, len(source.data))

    def test_a_stream_map_and_where_chunks_are(self):
        whole = bytes.fromhex(VECTORS["stream_map_segment_0"])
        self.assertTrue(is_signed(self.sender, "ardus stream map", whole[:-64], whole[-64:]))
        source = Bytes(whole)
        self.assertEqual((source.take(8), source.number("Q"), source.take(32), source.number("I")), (b"ARDUSSM1", VECTORS["session"], self.content, 0))
        runs = [(source.number("I"), source.number("I")) for _ in range(source.number("I"))]
        self.assertEqual(source.at, len(whole) - 64)
        chunks = self.read_manifest()[3]
        at, pieces, held = 0, [], set()
        for segment in (runs, [(1, 1)]):
            at = -(-at // 180_224) * 180_224
            for chunk in (chunk for first, count in segment for chunk in range(first, first + count) if chunk not in held):
                held.add(chunk)
                done = 0
                while done < chunks[chunk]:
                    size = min(chunks[chunk] - done, 180_224 - at % 180_224)
                    pieces.append([at // 180_224, chunk, done, at % 180_224, size])
                    done, at = done + size, at + size
        told = VECTORS["stream_after_another_segment_of_chunk_1"]
        self.assertEqual((at, pieces), (told["bytes"], told["block, chunk, offset in chunk, offset in block, size"]))

    def test_a_receipt_and_grants(self):
        receipt = bytes.fromhex(VECTORS["receipt"])
        source = Bytes(receipt)
        self.assertEqual((len(receipt), source.take(8), source.take(32), source.number("Q"), source.take(16), source.take(32)),
                         (177, b"ARDUSRC1", self.content, VECTORS["session"], self.nonce, self.receiver))
        self.assertEqual((source.number("Q"), source.number("Q"), source.number("B")), (1_800_000_123_456, 430_000, 3))
        self.assertTrue(is_signed(self.receiver, "ardus receipt", receipt[:-64], source.take(64)))
        for name, kind in (("grant_to_fetch", 1), ("grant_to_relay", 2)):
            grant = bytes.fromhex(VECTORS[name])
            source = Bytes(grant)
            self.assertEqual((source.take(8), source.number("B"), source.take(32), source.number("Q"), source.take(16), source.take(32)),
                             (b"ARDUSGR1", kind, self.content, VECTORS["session"], self.nonce, self.receiver))
            self.assertTrue(is_signed(self.sender, "ardus grant", grant[:-64], source.take(64)))
            self.assertFalse(is_signed(self.receiver, "ardus grant", grant[:-64], grant[-64:]))

    def read_announcement(self, name):
        datagram = bytes.fromhex(next(one["hex"] for one in WIRE["datagrams"] if one["name"] == name))
        source = Bytes(datagram[:-64])
        kind, flags, zero, session = source.take(1), source.number("B"), source.number("H"), source.number("I")
        source.take(16)
        sender = source.take(32)
        source.take(32 + 8 + 4)
        port, family, length = source.number("H"), source.number("B"), source.number("B")
        control, group = (ipaddress.ip_address(source.take(16)[:4 if family == 4 else 16]) for _ in range(2))
        self.assertEqual((kind, zero, session, port, source.take(length), source.at), (b"\x18", 0, WIRE["session"]["number"], 1117, b"Kegelstatt", len(datagram) - 64))
        self.assertTrue(is_signed(sender, "ardus announce", datagram[:-64], datagram[-64:]))
        return flags, str(control), group

    def test_announcements_by_both_ips(self):
        flags, control, group = self.read_announcement("announcement")
        self.assertEqual((flags, control), (0, "10.0.0.1"))
        flags, control, group = self.read_announcement("announcement by IPv6, source-specific")
        number = WIRE["session"]["number"] & 0x3fff
        self.assertEqual((flags, control, group), (3, "fe80::7", ipaddress.ip_address("ff35::9835:0") + number))

    def test_a_publication(self):
        source = Bytes(bytes.fromhex(VECTORS["publication"]))
        self.assertEqual(source.take(8), b"ARDUSPB1")
        self.assertEqual([source.text() for _ in range(source.number("B"))], [b"a certificate", b"the house's"])
        self.assertEqual(source.data[source.at:].hex(), VECTORS["manifest"])
        one = hashlib.sha256(b"one").hexdigest()
        self.assertEqual(VECTORS["chunk_path"], f"chunks/{one[:2]}/{one}")

    def test_where_a_file_is_cut(self):
        gear = [int.from_bytes(hashlib.sha256(b"ardus gear 1" + bytes([byte])).digest()[:8], "little") for byte in range(256)]
        data = b"".join(hashlib.sha256(struct.pack("<I", number)).digest() for number in range(31_250))
        begin, sizes = 0, []
        while begin < len(data):
            left, size, hashed = len(data) - begin, 16_384, 0
            while size < min(left, 262_144):
                hashed = (hashed << 1) + gear[data[begin + size]] & 0xffff_ffff_ffff_ffff
                size += 1
                if hashed >> (64 - (18 if size - 1 < 65_536 else 14)) == 0:
                    break
            sizes.append(min(size, left))
            begin += sizes[-1]
        self.assertEqual(sizes, VECTORS["chunk_sizes_of_sha256_of_u32_0_to_31249_end_to_end"])


if __name__ == "__main__":
    unittest.main()
