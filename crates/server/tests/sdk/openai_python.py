"""The cases of openai-python."""

import json

import openai
from cases import case, eventually, given, raises, run, same, upstream
from pydantic import BaseModel

requests = []
client = openai.OpenAI(
    base_url=given["openai_url"],
    api_key=given["key"],
    http_client=openai.DefaultHttpxClient(event_hooks={"request": [requests.append]}),
)
once = client.with_options(max_retries=0)

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": WEATHER}}]
RESPONSES_TOOLS = [
    {"type": "function", "name": "weather", "description": "The weather.", "parameters": WEATHER, "strict": True}
]


class Weather(BaseModel):
    city: str
    degrees: int


def user(text):
    return [{"role": "user", "content": text}]


def asked(call, *arguments, **named):
    """How many requests the SDK makes for the call."""
    before = len(requests)
    try:
        call(*arguments, **named)
    except openai.APIError:
        pass
    return len(requests) - before


def called(calls):
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


@case
def chat(model):
    answer = client.chat.completions.create(model=model, messages=user("hello"))
    choice = answer.choices[0]
    same((choice.message.role, choice.message.content), ("assistant", "Hello there, dear world."))
    same((choice.finish_reason, choice.index, len(answer.choices)), ("stop", 0, 1))
    same((answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens), (11, 7, 18))
    same((answer.object, bool(answer.id), answer.created > 0), ("chat.completion", True, True))


@case
def chat_stream(model):
    chunks = list(client.chat.completions.create(model=model, messages=user("hello"), stream=True))
    same("".join(chunk.choices[0].delta.content or "" for chunk in chunks), "Hello there, dear world.")
    same(chunks[0].choices[0].delta.role, "assistant")
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    same((reasons[-1], set(reasons[:-1])), ("stop", {None}))
    same((len({chunk.id for chunk in chunks}), len({chunk.created for chunk in chunks})), (1, 1))
    same([chunk.usage for chunk in chunks if chunk.usage], [])


@case
def chat_stream_usage(model):
    options = {"include_usage": True}
    stream = client.chat.completions.create(model=model, messages=user("hello"), stream=True, stream_options=options)
    chunks = list(stream)
    same(chunks[-1].choices, [])
    same((chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens), (11, 7))
    same([chunk.usage for chunk in chunks[:-1] if chunk.usage], [])


@case
def chat_stream_helper(model):
    with client.chat.completions.stream(model=model, messages=user("hello")) as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_completion()
    same(answer.choices[0].message.content, "Hello there, dear world.")
    same(answer.choices[0].finish_reason, "stop")
    same({"chunk", "content.delta", "content.done"} <= kinds, True)


@case
def chat_tool(model):
    messages = user("one tool")
    answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
    message = answer.choices[0].message
    same((answer.choices[0].finish_reason, called(message.tool_calls)), ("tool_calls", [("weather", {"city": "Paris"})]))
    told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "21 degrees"}
    last = client.chat.completions.create(model=model, messages=[*messages, message, told], tools=TOOLS)
    same("21 degrees" in last.choices[0].message.content, True)


@case
def chat_parallel_tools(model):
    answer = client.chat.completions.create(model=model, messages=user("two tools"), tools=TOOLS)
    calls = answer.choices[0].message.tool_calls
    same(called(calls), [("weather", {"city": "Paris"}), ("weather", {"city": "Oslo"})])
    same(len({call.id for call in calls}), 2)


@case
def chat_parallel_tools_stream(model):
    with client.chat.completions.stream(model=model, messages=user("two tools"), tools=TOOLS) as stream:
        stream.until_done()
        answer = stream.get_final_completion()
    calls = answer.choices[0].message.tool_calls
    same(called(calls), [("weather", {"city": "Paris"}), ("weather", {"city": "Oslo"})])
    same((answer.choices[0].finish_reason, len({call.id for call in calls})), ("tool_calls", 2))


@case
def chat_giant_tool_arguments(model):
    with client.chat.completions.stream(model=model, messages=user("giant tool"), tools=TOOLS) as stream:
        stream.until_done()
        answer = stream.get_final_completion()
    same(called(answer.choices[0].message.tool_calls), [("weather", {"text": "x" * 200_000})])


@case
def chat_parse(model):
    answer = client.chat.completions.parse(model=model, messages=user("structured"), response_format=Weather)
    same(answer.choices[0].message.parsed, Weather(city="Paris", degrees=21))


@case
def chat_length(model):
    answer = client.chat.completions.create(model=model, messages=user("length"), max_completion_tokens=7)
    same(answer.choices[0].finish_reason, "length")


@case
def chat_cached_tokens(model):
    answer = client.chat.completions.create(model=model, messages=user("cached"))
    same((answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens), (11, 5))


@case
def responses(model):
    answer = client.responses.create(model=model, input="hello", instructions="be brief")
    same((answer.output_text, answer.status), ("Hello there, dear world.", "completed"))
    same((answer.usage.input_tokens, answer.usage.output_tokens), (11, 7))


