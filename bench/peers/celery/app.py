"""Takes Slack's events: checks the signature over the raw body, drops repetitions, queues the message."""

import hashlib
import hmac
import os
import time

import orjson
import redis
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from worker import answer

SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
WINDOW_SECONDS = 300
REMEMBER_SECONDS = 24 * 3600

app = FastAPI(openapi_url=None)
seen = redis.Redis.from_url(os.environ["REDIS_URL"])


def verified(headers, body: bytes) -> bool:
    timestamp = headers.get("x-slack-request-timestamp", "0")
    if abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        return False
    expected = "v0=" + hmac.new(SECRET, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, headers.get("x-slack-signature", ""))


def enqueue(envelope: dict) -> None:
    event = envelope["event"]
    if seen.set(f"event:{envelope['event_id']}", 1, nx=True, ex=REMEMBER_SECONDS):
        answer.delay(event["channel"], event.get("thread_ts") or event["ts"], event["user"], event["text"])


@app.post("/channels/slack/events")
async def events(request: Request) -> Response:
    body = await request.body()
    if not verified(request.headers, body):
        return Response(status_code=401)
    # The clients of Redis and Celery block: not in the event loop.
    await run_in_threadpool(enqueue, orjson.loads(body))
    return Response(status_code=200)
