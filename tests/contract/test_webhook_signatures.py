"""Deliveries are signed as Standard Webhooks has it: its own library, and openssl, agree with us."""

import base64
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from dialer.webhooks.signing import headers, new_secret

BODY = '{"id":"1-0","name":"Āsha ✓"}'.encode()


def signed(*keys: str, body: bytes = BODY, at_s: float | None = None) -> dict[str, str]:
    return headers("main_1-0", body, keys=keys, at_s=time.time() if at_s is None else at_s)


def test_the_specifications_own_example_comes_out_as_it_says():
    found = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        keys=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at_s=1614265330,
    )

    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text(max_size=300))
def test_the_library_that_receivers_take_accepts_whatever_is_sent(body):
    secret = new_secret()

    Webhook(secret).verify(body, signed(secret, body=body.encode()), json_parse=False)


@pytest.mark.parametrize("change", ["body", "id", "time", "secret", "too old"])
def test_the_library_refuses_what_was_changed_on_the_way_or_is_sent_again_much_later(change):
    secret, body = new_secret(), BODY
    told = signed(secret, at_s=time.time() - 600 if change == "too old" else None)
    if change == "body":
        body = BODY.replace(b"1-0", b"2-0")
    elif change == "id":
        told["webhook-id"] = "main_2-0"
    elif change == "time":
        told["webhook-timestamp"] = str(int(told["webhook-timestamp"]) + 1)
    elif change == "secret":
        secret = new_secret()

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, told)


def test_while_secrets_rotate_whoever_has_either_accepts():
    old, new = new_secret(), new_secret()
    told = signed(new, old)

    for secret in (old, new):
        Webhook(secret).verify(BODY, told)


def test_openssl_computes_the_same():
    secret = new_secret()
    told = signed(secret)
    key = base64.b64decode(secret.removeprefix("whsec_")).hex()
    content = b".".join((told["webhook-id"].encode(), told["webhook-timestamp"].encode(), BODY))

    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}", "-binary"],
        input=content,
        capture_output=True,
        check=True,
    )

    assert told["webhook-signature"] == f"v1,{base64.b64encode(done.stdout).decode()}"
