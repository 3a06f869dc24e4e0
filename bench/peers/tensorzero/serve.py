"""TensorZero's own HTTP server (Rust), which its Python wheel carries; observability and everything else is off."""

import os
import signal

import tensorzero

CONFIG = """
[gateway]
observability.enabled = false

[models.mock-1]
routing = ["mock"]

[models.mock-1.providers.mock]
type = "openai"
model_name = "mock-1"
api_base = "{url}/"
api_key_location = "none"
"""

with open("tensorzero.toml", "w", encoding="utf-8") as file:
    file.write(CONFIG.format(url=os.environ["MOCK_URL"]))

# Private, and the only way to this server without a container: pinned in requirements.txt.
gateway = tensorzero._start_http_gateway(
    config_file="tensorzero.toml", clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
print("listening on", gateway.base_url, flush=True)
signal.pause()
