#!/usr/bin/env python3
"""Time and overhead of ARDUS from 1 to 10,000 receivers, by the loss on their links: `ardus simulate`, the real cores on virtual time.

    cmake --preset release && cmake --build --preset release --target ardus_app
    bench/ardus/curves.py --save docs/pictures/ardus-curves.jsonl --draw docs/pictures/ardus-curves.svg     # half an hour of CPU, 1 GB
    bench/ardus/curves.py --load docs/pictures/ardus-curves.jsonl --draw docs/pictures/ardus-curves.svg     # draws again
    bench/ardus/curves.py --load docs/pictures/ardus-curves.jsonl --table

Each run is the same on every machine, however busy: its figures are counted and of virtual time. At least 8 receivers of each really
decrypt, decode and compare every byte."""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECEIVERS = (1, 10, 100, 1000, 10000)
LOSSES = (0.0, 0.001, 0.01, 0.05)
COLOURS = {0.0: "#5b6470", 0.001: "#0b7a75", 0.01: "#b3541e", 0.05: "#6a3fa0"}
WIDTH, HEIGHT, TOP, BOTTOM = 860, 380, 64, 70


def name(loss):
    return "no loss" if loss == 0 else f"{loss * 100:g} % loss"


def simulate(program, **options):
    words = [str(program), "simulate", "--json"]
    for key, value in options.items():
        words += [f"--{key}", str(value)]
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"{' '.join(words)}: {done.stderr.strip()}")
    line = json.loads(done.stdout.splitlines()[-1])
    print(f"{' '.join(words[1:])}: {time.monotonic() - began:.0f} s, over the floor {line['over_floor']:.4f}, {line['received_seconds']:.4f} s, "
          f"{line['verified']} verified, {line['decoded']} decoded", file=sys.stderr, flush=True)
    if line["verified"] != line["receivers"] or line["wrong_blocks"]:
        sys.exit(f"not everybody was served: {line}")
    return {**options, **{key: line[key] for key in (
        "receivers", "decoded", "over_floor", "source_packets", "sent_packets", "feedback_bytes", "payload_bytes", "received_seconds", "virtual_seconds")}}


def run(arguments):
    """A line a run; those of `--save` that are there already are not made again."""
    path = arguments.save
    kept = load(path) if path and path.exists() else []
    for receivers in RECEIVERS:
        for loss in LOSSES:
            if any(row["receivers"] == receivers and row["loss"] == loss for row in kept):
                continue
            kept.append(simulate(arguments.program, receivers=receivers, loss=loss, size=arguments.size, rtt="1ms", rate="1G"))
            if path:
                path.write_text("".join(json.dumps(row) + "\n" for row in kept))
    return kept


def load(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Panel:
    """A plot whose x is the number of receivers, each ten times the one before."""

    def __init__(self, left, right, title, unit, ticks):
        self.left, self.right, self.ticks = left, right, ticks
        self.parts = [f'<text x="{left}" y="{TOP - 26}" font-size="15" font-weight="600">{title}</text>',
                      f'<text x="{left}" y="{TOP - 10}" class="quiet">{unit}</text>']
        for value in ticks:
            y = self.y(value)
            self.parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>')
            self.parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" class="quiet">{value:g}</text>')
        for receivers in RECEIVERS:
            self.parts.append(f'<text x="{self.x(receivers):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" class="quiet">{receivers:,}</text>')
        self.parts.append(f'<text x="{(left + right) / 2:.0f}" y="{HEIGHT - BOTTOM + 40}" text-anchor="middle" class="quiet">receivers</text>')

    def x(self, receivers):
        return self.left + 14 + (self.right - self.left - 28) * math.log10(receivers) / math.log10(RECEIVERS[-1])

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])

    def line(self, colour, points):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>')

    def names(self, ends):
        """Each line's name at its end, no two on top of each other."""
        last = math.inf
        for value, text, colour in sorted(ends):
            at = min(self.y(value) + 4, last - 14)
            last = at
            self.parts.append(f'<text x="{self.right + 4}" y="{at:.1f}" fill="{colour}" font-weight="600">{text}</text>')


def ticks_for(values, step):
    top = max(step, math.ceil(max(values) / step) * step)
    return [round(step * i, 6) for i in range(int(round(top / step)) + 1)]


def draw(rows, path):
    times = {loss: [] for loss in LOSSES}
    over = {loss: [] for loss in LOSSES}
    for row in sorted(rows, key=lambda each: each["receivers"]):
        times[row["loss"]].append((row["receivers"], row["received_seconds"]))
        over[row["loss"]].append((row["receivers"], (row["over_floor"] - 1) * 100))
    left = Panel(52, 330, "Time until the last receiver has it", "seconds", ticks_for([y for points in times.values() for _, y in points], 0.2))
    right = Panel(482, 760, "Packets sent over the floor", "per cent over source packets ÷ (1 − loss)", ticks_for([y for points in over.values() for _, y in points], 2))
    for panel, lines in ((left, times), (right, over)):
        for loss, points in lines.items():
            panel.line(COLOURS[loss], points)
        panel.names([(points[-1][1], name(loss), COLOURS[loss]) for loss, points in lines.items()])
    size = rows[0]["payload_bytes"] / 2**20
    path.write_text(f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title text"
 font-family="system-ui, sans-serif" font-size="12" fill="#20262d">
<title id="title">ARDUS from 1 to 10,000 receivers</title>
<desc id="text">{size:.0f} MiB at 1 Gbit/s, simulated. {"; ".join(f"{name(loss)}: {points[0][1]:.3f} s to {points[0][0]} receiver, {points[-1][1]:.3f} s to {points[-1][0]:,}" for loss, points in times.items())}.</desc>
<style>.quiet {{ fill: #5b6470 }} .grid {{ stroke: #d9dee4 }}</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
{chr(10).join(left.parts + right.parts)}
<text x="52" y="{HEIGHT - 10}" class="quiet">{size:.0f} MiB at 1 Gbit/s, round trip 1 ms; the real sender and receivers on virtual time; loss on each link, both ways</text>
</svg>
''')


def table(rows):
    print("| receivers | loss | time | sent over the floor | reports over content |\n|-|-|-|-|-|")
    for row in sorted(rows, key=lambda each: (each["loss"], each["receivers"])):
        print(f"| {row['receivers']:,} | {row['loss'] * 100:g} % | {row['received_seconds']:.3f} s | {(row['over_floor'] - 1) * 100:+.2f} % | {row['feedback_bytes'] / row['payload_bytes'] * 100:.2f} % |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/bin/ardus")
    parser.add_argument("--size", default="64M")
    parser.add_argument("--save", type=pathlib.Path, help="a line of JSON a run; what is there is not run again")
    parser.add_argument("--load", type=pathlib.Path, help="draw or print what was saved, and run nothing")
    parser.add_argument("--draw", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    rows = load(arguments.load) if arguments.load else run(arguments)
    if arguments.draw:
        draw(rows, arguments.draw)
    if arguments.table:
        table(rows)


if __name__ == "__main__":
    main()