@case
def responses_stream(model):
    with client.responses.stream(model=model, input="hello") as stream:
        events = list(stream)
        answer = stream.get_final_response()
    kinds = [event.type for event in events]
    same(kinds[:2] + kinds[-1:], ["response.created", "response.in_progress", "response.completed"])
    numbers = [event.sequence_number for event in events]
    same(numbers, sorted(set(numbers)))
    same(answer.output_text, "Hello there, dear world.")


@case
def responses_tool(model):
    with client.responses.stream(model=model, input="two tools", tools=RESPONSES_TOOLS) as stream:
        stream.until_done()
        answer = stream.get_final_response()
    calls = [item for item in answer.output if item.type == "function_call"]
    same([json.loads(call.arguments) for call in calls], [{"city": "Paris"}, {"city": "Oslo"}])
    told = [{"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"} for call in calls]
    spoken = [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in calls]
    last = client.responses.create(
        model=model, input=[*user("two tools"), *spoken, *told], tools=RESPONSES_TOOLS
    )
    same("21 degrees" in last.output_text, True)


@case
def responses_parse(model):
    answer = client.responses.parse(model=model, input="structured", text_format=Weather)
    same(answer.output_parsed, Weather(city="Paris", degrees=21))


@case
def responses_error_mid_stream(model):
    """The SDK hands on a bare `error` event, and raises one that has an object `error`."""
    kinds = []
    try:
        kinds += [event.type for event in once.responses.create(model=model, input="breaks", stream=True)]
    except openai.APIError:
        return
    same(kinds[-1] in ("error", "response.failed"), True)


@case
def embeddings(model):
    answer = client.embeddings.create(model=model, input=["a", "bcd"])
    same([(one.index, len(one.embedding)) for one in answer.data], [(0, 8), (1, 8)])
    same(answer.data[0].embedding[0] < answer.data[1].embedding[0], True)
    floats = client.embeddings.create(model=model, input=["a", "bcd"], encoding_format="float")
    same([round(value, 5) for value in floats.data[1].embedding], [round(value, 5) for value in answer.data[1].embedding])
    short = client.embeddings.create(model=model, input="a", dimensions=3)
    same((len(short.data[0].embedding), short.usage.prompt_tokens), (3, 11))


@case
def models(model):
    same(model in [one.id for one in client.models.list()], True)


@case
def wrong_key(model):
    stranger = client.with_options(api_key="sk-of-nobody-at-all-0000")
    error = raises(openai.AuthenticationError, stranger.chat.completions.create, model=model, messages=user("hello"))
    same((error.code, error.type), ("invalid_api_key", "invalid_request_error"))


@case
def unknown_model(model):
    del model
    error = raises(openai.NotFoundError, client.chat.completions.create, model="nothing", messages=user("hello"))
    same(error.code, "model_not_found")


@case
def malformed(model):
    error = raises(openai.BadRequestError, client.chat.completions.create, model=model, messages="hello")
    same(error.type, "invalid_request_error")


@case
def error_400(model):
    raises(openai.BadRequestError, client.chat.completions.create, model=model, messages=user("fail 400"))
    same(asked(client.chat.completions.create, model=model, messages=user("fail 400")), 1)


@case
def error_429(model):
    raises(openai.RateLimitError, once.chat.completions.create, model=model, messages=user("too many"))
    same(asked(client.chat.completions.create, model=model, messages=user("too many")), 3)


@case
def error_500(model):
    raises(openai.InternalServerError, once.chat.completions.create, model=model, messages=user("fail 500"))
    same(asked(client.chat.completions.create, model=model, messages=user("fail 500")), 3)


@case
def error_mid_stream(model):
    def read():
        for _ in once.chat.completions.create(model=model, messages=user("breaks"), stream=True):
            pass

    raises(openai.APIError, read)


@case
def abort(model):
    before = upstream()["abandoned"]
    stream = client.chat.completions.create(model=model, messages=user("endless"), stream=True)
    for _ in zip(range(5), stream):
        pass
    stream.close()
    eventually(lambda: upstream()["abandoned"] == before + 1)


@case
def rate_limit(model):
    hurried = once.with_options(api_key=given["keys"]["slow"][model])
    hurried.chat.completions.create(model=model, messages=user("hello"))
    error = raises(openai.RateLimitError, hurried.chat.completions.create, model=model, messages=user("hello"))
    same(error.code, "rate_limit_exceeded")
    same(int(error.response.headers["retry-after-ms"]) > 0, True)


@case
def budget_spent(model):
    poor = client.with_options(api_key=given["keys"]["poor"])
    before = upstream()["calls"]
    error = raises(openai.RateLimitError, poor.chat.completions.create, model=model, messages=user("hello"))
    same((error.code, error.response.headers["x-should-retry"]), ("insufficient_quota", "false"))
    same(asked(poor.chat.completions.create, model=model, messages=user("hello")), 1)
    same(upstream()["calls"], before)


run()
