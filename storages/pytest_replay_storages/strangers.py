"""Strangers: files that are no cassettes of this package, known by how they begin. What each is, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VCR = (
    "Replay it as it is: replay_storage = vcr:\n"
    "  Or convert it: pytest-replay convert --mask vcr: yaml:converted\n"
    "  Or move it away and record again, or give the test a cassette of another name"
)
_HAR = (
    "Replay it as it is: replay_storage = har:\n"
    "  Or convert it: pytest-replay convert --mask har: yaml:converted"
)
_ELSEWHERE = "Move it away and record again, or give the test a cassette of another name"
_UNLOCK = "Decrypt it in your working copy: git-crypt unlock"
_DECOMPRESS = "Decompress it: a cassette is kept as it is, and git packs it"
_AS_UTF8 = "Save it as UTF-8"
_PAGE = "Fetch the file itself: this is a page about it, or about an error"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A kind of file."""

    what: str
    begins: re.Pattern[bytes]
    remedy: str = _ELSEWHERE


def _stranger(what: str, pattern: bytes, remedy: str = _ELSEWHERE) -> Stranger:
    return Stranger(what, re.compile(pattern, re.DOTALL), remedy)


_JSON = rb"\s*[\[{].{0,4000}?"
_DASHES = rb"(?:---[^\n]*\n)?"

_KINDS = (
    _stranger("a pointer of git-lfs, not the file", rb"version https://git-lfs\.github\.com/spec/|version https://hawser",
              "Fetch the file itself: git lfs pull"),
    _stranger("a pointer of git-annex, not the file", rb"(?:\.\./)*(?:\.git)?/annex/objects/",
              "Fetch the file itself: git annex get"),
    _stranger("a pointer of DVC, not the file", rb"outs:\n- (?:md5|etag|hash):", "Fetch the file itself: dvc pull"),
    _stranger("a file that git-crypt has encrypted", rb"\0GITCRYPT\0", _UNLOCK),
    _stranger("a file that OpenSSL or transcrypt has encrypted", rb"Salted__|U2FsdGVkX1", "Decrypt it"),
    _stranger("a file that age has encrypted", rb"age-encryption\.org/", "Decrypt it"),
    _stranger("a vault of Ansible's", rb"\$ANSIBLE_VAULT;", "Decrypt it: ansible-vault decrypt"),
    _stranger("a file compressed with gzip", rb"\x1f\x8b", _DECOMPRESS),
    _stranger("a file compressed with zstd", rb"\x28\xb5\x2f\xfd", _DECOMPRESS),
    _stranger("a file compressed with xz or bzip2", rb"\xfd7zXZ|BZh[1-9]", _DECOMPRESS),
    _stranger("a ZIP archive", rb"PK\x03\x04", "Take the cassette out of it"),
    _stranger("a SQLite database", rb"SQLite format 3\0",
              "A storage of this kind is named by its URL in replay_storage; a YAML cassette is text"),
    _stranger("a pickle, which is never read", rb"\x80[\x02-\x05]"),
    _stranger("text in UTF-16 or UTF-32", rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|[-#]\0|\0[-#]", _AS_UTF8),
    _stranger("a page of HTML", rb"(?i:<!doctype html|<html)", _PAGE),
    _stranger("a patch, not the file", rb"diff --git |--- a/|Index: ", "Apply it"),
    _stranger("a cassette of VCR for Ruby", _DASHES + rb"http_interactions:"),
    _stranger("a cassette of Betamax", _DASHES + rb"!tape\b|" + _JSON + rb'"(?:http_interactions|recorded_with)"'),
    _stranger("a cassette of go-vcr", rb"---\nversion: [12]\ninteractions:|" + rb"version: 2\ninteractions:"),
    _stranger("a cassette of cassetter or vcrpy", rb"version: +\S+\s+interactions:", _VCR),
    _stranger("a cassette of vcrpy or pytest-recording", _DASHES + rb"interactions:", _VCR),
    _stranger("a cassette of vcrpy, in JSON", _JSON + rb'"interactions"', _VCR),
    _stranger("an archive of HTTP requests (HAR)", _JSON + rb'"log"\s*:\s*\{', _HAR),
    _stranger("a mock of Mountebank", _JSON + rb'"imposters"'),
    _stranger("a mapping of WireMock", _JSON + rb'"(?:mappings|urlPattern|urlPath)"'),
    _stranger("a recording of nock", _JSON + rb'"scope"\s*:\s*"http'),
    _stranger("a simulation of Hoverfly", _JSON + rb'"data"\s*:\s*\{\s*"pairs"'),
    _stranger("a contract of Pact", _JSON + rb'"(?:consumer|provider)"\s*:\s*\{'),
    _stranger("a recording of placebo", _JSON + rb'"status_code"\s*:\s*\d+\s*,\s*"data"'),
    _stranger("a collection of Postman", _JSON + rb'"_postman_id"'),
    _stranger("a recording of mitmproxy", rb"\d+:\d+:(?:version|request)"),
    _stranger("a capture of packets", rb"\xd4\xc3\xb2\xa1|\xa1\xb2\xc3\xd4|\x0a\x0d\x0d\x0a"),
    _stranger("a definition of OpenAPI", _DASHES + rb"(?:openapi|swagger): |" + _JSON + rb'"(?:openapi|swagger)"'),
    _stranger("JSON", rb"\s*[\[{]"),
    _stranger("a YAML directive, which no cassette has", rb"%(?:YAML|TAG)\b", "Take its line out"),
)  # fmt: skip
"""Those that say more come first."""


def known(head: bytes) -> Stranger | None:
    """Tell what kind of file begins like this; None where it is not known."""
    return next((kind for kind in _KINDS if kind.begins.match(head)), None)
