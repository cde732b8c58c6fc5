"""The program's command line and what it prints."""
import argparse
import concurrent.futures
import json
import pathlib
import sys
import time

from . import cases as book
from .written import BadCase
from .transport import Refused
from .world import ClientWorld, ServerWorld, Started

HELP = """b2spec: try an implementation of b2 against the specification, case by case

Examples:
  b2spec server 127.0.0.1:2203
      a server, by TCP
  b2spec server unix:/run/b2/b2.sock --case 'frames/*' --verbose
      some cases, with the frames that went
  b2spec ws 127.0.0.1:2203 --token "$(cat token)"
      the same server as a browser sees it
  b2spec server -- ./my_server --state {}
      a server that b2spec starts, and ends; the first line it says is its address
  b2spec client --listen 127.0.0.1:4000
      whatever connects there; what it has to do: docs/spec/conformance/README.md
  b2spec client -- ./my_client {}
      a client, which b2spec starts with its address

Usage: b2spec server|ws ADDR [options]
       b2spec server|ws [options] -- COMMAND…
       b2spec client [--listen ADDR] [--websocket] [options] [-- COMMAND…]

ADDR is HOST:PORT, tls:HOST:PORT or unix:PATH. A COMMAND that serves is started once, and once more for each case that ends it by SIGTERM
(without COMMAND those are skipped); {} in its words is an empty folder of its own. Prints TAP, one line a case; of one that failed the rule it broke, as the
specification words it.

Options:
  --listen ADDR      client: where to listen (127.0.0.1:0)
  --websocket        client: by WebSocket
  --token TOKEN      ws: the bearer, shown as subprotocol b2.bearer.TOKEN
  --case PATTERN     only cases whose name fits, with * and ?; may be given more than once
  --list             print the cases of the profile and their rules, and try none
  --quick            leave out cases that take longer than a second
  --patience SECONDS how long to wait for what must come (5)
  --jobs N           cases of a server at the same time (4)
  --strict           recommendations (SHOULD) that are not followed fail too
  --verbose          the last frames of each failed case
  --json             print events as JSON, one a line; the last is the summary
  --cases DIR        other cases than the specification's

Exit: 0 all that was tried holds, 1 something does not, 2 usage, 3 nothing could be tried.
"""


class Usage(Exception):
    pass


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Usage(message)


def parse(words):
    command = []
    if "--" in words:
        at = words.index("--")
        words, command = words[:at], words[at + 1:]
    at = words.index("--token") + 1 if "--token" in words else len(words)
    if at < len(words) and not words[at].startswith("--"):  # base64url may begin with "-"
        at -= 1
        words = [*words[:at], f"--token={words[at + 1]}", *words[at + 2:]]
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("profile", choices=book.PROFILES)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--token")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--patience", type=float, default=5.0)
    parser.add_argument("--scale", type=float, default=1.0)  # of the times that cases tell; for b2spec's own tests
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--cases")
    for switch in ("--websocket", "--list", "--quick", "--strict", "--verbose", "--json"):
        parser.add_argument(switch, action="store_true")
    told = parser.parse_intermixed_args(words)
    told.command = command
    if told.profile == "client" and told.address:
        raise Usage("a client connects to b2spec: say --listen ADDR, or -- COMMAND")
    if told.profile != "client" and not told.list and bool(told.address) == bool(command):
        raise Usage(f"{told.profile} needs the ADDR to connect to, or -- COMMAND to start it by")
    return told


def chosen(all_cases, told):
    import fnmatch
    fitting = [case for case in all_cases if told.profile in case.told["profiles"]]
    if told.case:
        fitting = [case for case in fitting if any(fnmatch.fnmatchcase(case.id, pattern) for pattern in told.case)]
    return [case for case in fitting if not (told.quick and case.slow)]


def outcomes(cases, world, jobs):
    """Tries the cases; each as soon as it and those before it are done. Those of a server go on side by side, but for those that need
    it for themselves."""
    if world.profile == "client":
        for case in cases:
            yield book.run(case, world)
        return
    with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
        # Those that mostly wait are begun first.
        order = sorted((case for case in cases if not case.told.get("alone")), key=lambda case: -case.told.get("seconds", 0))
        running = {case.id: pool.submit(book.run, case, world) for case in order}
        for case in cases:
            if case.id in running:
                yield running[case.id].result()
    for case in cases:
        if case.told.get("alone"):
            yield book.run(case, world)


