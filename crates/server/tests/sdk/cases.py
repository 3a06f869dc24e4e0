"""Runs the cases a test asks for (JSON on standard input) and prints a line for each: `ok NAME MODEL`, or why not."""

import json
import sys
import time
import traceback
import urllib.request

given = json.load(sys.stdin)
_cases = {}


def case(function):
    """The function is a case, run once for each model that it is asked for."""
    _cases[function.__name__] = function
    return function


def same(actual, expected):
    """Fails, showing both, where they differ."""
    if actual != expected:
        raise AssertionError(f"\n  expected {expected!r}\n  actual   {actual!r}")


def raises(kind, call, *arguments, **named):
    """The error of this kind (and of no subclass) that the call raises."""
    try:
        call(*arguments, **named)
    except Exception as error:
        if type(error) is kind:
            return error
        raise AssertionError(f"expected {kind.__name__}") from error
    raise AssertionError(f"expected {kind.__name__}, nothing was raised")


def upstream():
    """What the fake models have counted: `calls` and `abandoned`."""
    with urllib.request.urlopen(given["counts_url"]) as answer:
        return json.load(answer)


def eventually(condition):
    """Waits until it holds."""
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("it never came to be")
        time.sleep(0.02)


def run():
    """Runs everything; the exit code tells whether all went well."""
    failed = False
    for name, model in given["cases"]:
        try:
            _cases[name](model)
            print(f"ok {name} {model}", flush=True)
        except Exception:
            failed = True
            print(f"failed {name} {model}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)
