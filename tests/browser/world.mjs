// A ministry of its own for one test: an authority and a subscriber's agent on free loopback ports, with
// accounts at the desk. Everything lies in one temporary folder; processes and folder are gone at the end.
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.BLOCKFEED;
if (!program) throw new Error("BLOCKFEED has to name the program; 'make test-browser' does that");
process.env.BLOCKFEED_PASSPHRASE = "a passphrase of the test";

const running = new Set();
const folders = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export const AGENT = "isp-mot";

export class World {
  // Begins a log, makes accounts [{name, unit, roles, officer?}], serves. `links` has each person's link.
  static async begin(accounts) {
    const world = new World();
    world.folder = mkdtempSync(join(tmpdir(), "blockfeed-browser-"));
    folders.add(world.folder);
    world.port = await freePort();
    // Passkeys want a secure context; localhost is one without TLS.
    world.url = `http://localhost:${world.port}`;
    world.data = join(world.folder, "data");
    world.genesis = world.run("init", "--origin", "desk.example/399/v1", "--demo-officers", "--data", world.data,
      "--rp-id", "localhost", "--passkey-origin", world.url).genesis;
    world.links = Object.fromEntries(accounts.map((account) => [account.name, world.invite(account)]));
    world.subscribe();
    await world.serve();
    return world;
  }

  // Runs a verb to its end, and gives its JSON.
  run(...words) {
    const at = ["init", "account", "subscriber"].includes(words[0]) ? [] : ["--server", this.url];
    const needs = ["audit"].includes(words[0]) || words[1] === "sign" ? [] : at;
    const text = execFileSync(program, [...words, ...needs, "--json"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return text.trim() ? JSON.parse(text) : {};
  }

  invite({ name, unit, roles, officer }) {
    const words = ["account", "new", name, "--unit", unit, "--data", this.data, "--url", this.url];
    for (const role of roles) words.push("--role", role);
    if (officer) words.push("--signs-as", officer);
    return this.run(...words);
  }

  // Registers the agent under a key of its own.
  subscribe() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    this.agentKey = join(this.folder, "agent.pem");
    writeFileSync(this.agentKey, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    const key = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url").toString("base64");
    this.run("subscriber", "add", AGENT, key, "--feed", "domains", "--data", this.data);
  }

  async serve() {
    await this.start("authority", "serve", "--config", join(this.data, "blockfeed.toml"),
      "--listen", `127.0.0.1:${this.port}`, "--metrics", "127.0.0.1:0", "--dns", "127.0.0.1:0",
      "--set", "registry.offline=true", "--set", "serve.form_seconds=0");
    await until("the authority is ready", async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  // An agent that keeps `blocked` equal to the feed and sends receipts.
  async follow() {
    this.output = join(this.folder, "blocked.txt");
    const settings = join(this.folder, "agent.toml");
    writeFileSync(settings, `[agent]
state = "${join(this.folder, "agent")}"
source = [{ at = "${this.url}" }]
feeds = ["domains"]
output = [{ feed = "domains", format = "txt", path = "${this.output}" }]
trust = { genesis = "${this.genesis}" }
receipts = { subscriber = "${AGENT}", key_file = "${this.agentKey}" }
`);
    await this.start("agent", "agent", "run", "--config", settings, "--metrics", "127.0.0.1:0");
    await until("the agent has written its first file", () => existsSync(this.output));
  }

  // Starts a program that goes on; its words go to a file that is shown when something fails.
  async start(name, ...words) {
    const log = join(this.folder, `${name}.log`);
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream.pipe(createWriteStream(log, { flags: "a" }));
    child.on("exit", () => running.delete(child));
    (this.logs ??= {})[name] = log;
  }

  // The last words of each program.
  told() {
    const tail = (log) => readFileSync(log, "utf8").trim().split("\n").slice(-8).join("\n    ");
    return Object.entries(this.logs ?? {}).map(([name, log]) => `  ${name}:\n    ${tail(log)}`).join("\n");
  }

  // The serial of the list in force.
  async serial() {
    const log = await (await fetch(`${this.url}/api/v1/log`)).json();
    return log.feeds.domains.serial;
  }

  // The lines of the plain list, as anybody gets it, and as the agent has written it.
  async published() {
    const answer = await fetch(`${this.url}/feeds/domains.txt`);
    return answer.ok ? lines(await answer.text()) : [];
  }

  applied() {
    return lines(readFileSync(this.output, "utf8"));
  }

  // Puts passkeys into the trust document as the holders of the root keys do.
  trust(documents) {
    const draft = join(this.folder, "trust-next.json");
    const files = documents.flatMap((text, n) => {
      const file = join(this.folder, `officer-${n}.json`);
      writeFileSync(file, text);
      return ["--officers", file];
    });
    this.run("trust", "draft", ...files, "--out", draft);
    for (const root of ["a", "b"]) {
      this.run("trust", "sign", draft, "--root", root, "--key-file", join(this.data, "keys", `root-${root}.pem`));
    }
    return this.run("trust", "submit", draft);
  }

  // An entry by the command line, as officers do without a browser: for what pages are to show.
  officer(id) {
    return ["--officer", id, "--key-file", join(this.data, "keys", `${id}.pem`)];
  }

  audit() {
    return this.run("audit", this.url, "--session", this.genesis.slice(0, 16));
  }

  async end() {
    const ended = [...running].map((child) => new Promise((done) => child.once("exit", done)));
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(ended);
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }
}

const lines = (text) => text.split("\n").filter((line) => line && !line.startsWith("#"));

// Asks until it is so, for ten seconds; gives the milliseconds that it took.
export async function until(what, holds, seconds = 10) {
  const began = performance.now();
  let last = "";
  while (performance.now() - began < seconds * 1000) {
    try {
      if (await holds()) return Math.round(performance.now() - began);
    } catch (error) {
      last = `: ${error.message}`;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`after ${seconds} s it still isn't so: ${what}${last}`);
}

function freePort() {
  return new Promise((done, failed) => {
    const server = createServer().on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
