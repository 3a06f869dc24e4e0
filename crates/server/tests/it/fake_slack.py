"""Slack's own SDK against our signer and our fake Slack: what we test with must look like Slack to Slack's people.

Reads {"base_url", "token", "secret", "timestamp", "signature", "body", "channel", "root"} from standard input and
fails with a traceback on the first thing that is not as Slack's.
"""

import json
import sys

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.metadata import Metadata
from slack_sdk.signature import Clock, SignatureVerifier


class At(Clock):
    def __init__(self, now: float):
        self.at = now

    def now(self) -> float:
        return self.at


def refusal(call):
    try:
        call()
    except SlackApiError as error:
        return error.response
    raise AssertionError("it should have been refused")


def check_signature(given):
    now = float(given["timestamp"])
    body, timestamp, signature = given["body"], given["timestamp"], given["signature"]
    right = SignatureVerifier(given["secret"], At(now))
    assert right.is_valid(body=body, timestamp=timestamp, signature=signature)
    assert not right.is_valid(body=body + " ", timestamp=timestamp, signature=signature)
    assert not SignatureVerifier("another", At(now)).is_valid(body=body, timestamp=timestamp, signature=signature)
    assert not SignatureVerifier(given["secret"], At(now + 301)).is_valid(
        body=body, timestamp=timestamp, signature=signature
    )


def check_messages(client, channel, root):
    mark = Metadata("konstruct_reply", {"message": "m1", "part": 0})
    first = client.chat_postMessage(channel=channel, thread_ts=root, text="_thinking…_", metadata=mark, username="Mara")
    ts = first["ts"]
    assert first["ok"] and first["channel"] == channel
    assert first["message"]["username"] == "Mara" and first["message"]["bot_id"]
    second = client.chat_postMessage(channel=channel, thread_ts=root, text="more")
    assert second["ts"] > ts

    updated = client.chat_update(channel=channel, ts=ts, text="an answer & more", metadata=mark)
    assert updated["ts"] == ts and updated["text"] == "an answer & more"

    plain = client.conversations_replies(channel=channel, ts=root)["messages"]
    assert [message["text"] for message in plain] == ["hello", "an answer & more", "more"]
    assert all("metadata" not in message for message in plain)
    marked = client.conversations_replies(channel=channel, ts=root, oldest=root, include_all_metadata=True)["messages"]
    assert [message.get("metadata") for message in marked] == [
        {"event_type": "konstruct_reply", "event_payload": {"message": "m1", "part": 0}},
        None,
    ]
    pages = [page["messages"] for page in client.conversations_replies(channel=channel, ts=root, limit=1)]
    assert [len(page) for page in pages] == [1, 1, 1], "it is paged by cursor"

    assert client.chat_delete(channel=channel, ts=second["ts"])["ok"]
    gone = refusal(lambda: client.chat_update(channel=channel, ts=second["ts"], text="too late"))
    assert gone["error"] == "message_not_found"
    foreign = refusal(lambda: client.chat_update(channel=channel, ts=root, text="not mine"))
    assert foreign["error"] == "cant_update_message"
    long = refusal(lambda: client.chat_update(channel=channel, ts=ts, text="x" * 4001))
    assert long["error"] == "msg_too_long"


def main():
    given = json.load(sys.stdin)
    check_signature(given)
    client = WebClient(token=given["token"], base_url=given["base_url"])
    who = client.auth_test()
    assert who["team_id"] == "T0001" and who["user_id"] == "U0BOT" and who["bot_id"] == "B0BOT"
    assert client.users_info(user="U1")["user"]["profile"]["display_name"]
    check_messages(client, given["channel"], given["root"])
    stranger = WebClient(token="xoxb-stranger", base_url=given["base_url"])
    assert refusal(stranger.auth_test)["error"] == "invalid_auth"
    limited = refusal(lambda: client.chat_postMessage(channel="CSLOW", text="once too often"))
    assert limited.status_code == 429 and limited.headers["Retry-After"] == "7"


main()
