import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS = 120_000;

/** Starts the server the way a new user does, and reads the owner's password from what it prints. */
export default async function start(): Promise<() => Promise<void>> {
  if (process.env.KONSTRUCT_URL !== undefined) return () => Promise.resolve();
  const binary =
    process.env.KONSTRUCT_TEST_BINARY ?? process.env.KONSTRUCT_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "../target", "debug/konstruct");
  const dataDir = await mkdtemp(join(tmpdir(), "konstruct-e2e-"));
  const listen = `127.0.0.1:${await freePort()}`;
  const server = spawn(binary, ["serve", "--data-dir", dataDir, "--listen", listen], {
    stdio: ["ignore", "pipe", "pipe"],
    // The providers of the tests' own models are on this machine.
    env: { ...withoutOurs(process.env), KONSTRUCT_EGRESS__ALLOW_PRIVATE: "true" },
  });
  process.env.KONSTRUCT_PASSWORD = await passwordOf(server);
  process.env.KONSTRUCT_URL = `http://${listen}`;
  return async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  };
}

/** The tests' own variables would be configuration to the server, and wrong configuration. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("KONSTRUCT_")));
}

function passwordOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(() => fail("it did not print the owner's password in time"), READY_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      server.kill("SIGTERM");
      reject(new Error(`the server did not start: ${why}\n${printed}`));
    };
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const password = /^\s*password\s+(\S+)\s*$/m.exec(printed)?.[1];
      if (password === undefined) return;
      clearTimeout(timer);
      resolve(password);
    };
    server.stdout?.on("data", read);
    server.stderr?.on("data", read);
    server.once("error", (error) => fail(error.message));
    server.once("exit", (code) => fail(`it ended with ${code}`));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
