"""Reads the YAML and the JSON of vcrpy into plain data, safely: a cassette is untrusted input.

Tags that stand for Python's own objects are read as the data in them, where vcrpy wrote them: of strings, tuples, and
bodies that were files or iterators. Any other is refused, and nothing of it is run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from pytest_replay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEND = "Mend it, or record the test again: pytest --record"
_DEEPEST = 100
"""Levels: libyaml's loader would follow a hostile file until the stack ends."""
_PYTHON = "tag:yaml.org,2002:python/"
_PLAIN_TAGS = {"str": "str", "unicode": "str", "bytes": "binary", "int": "int", "long": "int", "none": "null"}
_MAPPING_TAGS = ("object:vcr.request.Request",)
_SEQUENCE_TAGS = ("tuple", "list")
_CALLS = {
    "object/apply:__builtin__.frozenset": "args",
    "object/apply:builtins.frozenset": "args",
    "object/apply:builtins.iter": "args",
    "object/apply:__builtin__.iter": "args",
    "object/new:_io.BytesIO": "state",
}
"""What older versions wrote for collections and for bodies that were streams, and where the data are in it."""


class Located(dict[str, Any]):
    """A mapping that knows the 1-based line on which it begins."""

    line: int | None = None


def line_of(value: object) -> int | None:
    """Tell the line on which a mapping begins, where that is known."""
    return value.line if isinstance(value, Located) else None


def read(data: bytes, path: Path) -> Any:
    """Read a file. Raises CassetteError, which names the line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CassetteError(f"not UTF-8: {error.reason}", path=path, line=line, remedy=MEND) from error
    if not text.strip():
        raise CassetteError("the file is empty", path=path, line=1, remedy=MEND)
    return _read_json(text, path) if path.suffix == ".json" else _read_yaml(text, path)


def _read_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CassetteError(f"broken JSON: {error.msg}", path=path, line=error.lineno, remedy=MEND) from error
    except (ValueError, RecursionError) as error:
        raise CassetteError(f"JSON that can't be read: {error}", path=path, remedy=MEND) from error


def _read_yaml(text: str, path: Path) -> Any:
    try:
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, as its base says
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.rstrip().count("\n")) + 1 if mark else None
        raise CassetteError(
            f"YAML that can't be read: {error.problem}", path=path, line=line, remedy=MEND
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise CassetteError(f"broken YAML: {error.reason}", path=path, line=line, remedy=MEND) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise CassetteError(f"YAML that can't be read: {error}", path=path, remedy=MEND) from error


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                problem = f"more than {_DEEPEST} levels"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader, and the data in the objects that vcrpy wrote."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse merges, which can grow without end, and which vcrpy never writes."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, "the merge <<", key.start_mark)

    def refuse(self, node: yaml.Node) -> NoReturn:
        """Refuse a tag that means nothing here, or something that would have to be run."""
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        problem = f"the tag {tag} stands for an object of Python, of which nothing is made"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Located]:
    mapping = Located()
    mapping.line = node.start_mark.line + 1
    yield mapping
    mapping.update(loader.construct_mapping(node))  # type: ignore[arg-type]  # no key is looked at that is no string


def _sequence(loader: _Loader, node: yaml.Node) -> list[Any]:
    return loader.construct_sequence(node, deep=True)  # type: ignore[arg-type]  # it refuses what is none


def _content(loader: _Loader, node: yaml.Node) -> Any:
    """Take the data out of a call: the first of its arguments, which may be all that there is of it."""
    place = _CALLS[node.tag.removeprefix(_PYTHON)]
    if isinstance(node, yaml.MappingNode):
        said: Any = loader.construct_mapping(node, deep=True).get(place)
    else:
        said = _sequence(loader, node)
    return said[0] if isinstance(said, list | tuple) and said else None


def _add_constructors() -> None:
    _Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    _Loader.add_constructor(None, _Loader.refuse)
    for tag, plain in _PLAIN_TAGS.items():
        usual = yaml.CSafeLoader.yaml_constructors[f"tag:yaml.org,2002:{plain}"]
        _Loader.add_constructor(_PYTHON + tag, usual)
    for tag in _MAPPING_TAGS:
        _Loader.add_constructor(_PYTHON + tag, _mapping)
    for tag in _SEQUENCE_TAGS:
        _Loader.add_constructor(_PYTHON + tag, _sequence)
    for tag in _CALLS:
        _Loader.add_constructor(_PYTHON + tag, _content)


_add_constructors()
