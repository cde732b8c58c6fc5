#!/usr/bin/env python3
"""How often ariascribe is right: accuracy.py PROGRAM EVAL prints the tables of docs/ariascribe-accuracy.md.

EVAL is a folder with ariascribe/score.py, ariascribe/score_albums.py and rows with labels in ariascribe/dev/. It is no part of the
repository."""
import collections
import importlib.util
import json
import pathlib
import subprocess
import sys

IDENTITY = ("composer", "work", "catalogue", "key", "movement_no", "movement")
EDGES = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 1.01)


def load(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def predictions(program, verb, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    done = subprocess.run([program, verb, "--jsonl"], input=text, capture_output=True, text=True, check=True)
    return {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}


class Accuracy:
    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder) / "ariascribe"
        spec = importlib.util.spec_from_file_location("ariascribe_score", self.folder / "score.py")
        self.scorer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.scorer)
        self.gold = load(self.folder / "dev" / "gold.jsonl")
        self.found = predictions(program, "identify", load(self.folder / "dev" / "input.jsonl"))

    def table(self, gold, found):
        """{field: (precision, recall, F1, labels)} and the share of rows that are wholly right."""
        fields, _, _, _, exact, rows = self.scorer.score(gold, found)
        return {name: fields[name].row() for name in self.scorer.FIELDS if fields[name].ng}, exact / rows

    def rows(self):
        return self.table(self.gold, self.found)

    def albums(self, variant):
        albums = load(self.folder / "dev" / "albums.jsonl")
        rows = [{"id": each["id"], "artist": each["artist"], "tracks": [{"track": track["track"], "title": track[variant]} for track in each["tracks"]]} for each in albums]
        answers = predictions(self.program, "identify-album", rows)
        gold, found = [], {}
        for each in albums:
            tracks = {track["track"]: track for track in answers[each["id"]]["tracks"]}
            for track in each["tracks"]:
                labels = {name: value for name, value in {**each["gold"], **track["gold"]}.items() if value not in (None, [], "")}
                name = f"{each['id']}/{track['track']}"
                codes = labels.get("catalogue", [])
                others = [f"{code}/{labels.get('movement_no')}" for code in codes] + [code.split("/")[0] for code in codes]
                gold.append({"id": name, "source": "albums", "input": track[variant], "gold": labels, "catalogue_alt": others})
                found[name] = tracks[track["track"]]
        return self.table(gold, found)

    def wrong(self, row):
        """The fields of a row that are not as labelled."""
        return set(self.scorer.score([row], {row["id"]: self.found[row["id"]]})[3]) - {"instrument"}

    def bands(self):
        """{band: [rows, composer and work right, all labels of the work and movement right]}"""
        bands = collections.defaultdict(lambda: [0, 0, 0])
        for row in self.gold:
            wrong = self.wrong(row)
            band = bands[self.found[row["id"]]["band"]]
            band[0] += 1
            band[1] += not wrong & {"composer", "work"}
            band[2] += not wrong & set(IDENTITY)
        return bands

    def reliability(self, field):
        """[(from, to, answers, mean confidence, share right)]"""
        bins = [[0, 0.0, 0] for _ in EDGES[1:]]
        for row in self.gold:
            answer = self.found[row["id"]]
            confidence = answer["confidence"].get(field)
            if confidence is None or field not in row["gold"] or not answer.get(field):
                continue
            at = next(i for i, edge in enumerate(EDGES[1:]) if confidence < edge)
            bins[at][0] += 1
            bins[at][1] += confidence
            bins[at][2] += field not in self.wrong(row)
        return [(low, high, count, total / count, right / count) for low, high, (count, total, right) in zip(EDGES, EDGES[1:], bins) if count]


def print_table(title, table, exact):
    print(f"\n{title}: {100 * exact:.1f} % wholly right\n\n| field | precision | recall | F1 | labels |\n|-|-|-|-|-|")
    for name, (precision, recall, f1, labels) in table.items():
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {labels} |")


def main():
    accuracy = Accuracy(sys.argv[1], sys.argv[2])
    print_table("Rows", *accuracy.rows())
    print_table("Albums", *accuracy.albums("title"))
    print_table("Albums whose later tracks lost the work's name", *accuracy.albums("degraded_title"))
    print("\n| band | rows | composer and work right | all of work and movement right |\n|-|-|-|-|")
    for name, (rows, work, everything) in sorted(accuracy.bands().items()):
        print(f"| {name} | {rows} | {100 * work / rows:.1f} % | {100 * everything / rows:.1f} % |")
    print("\n| field | confidence | answers | mean confidence | right |\n|-|-|-|-|-|")
    for field in ("composer", "work", "catalogue", "movement_no", "performers"):
        for low, high, count, mean, right in accuracy.reliability(field):
            print(f"| {field} | {low:.2f} to {min(high, 1):.2f} | {count} | {mean:.2f} | {right:.2f} |")


if __name__ == "__main__":
    main()
