"""In step: a live request and the recorded one that it repeats are the same to matching."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import quote, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_replay.matching.plan import make_plan
from pytest_replay.messages import Interaction, Message
from pytest_replay.redaction import Redaction

NAMES = st.sampled_from(["password", "auth", "token", "key", "sig", "client_secret", "a", "code", "state"])
TEXTS = (
    st.sampled_from(["x", "", "none", "Zk3vQ9xT7mW2pL8sRb5n", "a b", 'q"\\é', "redacted-x-7z"]) | st.text()
)
NUMBERS = st.sampled_from([0, 12, 1234, 1700000000, 8417203956128374, -8417203956128374, 1.5])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
PAIRS = st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=4).map(
    partial(urlencode, errors="surrogatepass")
)
LINKS = PAIRS.map("https://cb/?{}".format)
HELD = LINKS | DOCUMENTS.map(json.dumps)
OUTER = st.dictionaries(NAMES, HELD | DOCUMENTS, max_size=3)
BODIES = (
    OUTER.map(json.dumps).flatmap(
        lambda text: st.sampled_from(["utf-8", "utf-16", "utf-32-be"]).map(text.encode)
    )
    | PAIRS.map(str.encode)
    | HELD.map(lambda held: f"a=b&next={quote(held, safe='')}".encode())
    | DOCUMENTS.map(lambda document: f"data: {json.dumps(document)}\n\n".encode())
)
TYPES = st.sampled_from(
    ["", "text/plain", "application/json", "application/x-www-form-urlencoded", "text/event-stream"]
)
CODINGS = st.sampled_from(["identity", "gzip"])
URLS = LINKS | HELD.map(lambda held: f"https://h/?next={quote(held, safe='')}")


@example("https://h/", b'{"password": "xyz"}', "", "identity")
@given(URLS, BODIES, TYPES, CODINGS)
def test_a_recorded_request_matches_the_live_one(url: str, body: bytes, media: str, coding: str) -> None:
    redaction = Redaction()
    plan = make_plan(("method", "url", "body"), (), see=redaction.live)
    headers = [("Content-Type", media), ("Content-Encoding", coding)]
    request = Message("http.request", {"method": "POST", "url": url, "headers": headers}, body)

    [tape] = redaction.tape([Interaction(request)])

    asked: Message | None = request
    if plan.key(request) != plan.key(tape.request):  # it has a token in free text
        asked = redaction.unifier(lambda: [tape.request]).filled(request, tape.request)
    assert asked is not None
    assert plan.key(redaction.live(asked)) == plan.key(redaction.live(tape.request))
    assert plan.key(asked) == plan.key(tape.request)
