// A department's program in TypeScript: a machine client's token, a register streamed in row by row, draws subscribed to, a draw's
// evidence downloaded and verified. It needs nothing but the contract's archive (or this repository) and what package.json names.
//
//   npm ci && npm run build
//   QINGTIAN_CLIENT_SECRET=... node dist/department.js HOST:PORT machineClients/ID organisations/ID REGISTER.csv [--ca CA.pem]
//
// The secret comes by the environment: every user of a machine can read the arguments of its programs. The connection is TLS, checked
// against the system's authorities or those of --ca; `--plaintext` is for a Qingtian on this very machine. `--demo` accepts what a
// demonstration signed. Prints one JSON object with what it did.
import { execFileSync, type ExecFileSyncOptions } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type * as grpc from "@grpc/grpc-js";
import type { Import__Output } from "./generated/qingtian/common/v1/Import.js";
import type { ImportSubjectsRequest } from "./generated/qingtian/draws/v1/ImportSubjectsRequest.js";
import type { RegistersClient } from "./generated/qingtian/draws/v1/Registers.js";
import type { ListSubjectsRequest } from "./generated/qingtian/draws/v1/ListSubjectsRequest.js";
import type { ListSubjectsResponse__Output } from "./generated/qingtian/draws/v1/ListSubjectsResponse.js";
import type { ListDrawsRequest } from "./generated/qingtian/portal/v1/ListDrawsRequest.js";
import type { ListDrawsResponse__Output } from "./generated/qingtian/portal/v1/ListDrawsResponse.js";
import type { SubjectRow } from "./generated/qingtian/draws/v1/SubjectRow.js";
import type { HttpBody__Output } from "./generated/google/api/HttpBody.js";
import { credentials, DEADLINE_MS, details, follow, isRefusal, type Packed, qingtian, root, Session, unary, withRetry } from "./session.js";

const ROWS_A_CHUNK = 500;

/** The rows of a table without quotes, its columns named `code` and `name`, in chunks as the service takes them. */
async function* chunks(register: string, organisation: string): AsyncGenerator<ImportSubjectsRequest> {
  const head = { parent: organisation, fileName: "register.csv", defaultDistrict: "410202" };
  let rows: SubjectRow[] = [];
  let columns: string[] | undefined;
  let first = true;
  for await (const line of createInterface({ input: createReadStream(register, "utf8") })) {
    const fields = line.split(",");
    if (columns === undefined) {
      columns = fields;
      continue;
    }
    rows.push({ key: fields[columns.indexOf("code")] ?? "", title: fields[columns.indexOf("name")] ?? "" });
    if (rows.length === ROWS_A_CHUNK) {
      yield first ? { ...head, rows } : { rows };
      [rows, first] = [[], false];
    }
  }
  yield first ? { ...head, rows } : { rows };
}

/** Streams them, as fast as the service takes them. */
function upload(registers: RegistersClient, metadata: grpc.Metadata, register: string, organisation: string): Promise<Import__Output> {
  return new Promise((resolve, reject) => {
    const call = registers.importSubjects(metadata, { deadline: Date.now() + DEADLINE_MS }, (error, report) =>
      error ? reject(error) : resolve(report as Import__Output),
    );
    const send = async () => {
      for await (const chunk of chunks(register, organisation)) {
        if (!call.write(chunk)) await new Promise<void>((ready) => { call.once("drain", ready); call.once("close", ready); });
      }
      call.end();
    };
    send().catch((error: unknown) => {
      call.cancel();
      reject(error);
    });
  });
}

async function whole(stream: grpc.ClientReadableStream<HttpBody__Output>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<HttpBody__Output>) parts.push(part.data);
  return Buffer.concat(parts);
}

