"""README.md lists what is held here: every row that a docstring names, with the tests that name it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"\b[AGMS]\d\d[a-z]?(?:-date)?\b")
LISTED = re.compile(r"^\| (\S+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def named() -> dict[str, set[str]]:
    """Collect the tests whose docstring names a row, by row."""
    rows = defaultdict(set)
    for path in HERE.glob("test_*_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for row in ROW.findall(ast.get_docstring(node) or ""):
                    rows[row].add(f"{path.name}::{node.name}")
    return rows


def listed() -> dict[str, set[str]]:
    """Read the table: the tests of each row."""
    text = (HERE / "README.md").read_text("utf-8")
    rows = {row: set(re.findall(r"`(test_\w+\.py::\w+)`", tests)) for row, tests in LISTED.findall(text)}
    del rows["row"]
    return rows


def test_the_table_has_the_rows_that_docstrings_name_with_their_tests() -> None:
    rows = listed()

    assert rows
    assert rows == named()
