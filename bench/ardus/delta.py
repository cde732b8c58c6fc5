#!/usr/bin/env python3
"""What goes over the wire when three receivers have three older versions of what is sent, each with 1 % of its bytes changed: in place, and as a
folder for `--seed-from`. In network namespaces on one bridge, or where none can be made not at all.

    cmake --preset release && cmake --build --preset release --target ardus_app
    cmake --preset dev && cmake --build --preset dev --target make_house
    bench/ardus/delta.py                    # --json for a line a run; --mib 96 of content that does not compress

Rows: how the 1 % is changed. `files`: whole files. `regions`: 256 KiB each. `inserted`: 256 KiB each, so that all behind it moves. `4k`: pieces of 4 KiB,
evenly scattered. `moved`: nothing, but every file has another name. Versions: `successive`, each with a third more of the same changes undone, the
oldest 1 % away; `apart`, each 1 % away in places of its own. Wire: what left the sender's interface, Ethernet headers, reports' answers, TLS and all, over
the bytes of the files; needed: of those bytes, what at least one receiver lacked, in chunks."""
import argparse
import json
import pathlib
import random
import subprocess
import sys

from measured import add_programs, hosts

LONG = 600  # seconds
MIB = 1 << 20
PIECE = {"regions": MIB // 4, "inserted": MIB // 4, "4k": 4096}


def content(mib):
    """An image, files of 2 MiB, and small ones: name → bytes."""
    chance = random.Random(1)
    sizes = {"image": mib // 3 * MIB} | {f"large/{i}": 2 * MIB for i in range(mib // 4)} | {f"small/{i}": MIB // 4 for i in range(mib // 2)}
    return {name: chance.randbytes(size) for name, size in sizes.items()}


def changes(files, kind, seed):
    """Where about 1 % is changed: (file, offset, bytes), apart from each other."""
    chance, total = random.Random(seed), sum(map(len, files.values()))
    if kind == "moved":
        return []
    if kind == "files":
        names = [name for name in files if name.startswith("small/")]
        return [(name, 0, len(files[name])) for name in chance.sample(names, round(total / 100 / (MIB // 4)))]
    places = [(name, offset) for name, text in files.items() for offset in range(0, len(text) - PIECE[kind] + 1, PIECE[kind])]
    return [(name, offset, PIECE[kind]) for name, offset in chance.sample(places, round(total / 100 / PIECE[kind]))]


def older(files, kind, undone, seed):
    """The version before these changes."""
    chance, out = random.Random(seed), {}
    for name, text in files.items():
        pieces, at = [], 0
        for offset, size in sorted((offset, size) for where, offset, size in undone if where == name):
            pieces += [text[at:offset], b"" if kind == "inserted" else chance.randbytes(size)]
            at = offset + size
        out[f"before/{name}" if kind == "moved" else name] = b"".join([*pieces, text[at:]])
    return out


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def read(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(arguments, folder, files, versions, seeded):
    them = hosts.Hosts(len(versions) + 1)
    try:
        write(folder / "disk", files)
        served = []
        for number, version in enumerate(versions, 1):
            write(folder / f"seed{number}" if seeded else folder / f"in{number}/disk", version)
            log = folder / f"log{number}"
            words = ["receive", "--once", "--seed-from", folder / f"seed{number}"] if seeded else ["receive", "--once"]
            served.append(them.start(number, arguments.ardus, *words, "--state", folder / "states" / f"r{number}", "--iface", "eth0", "--into", folder / f"in{number}",
                                     stdout=subprocess.DEVNULL, stderr=log.open("w")))
            hosts.until(lambda log=log: "waiting for transfers" in log.read_text())
        before = them.sent(0)[0]
        sender = them.start(0, arguments.ardus, "send", folder / "disk", "--state", folder / "states/keeper", "--iface", "eth0", "--receivers", len(versions), "--json",
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said, _ = sender.communicate(timeout=LONG)
        last = json.loads(said.splitlines()[-1])
        codes = [process.wait(LONG) for process in served]
        wire = them.sent(0)[0] - before
        total = sum(map(len, files.values()))
        equal = all({name: text for name, text in read(folder / f"in{number}/disk").items() if name in files} == files for number in range(1, len(versions) + 1))
        return {"wire": wire / total, "needed": last["bytes_needed"] / total, "sent": last["wire_bytes"] / total, "seconds": last["seconds"], "equal": equal,
                "codes": [sender.returncode, *codes]}
    finally:
        them.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_programs(parser)
    parser.add_argument("--mib", type=int, default=96)
    parser.add_argument("--kinds", nargs="*", default=["files", "regions", "inserted", "4k", "moved"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.ardus, make_house = arguments.ardus.resolve(), arguments.make_house.resolve()
    if not hosts.enter_own_namespaces():
        sys.exit("no network namespaces can be made here")
    files = content(arguments.mib)
    rows = [(kind, versions, False) for kind in arguments.kinds for versions in (["successive"] if kind == "moved" else ["successive", "apart"])]
    rows += [("regions", "successive", True)] if "regions" in arguments.kinds else []
    for kind, versions, seeded in rows:
        folder = pathlib.Path("/run/delta")
        folder.mkdir()
        subprocess.run([make_house, folder / "states", "keeper", "r1=listen", "r2=listen", "r3=listen"], check=True, stdout=subprocess.DEVNULL)
        if versions == "apart":
            old = [older(files, kind, changes(files, kind, seed), seed) for seed in (11, 12, 13)]
        else:
            undone = changes(files, kind, 11)
            old = [older(files, kind, undone[:len(undone) * (third + 1) // 3], 20) for third in range(3)]
        row = run(arguments, folder, files, old, seeded)
        print(json.dumps({"kind": kind, "versions": versions, "seeded": seeded, **row}) if arguments.json else
              f"{kind:9} {versions:11} {'--seed-from' if seeded else 'in place':12} {row['wire'] * 100:6.2f} % on the wire, {row['needed'] * 100:5.2f} % needed, {row['seconds']:5.1f} s, "
              f"{'all equal' if row['equal'] else 'NOT EQUAL'}, {row['codes']}", flush=True)
        subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    main()
