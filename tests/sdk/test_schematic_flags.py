"""Schematic's flag checks: each question gets its own answer, and what its cache knows is not asked again."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from schematic.cache import LocalCache
from schematic.client import CheckOptions, CreditLeaseConfig

from fixtures.schematic import MACHINE, TRANSPORTS, about, connected, connected_async, flag

if TYPE_CHECKING:
    from fixtures.http import Request, Server
    from pytest_replay import Replay

pytestmark = pytest.mark.replay(redact=MACHINE)

COMPANIES = ("acme", "initech", "hooli", "globex", "umbrella")


def only_for(*allowed: str) -> Any:
    """Answer a check by the company that it names."""

    def answer(request: Request) -> Any:
        company = request.json["company"] or {}
        return flag(request.params["key"], value=company.get("id") in allowed)

    return answer


def test_each_company_gets_the_answer_to_its_own_question_in_any_order(
    replay: Replay, schematic_api: Server
) -> None:
    """S10."""
    schematic_api.script("POST /flags/{key}/check", only_for("acme", "hooli"))
    asked = COMPANIES if replay.recording else COMPANIES[::-1]

    with connected(schematic_api.url) as client:
        answers = {name: client.check_flag("beta", company={"id": name}) for name in asked}

    assert answers == {"acme": True, "initech": False, "hooli": True, "globex": False, "umbrella": False}
    assert replay.calls(path="/flags/beta/check").count == 5


def test_a_check_without_keys_and_one_with_its_keys_reordered_find_their_answers(
    replay: Replay, schematic_api: Server
) -> None:
    """S11."""
    schematic_api.script("POST /flags/{key}/check", only_for("acme"))
    company = {"id": "acme", "region": "eu"}
    if not replay.recording:
        company = dict(reversed(company.items()))

    with connected(schematic_api.url) as client:
        anybody = client.check_flag("beta")
        somebody = client.check_flag("beta", company=company, user={"email": "ada@example.com"})

    assert (anybody, somebody) == (False, True)
    assert replay.calls().bodies == [
        {"company": None, "user": None},
        {"company": {"id": "acme", "region": "eu"}, "user": {"email": "ada@example.com"}},
    ]


def test_what_the_default_cache_knows_is_not_asked_again(replay: Replay, schematic_api: Server) -> None:
    """S12."""
    schematic_api.script("POST /flags/{key}/check", only_for("acme"))

    with connected(schematic_api.url) as client:
        answers = [client.check_flag("beta", company={"id": name}) for name in ("acme", "hooli") * 2]

    assert answers == [True, False, True, False]
    assert replay.calls().count == 2


@pytest.mark.replay(clock="recorded")
@pytest.mark.parametrize(("ttl", "seconds"), [(None, 5), (20_000, 20)], ids=["default", "20-seconds"])
def test_an_answer_is_asked_for_again_when_its_time_is_over(
    replay: Replay, schematic_api: Server, ttl: int | None, seconds: float
) -> None:
    """S13: `ttl` is in milliseconds."""
    schematic_api.script("POST /flags/beta/check", flag("beta"), flag("beta", value=False))
    caches: list[Any] | None = None if ttl is None else [LocalCache(ttl=ttl)]

    with connected(schematic_api.url, cache_providers=caches) as client:
        answers = [client.check_flag("beta")]
        for pause in (seconds - 0.5, 1):
            time.sleep(pause)
            answers.append(client.check_flag("beta"))

    assert answers == [True, True, False]
    assert replay.calls().gaps == about([seconds + 0.5])


def test_a_full_cache_forgets_what_it_knew_first(replay: Replay, schematic_api: Server) -> None:
    """S13."""
    schematic_api.script("POST /flags/{key}/check", only_for("acme"))

    with connected(schematic_api.url, cache_providers=[LocalCache(max_size=2)]) as client:
        for name in ("acme", "hooli", "globex", "hooli", "acme"):
            client.check_flag("beta", company={"id": name})

    asked = [body["company"]["id"] for body in replay.calls().bodies]
    assert asked == ["acme", "hooli", "globex", "acme"]


def test_without_a_cache_each_check_is_a_request_answered_in_order(
    replay: Replay, schematic_api: Server
) -> None:
    """S14."""
    schematic_api.script("POST /flags/beta/check", flag("beta"), flag("beta", value=False), flag("beta"))

    with connected(schematic_api.url, cache_providers=[]) as client:
        answers = [client.check_flag("beta") for _ in range(3)]

    assert answers == [True, False, True]
    assert replay.calls().count == 3


def test_an_offline_client_sends_nothing(replay: Replay, schematic_api: Server) -> None:
    """S16."""
    with connected(schematic_api.url, offline=True, flag_defaults={"beta": True}) as client:
        answers = [client.check_flag("beta"), client.check_flag("gamma")]
        client.track("opened", company={"id": "acme"})

    assert answers == [True, False]
    assert replay.calls().count == 0


@pytest.mark.replay(transports=TRANSPORTS)
@pytest.mark.asyncio
async def test_checks_at_the_same_time_get_the_answers_to_their_own_questions(
    replay: Replay, schematic_api: Server
) -> None:
    """S25."""
    schematic_api.script("POST /flags/{key}/check", only_for("initech", "umbrella"))
    asked = COMPANIES if replay.recording else COMPANIES[::-1]

    async with connected_async(schematic_api.url) as client:
        answers = await asyncio.gather(*(client.check_flag("beta", company={"id": name}) for name in asked))

    allowed = {name for name, answer in zip(asked, answers, strict=True) if answer}
    assert allowed == {"initech", "umbrella"}
    assert replay.calls().count == 5


@pytest.mark.replay(ignore=["body:$.idempotency_key", "body:$.expires_at"])
def test_a_reservation_is_found_by_what_does_not_change_from_run_to_run(
    replay: Replay, schematic_api: Server
) -> None:
    """S30: each check has a key and an end of its own, a random one and one by the clock."""
    held = {
        "id": "hold_1",
        "company_id": "comp_1",
        "credit_type_id": "credit_1",
        "consumption_rate": 2.0,
        "credits_reserved": 6.0,
        "quantity_reserved": 3.0,
        "expires_at": "2024-05-01T12:01:00Z",
    }
    schematic_api.script("POST /flags/tokens/check-and-reserve", flag("tokens", reservation=held))
    schematic_api.script("POST /batch", 200)
    leases = CreditLeaseConfig(mode="server")

    with connected(schematic_api.url, credit_leases=leases) as client:
        result = client.check("tokens", company={"id": "acme"}, options=CheckOptions(3, "inference"))
        client.track_with_reservation(result.reservation, 2)

    assert (result.allowed, result.reason) == (True, "rule")
    assert result.reservation is not None
    assert (result.reservation.id, result.reservation.credits_reserved) == ("hold_1", 6.0)
    check, settle = replay.calls().bodies
    assert (check["company"], check["quantity"]) == ({"id": "acme"}, 3)
    assert settle["events"][0]["idempotency_key"] == "lease-reservation:hold_1"
