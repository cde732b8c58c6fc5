#!/usr/bin/env python3
"""The manifest's own stream, each test with hosts of its own on a switch of its own: it goes out once for all who join together, and whom it does not reach
gets the manifest by the control connection. Where no namespaces can be made it says so and ends."""
import filecmp
import random
import re

import ardus_failures_test as failures
import hosts
from ardus_failures_test import BIN, until

FILES = 2000
BYTES = 200  # of a file: the manifest is as large as half of what is sent


class ManyFiles(failures.Hosted):
    receivers = 4

    def many_files(self):
        dice = random.Random(self.id())
        for number in range(FILES):
            (self.album / f"{number:05} - a small file with a name").write_bytes(dice.randbytes(BYTES))

    def setUp(self):
        super().setUp()
        with (self.root / "log0").open("a") as log:  # a daemon sends, since it tells
            self.hosts.start(0, BIN / "ardus", "serve", "--state", self.root / "keeper", "--listen", "127.0.0.1:1117", "--listen", f"{self.hosts.address(0)}:1117",
                             stdout=log, stderr=log)
        until(lambda: (self.root / "keeper/ardus.sock").exists())

    def drop(self, number, match):
        hosts.run("ip", "netns", "exec", self.hosts.names[number], "nft", "-f", "-", input=f"""table inet lost {{
 chain input {{
  type filter hook input priority 0;
  {match} drop
 }}
}}
""")

    def assert_received(self, *numbers):
        names = [path.name for path in self.album.iterdir()]
        for number in numbers:
            same, other, missing = filecmp.cmpfiles(self.album, self.into(number) / "album", names, shallow=False)
            self.assertEqual((len(same), other, missing), (FILES, [], []), f"receiver {number}")

    def manifest_bytes(self):
        """Of the manifest's stream, as the sender told it when that ended; 0 when there was none."""
        told = re.search(r"manifest sent.* bytes=(\d+) ", self.log(0))
        return int(told.group(1)) if told else 0

    def fetched(self, number):
        return "the manifest does not come by multicast" in self.log(number)

    def test_the_manifest_goes_out_once_for_four_receivers_that_lose_packets(self):
        self.many_files()
        for number in self.numbers:
            self.serve(number)
            self.drop(number, "udp dport 1835 numgen random mod 100 < 5")
        before = self.hosts.sent(0)[0]
        self.sender = self.sending()
        summary = self.ended(self.sender, 0)
        sent = self.hosts.sent(0)[0] - before
        self.assert_received(*self.numbers)
        self.assertEqual(self.states(summary), {f"r{number}": "verified" for number in self.numbers})
        manifest = self.manifest_bytes()
        self.assertGreater(manifest, 150_000)
        # TLS and joining take some 10 kB a receiver, headers and parity a quarter; a call for each would be three manifests more.
        self.assertLess(sent, FILES * BYTES + 2 * manifest, f"a manifest of {manifest}")
        self.assertGreater(summary["wire_bytes"], FILES * BYTES + manifest, "it counts among what was sent")
        for number in self.numbers:
            self.assertFalse(self.fetched(number), self.log(number))

    def test_who_has_no_multicast_gets_the_manifest_by_unicast_and_who_has_no_udp_by_its_control_connection(self):
        self.many_files()
        for number in self.numbers:
            self.serve(number)
        self.drop(2, "udp dport 1835")
        self.drop(3, "udp dport { 1834, 1835 }")
        self.sender = self.sending()
        until(lambda: self.fetched(3) or self.sender.poll() is not None)
        hosts.run("ip", "netns", "exec", self.hosts.names[3], "nft", "delete", "table", "inet", "lost")
        self.ended(self.sender, 0)
        self.assert_received(*self.numbers)
        self.assertEqual([self.fetched(number) for number in (1, 3, 4)], [False, True, False])

    def test_who_joins_when_the_manifest_has_been_sent_gets_it_by_its_control_connection(self):
        self.many_files()
        for number in (1, 2, 3):
            self.serve(number)
        self.sender = self.sending()
        until(lambda: all("ardus: joined" in self.log(number) for number in (1, 2, 3)) or self.sender.poll() is not None)
        self.serve(4)
        self.ended(self.sender, 0)
        self.assert_received(*self.numbers)
        self.assertGreater(self.manifest_bytes(), 0)
        self.assertFalse(self.fetched(4), "it was told of no stream")


if __name__ == "__main__":
    failures.main(__file__, ManyFiles)
