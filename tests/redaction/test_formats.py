"""Tokens of known kinds are masked wherever they stand, and so is what connection strings label as secret."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_replay.messages import Message
from pytest_replay.redaction.formats import formats

A = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKENS = {
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsIm5iZiI6MX0.c2lnbmF0dXJl",
    "aws-access-key-id": "AKIA" + "ABCDEFGH234567AB",
    "github": "ghp_" + A[:36],
    "gitlab": "glpat-" + A[:20],
    "slack": "xoxb-1234567890-" + A[:24],
    "slack-webhook": "services/" + A[:34],
    "discord-webhook": "1234567890123456/" + A[:60],
    "telegram": "123456789:AA" + A[:32],
    "openai": "sk-proj-" + A[:40],
    "stripe": "sk_live_" + A[:24],
    "google-api": "AIza" + A[:35],
    "google-oauth": "ya29." + A[:30],
    "azure-ad-secret": "abc8Q~" + A[:34],
    "sas-signature": A[:43] + "%3D",
    "sendgrid": f"SG.{A[:22]}.{A[:43]}",
    "npm-pypi": "npm_" + A[:36],
    "huggingface": "hf_" + A[36:] + "abcdefgh",
    "groq-xai-replicate": "gsk_" + A[:52],
    "digitalocean-doppler-linear": "dop_v1_" + "0a1b2c3d" * 8,
    "shopify-square": "shpat_" + "0a1b2c3d" * 4,
    "twilio-mailgun-mailchimp": "SK" + "0a1b2c3d" * 4,
    "atlassian-vault-databricks": "hvs." + A + A[:20],
    "private-key": f"-----BEGIN RSA PRIVATE KEY-----\n{A}\n-----END RSA PRIVATE KEY-----",
    "url-userinfo": "me:hunter2",
}
SHAPED = {"jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsIm5iZiI6MTAwMDAwMDAwMH0.redacted-jwt-01z"}
"""What stands for those that keep their shape; of what they say, the times are those of the tape."""
AROUND = {
    "slack-webhook": ("https://hooks.slack.com/", ""),
    "discord-webhook": ("https://discord.com/api/webhooks/", ""),
    "sas-signature": ("https://h/?sv=1&sig=", ""),
    "url-userinfo": ("amqp://", "@broker"),
}


@pytest.mark.parametrize("kind", sorted({kind.name for kind in formats() if kind.name}))
def test_a_token_is_masked_in_free_text(kind: str, body_on_tape: Any, on_tape: Any) -> None:
    before, after = AROUND.get(kind, ("", ""))
    text = f"see {before}{TOKENS[kind]}{after} for more"
    expected = f"see {before}{SHAPED.get(kind, f'redacted-{kind}-1z')}{after} for more"

    assert body_on_tape(text.encode(), "text/html").decode() == expected
    if "://" not in text:  # there, rules for the fields of URLs come first
        table = Message("amqp.basic.publish", {"properties": {"headers": {"x": [text]}}})
        assert on_tape(table).fields == {"properties": {"headers": {"x": [expected]}}}


@pytest.mark.parametrize("label", ["AccountKey", "SharedAccessKey", "Password", "pwd", "accesskey"])
def test_what_a_connection_string_labels_as_secret_is_masked(label: str, body_on_tape: Any) -> None:
    masked = body_on_tape(f"Server=db;{label}=hunter2/==;Database=x".encode(), "text/html")

    assert masked == f"Server=db;{label}=redacted-{label.lower()}-1z;Database=x".encode()


@pytest.mark.parametrize(
    "text", ["key-value", "sk-learn is a library", "AKIA", "https://h/?a=1@b", "Password=null"]
)
def test_what_looks_a_little_like_a_token_stays(text: str, body_on_tape: Any) -> None:
    assert body_on_tape(text.encode(), "text/html") == text.encode()
