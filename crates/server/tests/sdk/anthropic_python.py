"""The cases of anthropic-sdk-python."""

import anthropic
from cases import case, eventually, given, raises, run, same, upstream
from pydantic import BaseModel

requests = []
client = anthropic.Anthropic(
    base_url=given["anthropic_url"],
    api_key=given["key"],
    http_client=anthropic.DefaultHttpxClient(event_hooks={"request": [requests.append]}),
)
once = client.with_options(max_retries=0)

TOOLS = [
    {
        "name": "weather",
        "description": "The weather.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]


class Weather(BaseModel):
    city: str
    degrees: int


def ask(text, model, **more):
    return {"model": model, "max_tokens": 1024, "messages": [{"role": "user", "content": text}], **more}


def asked(call, **named):
    """How many requests the SDK makes for the call."""
    before = len(requests)
    try:
        call(**named)
    except anthropic.APIError:
        pass
    return len(requests) - before


def called(message):
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


@case
def messages(model):
    answer = client.messages.create(**ask("hello", model, system="be brief"))
    same([(block.type, block.text) for block in answer.content], [("text", "Hello there, dear world.")])
    same((answer.stop_reason, answer.role, answer.type), ("end_turn", "assistant", "message"))
    same((answer.usage.input_tokens, answer.usage.output_tokens), (11, 7))


@case
def stream(model):
    with client.messages.stream(**ask("hello", model)) as events:
        same("".join(events.text_stream), "Hello there, dear world.")
        answer = events.get_final_message()
    same((answer.stop_reason, answer.usage.output_tokens), ("end_turn", 7))
    same(answer.usage.input_tokens > 0, True)


@case
def stream_order(model):
    open_block, seen = None, []
    for event in client.messages.create(**ask("two tools", model, tools=TOOLS), stream=True):
        seen.append(event.type)
        if event.type == "content_block_start":
            same(open_block, None)
            open_block = event.index
        elif event.type == "content_block_delta":
            same(event.index, open_block)
        elif event.type == "content_block_stop":
            same(event.index, open_block)
            open_block = None
    same((seen[0], seen[-2:]), ("message_start", ["message_delta", "message_stop"]))
    same(seen.count("content_block_start"), 2)


@case
def tool(model):
    question = ask("one tool", model, tools=TOOLS)
    answer = client.messages.create(**question)
    same((answer.stop_reason, called(answer)), ("tool_use", [("weather", {"city": "Paris"})]))
    use = next(block for block in answer.content if block.type == "tool_use")
    told = {"type": "tool_result", "tool_use_id": use.id, "content": "21 degrees"}
    question["messages"] += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [told]}]
    last = client.messages.create(**question)
    same("21 degrees" in last.content[0].text, True)


@case
def parallel_tools(model):
    with client.messages.stream(**ask("two tools", model, tools=TOOLS)) as events:
        answer = events.get_final_message()
    same(called(answer), [("weather", {"city": "Paris"}), ("weather", {"city": "Oslo"})])
    same((answer.stop_reason, len({block.id for block in answer.content})), ("tool_use", 2))


@case
def thinking_then_tool(model):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    question = ask("think", model, tools=TOOLS, thinking=thinking) | {"max_tokens": 2048}
    with client.messages.stream(**question) as events:
        answer = events.get_final_message()
    same([block.type for block in answer.content], ["thinking", "tool_use"])
    same((answer.content[0].thinking, answer.stop_reason), ("Let me think about it.", "tool_use"))
    told = {"type": "tool_result", "tool_use_id": answer.content[1].id, "content": "21 degrees"}
    question["messages"] += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [told]}]
    last = client.messages.create(**question)
    same("21 degrees" in last.content[-1].text, True)


@case
def parse(model):
    answer = client.messages.parse(**ask("structured", model), output_format=Weather)
    same(answer.parsed_output, Weather(city="Paris", degrees=21))


@case
def max_tokens(model):
    same(client.messages.create(**ask("length", model)).stop_reason, "max_tokens")


@case
def cached_tokens(model):
    usage = client.messages.create(**ask("cached", model)).usage
    same((usage.input_tokens, usage.cache_read_input_tokens), (6, 5))


@case
def count_tokens(model):
    counted = client.messages.count_tokens(model=model, messages=[{"role": "user", "content": "hello"}])
    same(counted.input_tokens > 0, True)


@case
def models(model):
    same(model in [one.id for one in client.models.list()], True)


@case
def wrong_key(model):
    stranger = client.with_options(api_key="sk-of-nobody-at-all-0000")
    error = raises(anthropic.AuthenticationError, stranger.messages.create, **ask("hello", model))
    same(error.body["error"]["type"], "authentication_error")


@case
def unknown_model(model):
    del model
    error = raises(anthropic.NotFoundError, client.messages.create, **ask("hello", "nothing"))
    same(error.body["error"]["type"], "not_found_error")


@case
def error_400(model):
    raises(anthropic.BadRequestError, client.messages.create, **ask("fail 400", model))
    same(asked(client.messages.create, **ask("fail 400", model)), 1)


@case
def error_429(model):
    raises(anthropic.RateLimitError, once.messages.create, **ask("too many", model))
    same(asked(client.messages.create, **ask("too many", model)), 3)


@case
def error_500(model):
    raises(anthropic.InternalServerError, once.messages.create, **ask("fail 500", model))
    same(asked(client.messages.create, **ask("fail 500", model)), 3)


@case
def error_529(model):
    error = raises(anthropic.OverloadedError, once.messages.create, **ask("fail 529", model))
    same(error.status_code, 529)


@case
def error_mid_stream(model):
    def read():
        with once.messages.stream(**ask("breaks", model)) as events:
            events.until_done()

    try:
        read()
    except anthropic.APIStatusError as error:
        same(error.body["error"]["type"] in ("overloaded_error", "api_error"), True)
    else:
        raise AssertionError("the stream ended in silence")


@case
def abort(model):
    before = upstream()["abandoned"]
    with client.messages.stream(**ask("endless", model)) as events:
        for _ in zip(range(5), events.text_stream):
            pass
    eventually(lambda: upstream()["abandoned"] == before + 1)


@case
def rate_limit(model):
    hurried = once.with_options(api_key=given["keys"]["slow"][model])
    hurried.messages.create(**ask("hello", model))
    error = raises(anthropic.RateLimitError, hurried.messages.create, **ask("hello", model))
    same(error.body["error"]["type"], "rate_limit_error")
    same(int(error.response.headers["retry-after-ms"]) > 0, True)


@case
def budget_spent(model):
    poor = client.with_options(api_key=given["keys"]["poor"])
    before = upstream()["calls"]
    error = raises(anthropic.RateLimitError, poor.messages.create, **ask("hello", model))
    same(error.response.headers["x-should-retry"], "false")
    same(asked(poor.messages.create, **ask("hello", model)), 1)
    same(upstream()["calls"], before)


run()
