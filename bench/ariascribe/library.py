#!/usr/bin/env python3
"""A library of many tagged files: how long Ariascribe takes to look through it, to say what it would change, to write that and to undo it.

    apt install flac python3-mutagen
    cmake --preset release && cmake --build --preset release --target ariascribe_app
    bench/ariascribe/library.py                  # 100,000 files, 0.5 GB on a memory file system; --files N, --json

Files: a tenth of a second of FLAC each, in folders of ten as albums, titles of the repertoire's own works as people write them (surname in
front or in the artist, numbers left out, a movement behind), no COMPOSER. Beside it, in the same run: mutagen, which reads the same tags and
nothing else, and the files read from end to end."""
import argparse
import json
import pathlib
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READ = """
import pathlib, sys, mutagen.flac
count = sum(1 for path in pathlib.Path(sys.argv[1]).rglob("*.flac") if mutagen.flac.FLAC(path).get("title"))
print(count)
"""


def repertoire():
    """(composer, work, [movement, …]) of each work that stands by itself."""
    names = dict(line.split(" | ")[:2] for line in (ROOT / "data/repertoire/composers.txt").read_text().splitlines() if " | " in line and line[0] != "#")
    for path in sorted((ROOT / "data/repertoire/works").glob("*.txt")):
        work = None
        for line in path.read_text().splitlines():
            fields = [field.strip() for field in line.split("|")]
            if not line or line[0] == "#":
                continue
            if line[0] == " ":
                number, _, title = fields[0].partition(" ")
                if work and title:
                    work[2].append(f"{number} {title}".strip())
            else:
                if work:
                    yield work
                catalogue = fields[1].split(",")[0].strip() if len(fields) > 1 else ""
                code, _, number = catalogue.partition(":")
                shown = f", {code.upper() if code != 'op' else 'Op.'} {number.replace('/', ' No. ')}" if number else ""
                key = f" in {fields[2]}" if len(fields) > 2 and fields[2] else ""
                work = (names.get(path.stem, path.stem), fields[0] + key + shown, [])
        if work:
            yield work


def flac_parts(folder):
    """(STREAMINFO, the frames) of a tenth of a second of something."""
    raw = folder / "raw"
    raw.write_bytes(random.Random(2114).randbytes(17640))
    made = subprocess.run(["flac", "-s", "-c", "--no-padding", "--force-raw-format", "--endian=little", "--sign=signed", "--channels=2", "--bps=16", "--sample-rate=44100", "-8", raw],
                          check=True, capture_output=True).stdout
    at, info = 4, None
    while True:
        kind, size = made[at], int.from_bytes(made[at + 1:at + 4], "big")
        if kind & 127 == 0:
            info = made[at + 4:at + 4 + size]
        at += 4 + size
        if kind & 128:
            return info, made[at:]


def flac(parts, tags):
    text = [f"{name}={value}".encode() for name, value in tags]
    comments = struct.pack("<I", 4) + b"demo" + struct.pack("<I", len(text)) + b"".join(struct.pack("<I", len(each)) + each for each in text)
    block = lambda kind, body: bytes([kind]) + len(body).to_bytes(3, "big") + body  # noqa: E731
    return b"fLaC" + block(0, parts[0]) + block(4, comments) + block(1 | 128, bytes(1024)) + parts[1]


def make(folder, count):
    dice = random.Random(2114)
    works = list(repertoire())
    parts = flac_parts(folder)
    made = 0
    while made < count:
        album = folder / "library" / f"{made // 1000:04}" / f"{made:07}"
        album.mkdir(parents=True)
        number = 0
        while number < 10 and made < count:
            composer, work, movements = dice.choice(works)
            surname = composer.split()[-1]
            for movement in movements[:10 - number] or [""]:
                number += 1
                made += 1
                title = f"{surname}: {work}" if dice.random() < 0.5 else work
                if movement:
                    title += f": {movement}"
                tags = [("TITLE", title), ("ALBUM", f"{surname}: {work}"), ("ARTIST", composer if dice.random() < 0.5 else "Various"), ("TRACKNUMBER", str(number))]
                (album / f"{number:02}.flac").write_bytes(flac(parts, tags))
                if made == count:
                    break
    return sum(path.stat().st_size for path in folder.rglob("*.flac"))


def timed(words):
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["/usr/bin/env", "time", "-f", "%M", *map(str, words)], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = int(done.stderr.strip().splitlines()[-1])
    return {"seconds": time.monotonic() - began, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "mb": peak / 1024, "code": done.returncode,
            "last": (done.stdout.strip().splitlines() or [""])[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ariascribe", type=pathlib.Path, default=ROOT / "build/release/bin/ariascribe")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/dev/shm"), help="where to; memory by default")
    parser.add_argument("--python", default="/usr/bin/python3", help="that has mutagen")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        size = make(folder, arguments.files)
        library = folder / "library"
        state = ["--state", folder / "state"]
        steps = {"read every byte": ["sh", "-c", 'find "$0" -type f -exec cat {} + | wc -c', library], "mutagen, tags read": [arguments.python, "-c", READ, library],
                 "audit": [arguments.ariascribe, "audit", "--json", library], "enhance, what would change": [arguments.ariascribe, "enhance", "--json", *state, library],
                 "enhance --apply": [arguments.ariascribe, "enhance", "--apply", "--json", *state, library], "undo": [arguments.ariascribe, "undo", "--json", *state]}
        if not arguments.json:
            print(f"{arguments.files} files, {size / 1e6:.0f} MB")
        for name, words in steps.items():
            row = {"v": 1, "event": "step", "step": name, "files": arguments.files, **timed(words)}
            print(json.dumps(row) if arguments.json else f"{name:28} {row['seconds']:7.1f} s  {row['cpu']:7.1f} s of CPU  {row['mb']:6.0f} MB  exit {row['code']}  {row['last'][:160]}", flush=True)
        if arguments.json:
            print(json.dumps({"v": 1, "event": "summary", "files": arguments.files, "bytes": size}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