/** Has the verifier for Node recompute a draw: `verify/` in the archive, built with the public pages in the repository. */
function verified(bundle: Buffer, jwks: Buffer, demo: boolean): { verdict: string; checks: number } {
  const places = ["verify/recheck.mjs", "gateway/pages/recheck/dist/cli.mjs"].map((place) => join(root(), place));
  const verifier = places.find((place) => existsSync(place));
  if (verifier === undefined) throw new Error("the verifier is not built: make web");
  const folder = mkdtempSync(join(tmpdir(), "qingtian-"));
  try {
    const [evidence, keys] = [join(folder, "evidence.tar.gz"), join(folder, "jwks.json")];
    writeFileSync(evidence, bundle);
    writeFileSync(keys, jwks);
    const args = [verifier, evidence, "--jwks", keys, ...(demo ? ["--demo"] : [])];
    const options: ExecFileSyncOptions = { encoding: "utf8", maxBuffer: 64 << 20 };
    let text: string;
    try {
      text = execFileSync(process.execPath, args, options) as string;
    } catch (error) {
      text = (error as { stdout: string }).stdout; // its exit status says the verdict once more
    }
    const report = JSON.parse(text) as { verdict: string; checks: unknown[] };
    return { verdict: report.verdict, checks: report.checks.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ca: { type: "string" }, plaintext: { type: "boolean", default: false }, demo: { type: "boolean", default: false } },
  });
  const [address, client, organisation, register] = positionals;
  const secret = process.env["QINGTIAN_CLIENT_SECRET"];
  if (address === undefined || client === undefined || organisation === undefined || register === undefined || secret === undefined) {
    throw new Error("usage: QINGTIAN_CLIENT_SECRET=... department.js HOST:PORT machineClients/ID organisations/ID REGISTER.csv [--ca CA.pem]");
  }
  const trust = credentials(values.ca, values.plaintext);
  const session = new Session(new qingtian.identity.v1.Identity(address, trust), client, secret);
  const registers = new qingtian.draws.v1.Registers(address, trust);
  const draws = new qingtian.draws.v1.Draws(address, trust);
  const portal = new qingtian.portal.v1.Portal(address, trust);

  const report = await withRetry(async () => upload(registers, await session.bearer(), register, organisation));

  // Page through what came in.
  const keys = new Set<string>();
  for (let pageToken = ""; ; ) {
    const request = { parent: organisation, pageSize: 500, pageToken };
    const page = await withRetry(async () => unary<ListSubjectsRequest, ListSubjectsResponse__Output>(registers.listSubjects.bind(registers), request, await session.bearer()));
    for (const subject of page.subjects) keys.add(subject.key);
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }

  // Another organisation's register is not found; the refusal says so in a form a program can read.
  let refused: object = {};
  try {
    await unary(registers.listSubjects.bind(registers), { parent: "organisations/market" }, await session.bearer());
  } catch (error) {
    const info = details(error).info;
    refused = { code: isRefusal(error) ? error.code : -1, reason: info?.reason, article: info?.metadata["article"] };
  }

  // Subscribe to what happens in draws, from the beginning. A program that goes on keeps (position, hash) with what it made of the
  // events; this one ends when it has heard everything there is so far.
  const events: string[] = [];
  let [position, hash] = ["0", ""];
  for await (const step of follow(draws.readEvents.bind(draws), session)) {
    ({ position, hash } = step);
    if (step.event === null) break;
    const payload = step.event.payload as unknown as Packed | null;
    events.push(payload?.type_url.split("/")[1] ?? "");
  }

  // The newest revealed draw's evidence, as the public gets it, recomputed.
  const listed = await withRetry(() => unary<ListDrawsRequest, ListDrawsResponse__Output>(portal.listDraws.bind(portal), {}));
  const newest = listed.draws.find((draw) => draw.evidenceSize !== "0");
  if (newest === undefined) throw new Error("no draw was revealed yet");
  const bundle = await whole(portal.downloadEvidence({ name: newest.name }));
  const jwks = await whole(portal.getSigningKeys({}));
  const digest = createHash("sha256").update(bundle).digest("hex");

  console.log(
    JSON.stringify({
      rows: Number(report.rows),
      created: Number(report.created),
      returned: Number(report.returned),
      keys: keys.size,
      refused,
      events,
      position: Number(position),
      hash,
      tokens: session.issued,
      draw: newest.name,
      evidence_matches: digest === newest.draw?.evidenceDigest && String(bundle.length) === newest.evidenceSize,
      ...verified(bundle, jwks, values.demo),
    }),
  );
  for (const channel of [registers, draws, portal]) channel.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
