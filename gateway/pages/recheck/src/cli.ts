// node dist/cli.mjs BUNDLE [--jwks FILE] [--with DIR] [--demo] [--lang zh] [--log FILE [--log-head FILE] [--visits FILE]]
//                                                                               one report, exit status 0, 3, 1 or 2
// node dist/cli.mjs --batch MANIFEST [--jwks FILE] [--demo]                     one JSON line for each bundle
// node dist/cli.mjs --lines [--jwks FILE]                                       one JSON line for each line of standard input
import { open, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { FROZEN } from "./archive.ts";
import type { Bytes } from "./bytes.ts";
import type { GivenLog } from "./checks_log.ts";
import { isSignature } from "./drand.ts";
import type { Language } from "./message.ts";
import type { Report, Verdict } from "./report.ts";
import { verify } from "./verify.ts";

const STATUS: Readonly<Record<Verdict, number>> = { verified: 0, partly: 3, not_verified: 1, unreadable: 2 };

const drand = (): Promise<typeof isSignature> => Promise.resolve(isSignature);

const READ_BYTES = 65_536;

/** A file as a stream, closed at its end and where reading is given up. */
async function streamOf(path: string): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path);
  return new ReadableStream({
    async pull(controller) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES), 0, READ_BYTES);
      if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
      else {
        await file.close();
        controller.close();
      }
    },
    cancel: () => file.close(),
  });
}

async function addedFrom(folder: string | undefined): Promise<Map<string, Bytes>> {
  const added = new Map<string, Bytes>();
  if (folder === undefined) return added;
  for (const name of [...FROZEN, "strata.tsv"]) {
    const path = join(folder, name);
    if (await stat(path).then((found) => found.isFile(), () => false)) added.set(name, new Uint8Array(await readFile(path)));
  }
  return added;
}

async function check(path: string, jwks: unknown, folder: string | undefined, demo: boolean, log?: GivenLog): Promise<Report> {
  return verify({ bundle: await streamOf(path), jwks, demo, added: await addedFrom(folder), drand, ...(log ? { log } : {}) });
}

/** What of a log was given. */
function logFrom(lines: Bytes | undefined, head: Bytes | undefined, visits: Bytes | undefined): GivenLog | undefined {
  if (lines === undefined) return undefined;
  return { lines, ...(head === undefined ? {} : { head }), ...(visits === undefined ? {} : { visits }) };
}

const bytesAt = async (path: string | undefined): Promise<Bytes | undefined> => (path === undefined ? undefined : new Uint8Array(await readFile(path)));


function spoken(report: Report, language: Language): object {
  return {
    ...report,
    checks: report.checks.map((one) => ({ ...one, message: one.message[language] })),
    notes: report.notes.map((note) => note[language]),
  };
}

/** One line of standard input: a bundle in base64 or at a path, and how it is to be checked. */
interface Asked {
  readonly name: string;
  readonly bytes?: string;
  readonly bundle?: string;
  /** Withheld files given apart, in base64. */
  readonly with?: Readonly<Record<string, string>>;
  readonly demo?: boolean;
  /** The log of recusals, its head and the times of visits, in base64. */
  readonly log?: string;
  readonly head?: string;
  readonly visits?: string;
  /** Without the keys. */
  readonly keyless?: boolean;
}

const fromBase64 = (text: string): Bytes => new Uint8Array(Buffer.from(text, "base64"));

async function answer(asked: Asked, jwks: unknown): Promise<object> {
  const { name, bytes, bundle, demo = false, keyless = false } = asked;
  const added = new Map(Object.entries(asked.with ?? {}).map(([file, text]) => [file, fromBase64(text)]));
  const stream = bytes === undefined ? await streamOf(bundle ?? "") : new Blob([fromBase64(bytes)]).stream();
  const [lines, head, visits] = [asked.log, asked.head, asked.visits].map((text) => (text === undefined ? undefined : fromBase64(text)));
  const log = logFrom(lines, head, visits);
  const report = await verify({ bundle: stream, jwks: keyless ? null : jwks, demo, added, drand, ...(log ? { log } : {}) });
  return { name, status: STATUS[report.verdict], ...spoken(report, "en") };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      jwks: { type: "string" }, with: { type: "string" }, demo: { type: "boolean", default: false }, batch: { type: "string" },
      lang: { type: "string", default: "en" }, lines: { type: "boolean", default: false },
      log: { type: "string" }, "log-head": { type: "string" }, visits: { type: "string" },
    },
  });
  const language: Language = values.lang === "zh" ? "zh" : "en";
  const jwks: unknown = values.jwks === undefined ? null : JSON.parse(await readFile(values.jwks, "utf8"));
  if (values.lines) {
    for await (const line of createInterface({ input: process.stdin })) {
      console.log(JSON.stringify(await answer(JSON.parse(line) as Asked, jwks)));
    }
    return 0;
  }
  if (values.batch !== undefined) {
    const items = JSON.parse(await readFile(values.batch, "utf8")) as { name: string; bundle: string; with?: string }[];
    const folder = dirname(values.batch);
    for (const item of items) {
      const added = item.with === undefined ? undefined : resolve(folder, item.with);
      const report = await check(resolve(folder, item.bundle), jwks, added, values.demo);
      console.log(JSON.stringify({ name: item.name, ...spoken(report, language) }));
    }
    return 0;
  }
  if (positionals.length !== 1) {
    console.error("usage: cli.mjs BUNDLE [--jwks FILE] [--with DIR] [--demo] [--lang zh|en] [--log FILE [--log-head FILE] [--visits FILE]] | --batch MANIFEST [--jwks FILE] [--demo] | --lines [--jwks FILE]");
    return 2;
  }
  const log = logFrom(await bytesAt(values.log), await bytesAt(values["log-head"]), await bytesAt(values.visits));
  const report = await check(positionals[0], jwks, values.with, values.demo, log);
  console.log(JSON.stringify(spoken(report, language), null, 1));
  return STATUS[report.verdict];
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  },
);
