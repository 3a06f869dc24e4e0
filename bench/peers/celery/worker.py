"""Answers a queued message: asks the model, posts the reply. Acknowledged late, so that a dead worker loses nothing."""

import os

import requests
from celery import Celery

app = Celery("worker", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)

# One a process, kept alive between tasks.
session = requests.Session()
session.trust_env = False

PROMPT = "You are Mara, a support specialist. Friendly, precise. Answer in one sentence."


@app.task
def answer(channel: str, thread_ts: str, user: str, text: str) -> None:
    asked = session.post(
        os.environ["MODEL_URL"] + "/chat/completions",
        headers={"authorization": "Bearer sk-of-the-benchmark"},
        json={
            "model": "scripted-1",
            "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"{user}: {text}"}],
        },
        timeout=30,
    )
    asked.raise_for_status()
    said = asked.json()["choices"][0]["message"]["content"]
    posted = session.post(
        os.environ["SLACK_URL"] + "chat.postMessage",
        headers={"authorization": "Bearer xoxb-of-the-benchmark"},
        json={"channel": channel, "thread_ts": thread_ts, "text": said},
        timeout=30,
    )
    posted.raise_for_status()
    if not posted.json()["ok"]:
        raise RuntimeError(posted.json()["error"])