class Tap:
    def __init__(self, count, verbose):
        self.number, self.verbose = 0, verbose
        print(f"TAP version 14\n1..{count}", flush=True)

    def case(self, outcome):
        self.number += 1
        note = {"skipped": f" # SKIP {outcome.why}", "remark": " # TODO recommended, not required"}.get(outcome.verdict, "")
        good = outcome.verdict in ("passed", "skipped")
        print(f"{'ok' if good else 'not ok'} {self.number} - {outcome.case.id}{note}")
        if not good:
            trace = [f"  {line}" for line in outcome.trace] if self.verbose else []
            told = [f"rule: {json.dumps(outcome.case.rule, ensure_ascii=False)}", f"section: {json.dumps(outcome.case.section, ensure_ascii=False)}",
                    f"at: {json.dumps(outcome.step)}", f"why: {json.dumps(outcome.why, ensure_ascii=False)}"]
            if trace:
                told += ["frames: |", *trace]
            print("\n".join(["  ---", *("  " + line for line in told), "  ..."]))
        sys.stdout.flush()

    def summary(self, counts, seconds):
        print("# " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + f" in {seconds:.1f} s", flush=True)


class Json:
    def case(self, outcome):
        self.event({"event": "case", "case": outcome.case.id, "section": outcome.case.section, "rule": outcome.case.rule, "verdict": outcome.verdict,
                    **({"at": outcome.step, "why": outcome.why} if outcome.why else {}), **({"frames": outcome.trace} if outcome.trace else {})})

    def summary(self, counts, seconds):
        self.event({"event": "summary", **counts, "seconds": round(seconds, 3)})

    def event(self, told):
        print(json.dumps({"v": 1, **told}, ensure_ascii=False), flush=True)


def print_list(cases):
    for case in cases:
        notes = [word for word, holds in (("slow", case.slow), ("recommended", case.should)) if holds]
        print(f"{case.id}  ({case.section}{''.join(', ' + note for note in notes)})\n    {case.rule}")


def try_all(cases, world, told):
    report = Json() if told.json else Tap(len(cases), told.verbose)
    counts = {"passed": 0, "failed": 0, "remark": 0, "skipped": 0}
    began = time.monotonic()
    for outcome in outcomes(cases, world, told.jobs):
        if outcome.verdict == "remark" and told.strict:
            outcome.verdict = "failed"
        counts[outcome.verdict] += 1
        report.case(outcome)
    if world.profile == "client":
        status = world.dismiss()
        if status != 0:
            print(f"b2spec: the client ended with status {status}", file=sys.stderr)
            counts["failed"] += 1
    report.summary(counts, time.monotonic() - began)
    return 1 if counts["failed"] else 3 if not counts["passed"] else 0


def main(words, folder):
    if not words or {"-h", "--help"} & set(words[:words.index("--")] if "--" in words else words):
        print(HELP, end="")
        return 0 if words else 2
    world = started = None
    try:
        told = parse(words)
        cases = chosen(book.load(told.cases or folder), told)
        if not cases:
            raise Usage("no case has such a name; --list prints them")
        if told.list:
            print_list(cases)
            return 0
        times = {"patience": told.patience, "scale": told.scale}
        if told.profile == "client":
            world = ClientWorld(told.listen, told.websocket, told.command, **times)
            print(f"b2spec: listening on {world.where}", file=sys.stderr, flush=True)
        else:
            fresh = (lambda: Started(told.command, told.patience)) if told.command else None
            started = fresh() if fresh else None
            world = ServerWorld(told.profile, started.address if started else told.address, told.token, fresh, **times)
    except Refused as error:
        print(f"b2spec: {error}", file=sys.stderr)
        return 1
    except (Usage, ValueError) as error:
        print(f"b2spec: {error}; see b2spec --help", file=sys.stderr)
        return 2
    except (BadCase, OSError) as error:
        print(f"b2spec: {error}", file=sys.stderr)
        return 2
    try:
        world.open()
        cases = [case for case in cases if case.fits(world)]
        return try_all(cases, world, told)
    except (Refused, OSError) as error:
        print(f"b2spec: {error}", file=sys.stderr)
        return 1
    except BadCase as error:
        print(f"b2spec: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        world.close()
        if started:
            started.close()


def case_folder(program):
    """The specification's cases: in the tree, or where they were installed."""
    at = pathlib.Path(program).resolve()
    for folder in (at.parents[2] / "docs/spec/conformance" if len(at.parents) > 2 else at.parent, at.parent / "conformance", at.parents[1] / "share/ghostlight/b2spec/conformance"):
        if folder.is_dir():
            return folder
    return at.parent / "conformance"
