import { createServer, type IncomingMessage, type Server } from "node:http";

/** A provider of models as OpenAI's chat protocol has it: takes one key, knows one model, counts its tokens. */
export class FakeModels {
  static readonly KEY = "sk-the-right-one";
  static readonly MODEL = "scripted-1";

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static open(): Promise<FakeModels> {
    const server = createServer((request, response) => {
      void answer(request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const port = typeof address === "object" && address !== null ? address.port : 0;
        resolve(new FakeModels(server, `http://127.0.0.1:${port}/v1`));
      });
    });
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  if (request.headers.authorization !== `Bearer ${FakeModels.KEY}`)
    return {
      status: 401,
      body: { error: { message: "Incorrect API key provided.", type: "invalid_request_error", code: "invalid_api_key" } },
    };
  if (request.url?.endsWith("/models") === true)
    return { status: 200, body: { object: "list", data: [{ id: FakeModels.MODEL, object: "model" }] } };
  const message = { role: "assistant", content: "Hello from the script." };
  return {
    status: 200,
    body: {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: FakeModels.MODEL,
      choices: [{ index: 0, message, finish_reason: "stop" }],
      usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 },
    },
  };
}
