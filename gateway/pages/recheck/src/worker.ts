// The verifier in a worker of its own: fetches or takes the bundle, says each check as it is done, then the report.
import type { Bytes } from "./bytes.ts";
import type { DrandSignature } from "./check_beacon.ts";
import { type GivenLog, LOG_BYTES_MAX } from "./checks_log.ts";
import { type Message, say } from "./message.ts";
import type { Check, Report } from "./report.ts";
import { verify } from "./verify.ts";

export interface Start {
  /** An address on this site, or a file the visitor chose. */
  readonly bundle: string | Blob;
  readonly jwks: string | null;
  readonly demo: boolean;
  /** Withheld files the visitor holds. */
  readonly added: readonly File[];
  /** Addresses of the log and its head, where there is one. */
  readonly log: { readonly lines: string; readonly head: string } | null;
}

export type Said =
  | { readonly kind: "check"; readonly check: Check }
  | { readonly kind: "progress"; readonly part: number }
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "failed"; readonly message: Message };

const tell = (said: Said): void => self.postMessage(said);

const MESSAGES_MS = 50;

/** What checks a drand beacon, from `drand.js` beside this script: it leaves its function in `qingtianDrand`. */
async function drand(): Promise<DrandSignature> {
  const script = self as unknown as { importScripts(address: string): void; qingtianDrand?: { isSignature: DrandSignature } };
  if (!script.qingtianDrand) script.importScripts(new URL("drand.js", self.location.href).href);
  if (!script.qingtianDrand) throw new Error("drand.js");
  return script.qingtianDrand.isSignature;
}
const HEAD_BYTES_MAX = 65_536;

async function open(bundle: string | Blob): Promise<{ stream: ReadableStream<Uint8Array>; size?: number }> {
  if (typeof bundle !== "string") return { stream: bundle.stream(), size: bundle.size };
  const response = await fetch(bundle, { credentials: "same-origin" });
  if (!response.ok || !response.body) throw new Error(`${response.status}`);
  const length = Number(response.headers.get("content-length"));
  return { stream: response.body, ...(length > 0 ? { size: length } : {}) };
}

/** The key file, or null where it cannot be had: then the signatures are reported as not checked. */
async function keyFile(address: string | null): Promise<unknown> {
  if (address === null) return null;
  try {
    const response = await fetch(address, { credentials: "same-origin" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** The bytes at an address, at most so many. */
async function fetched(address: string, bytesMax: number): Promise<Bytes> {
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length > bytesMax) throw new Error(`${bytes.length} bytes`);
  return bytes;
}

/** The log with its head, or why it could not be had. */
async function logOf(given: NonNullable<Start["log"]>): Promise<GivenLog | Message> {
  try {
    const [lines, head] = await Promise.all([fetched(given.lines, LOG_BYTES_MAX), fetched(given.head, HEAD_BYTES_MAX)]);
    return { lines, head };
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    return say(`变动日志取不到（${why}）`, `the log could not be fetched (${why})`);
  }
}

async function start(given: Start): Promise<void> {
  const jwks = await keyFile(given.jwks);
  const added = new Map<string, Bytes>();
  for (const file of given.added) added.set(file.name, new Uint8Array(await file.arrayBuffer()));
  let opened: { stream: ReadableStream<Uint8Array>; size?: number };
  try {
    opened = await open(given.bundle);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    tell({ kind: "failed", message: say(`证据包取不到（${why}），请稍后再试。`, `The bundle could not be fetched (${why}). Please try again later.`) });
    return;
  }
  let last = 0;
  const report = await verify({
    bundle: opened.stream, size: opened.size, jwks, demo: given.demo, added, drand, ...(given.log ? { log: await logOf(given.log) } : {}),
    onCheck: (check) => tell({ kind: "check", check }),
    onProgress: (part) => {
      if (part < 1 && performance.now() - last < MESSAGES_MS) return;
      last = performance.now();
      tell({ kind: "progress", part });
    },
  });
  tell({ kind: "report", report });
}

self.onmessage = (event: MessageEvent<Start>): void => {
  start(event.data).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    tell({ kind: "failed", message: say(`本浏览器无法完成复核（${why}）。请改用命令行程序或文档中的办法。`, `This browser cannot finish the check (${why}). Please use the command, or the recipe in the documentation.`) });
  });
};
