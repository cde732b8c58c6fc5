"""The documents name files that are there, and commands that the programs know."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def documents():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.md"], capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split()]
    return [path for path in ROOT.rglob("*.md") if not {"node_modules", "build"} & set(path.parts)]


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def code_blocks(text):
    return re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)


class DocsTest(unittest.TestCase):
    def test_every_link_between_documents_leads_somewhere(self):
        broken = []
        for document in documents():
            for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text())):
                path = target.split("#")[0]
                if path and "://" not in path and not (document.parent / path).exists():
                    broken.append(f"{document.relative_to(ROOT)}: {target}")
        self.assertEqual(broken, [])

    def test_every_file_the_architecture_names_is_there(self):
        text = without_code((ROOT / "ARCHITECTURE.md").read_text())
        table = text[text.index("## I want to change"):text.index("## Layers")]
        missing = []
        for row in table.splitlines():
            folder = pathlib.Path()
            for name in re.findall(r"`([^`]+)`", row):
                if not re.search(r"/|\.(cc|h|ts|tsx|md|proto|txt|cmake)$", name):
                    continue  # a name in code, not a file
                path = folder / name if "/" not in name else pathlib.Path(name)  # or beside what was named before it
                folder = path if name.endswith("/") else path.parent
                if not any(ROOT.glob(str(path).replace("PROGRAM", "*"))):
                    missing.append(str(path))
        self.assertEqual(missing, [])
        self.assertGreaterEqual(table.count("\n| …"), 10)

    def test_the_tree_it_draws_has_every_tool_and_folder(self):
        drawing = code_blocks((ROOT / "ARCHITECTURE.md").read_text())[0]
        for folder in ("apps", "cmake", "docs", "fuzz", "packaging", "proto", "tests", "tools", "web"):
            self.assertRegex(drawing, rf"\b{folder}/")
        tools = {path.stem for path in (ROOT / "tools").iterdir()} - {"steps"}
        last = drawing[drawing.index("tools/"):]
        self.assertEqual({tool for tool in tools if tool not in last}, set())
        named = set(re.findall(r"\w+", last)) - {"tools", "packs", "the", "console"}
        self.assertEqual(named - tools, set())

    def test_every_test_that_the_faults_of_ardus_name_is_there(self):
        text = (ROOT / "docs" / "ardus-faults.md").read_text()
        real = "".join(path.read_text() for path in (ROOT / "tests" / "ardus").glob("*.py"))
        pure = "".join(path.read_text() for path in (ROOT / "src" / "ardus").glob("*_test.cc"))
        named = set(re.findall(r"`(test_\w+|[A-Z]\w+\.\w+)`", text))
        there = set(re.findall(r"def (test_\w+)", real)) | {".".join(found) for found in re.findall(r"TEST(?:_F)?\((\w+), (\w+)\)", pure)}
        self.assertEqual(named - there, set())
        rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith(("| case", "| what was seen"))]
        self.assertEqual([row for row in rows if "`" not in row.split("|")[2]], [], "a case without a test")
        self.assertGreater(len(rows), 40)

    def test_every_verb_the_documents_use_is_known(self):
        programs = pathlib.Path(os.environ.get("GHOST_BIN", ROOT / "build" / "dev" / "bin"))
        unknown = set()
        verbs = set()
        for document in (ROOT / "README.md", *(ROOT / "docs" / "guide").glob("*.md")):
            text = document.read_text()
            commands = re.findall(r"`([^`\n]+)`", without_code(text))
            commands += [line[2:] for block in code_blocks(text) for line in block.splitlines() if line.startswith("$ ")]
            for command in commands:
                if match := re.match(r"(ghostlight|b2|ardus|ariascribe|audiojuggler|portlight) ((?:(?:house|registry) )?[a-z]+)\b(?!\.)", command):
                    verbs.add(match.groups())
        self.assertGreater(len(verbs), 5)
        for program, verb in sorted(verbs):
            done = subprocess.run([programs / program, *verb.split(), "--help"], capture_output=True, text=True)
            if done.returncode != 0 or not done.stdout.startswith(f"{program} {verb}:"):
                unknown.add(f"{program} {verb}: {done.stderr.strip()}")
        self.assertEqual(unknown, set())


if __name__ == "__main__":
    unittest.main()
