// The check `signature`: who signed, with which key, in its time.
import { hashes as curve, verify } from "@noble/ed25519";
import { type Bytes, fromBase64url, lines } from "./bytes.ts";
import { type Rules, SIGNED, type Signed } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import { isTime } from "./forms.ts";
import type { Hashes } from "./hash.ts";
import { type Message, say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";

export interface Key {
  readonly kid: string;
  readonly key: Bytes;
  readonly purpose: string;
  /** Signs from this second on, until before that one. */
  readonly from: number;
  readonly until: number;
}

/** The keys of a key file, those of other kinds left aside; null if no file was given. */
export function keysOf(file: unknown): readonly Key[] | null {
  if (file === null || file === undefined) return null;
  const keys = typeof file === "object" ? (file as { keys?: unknown }).keys : undefined;
  return Array.isArray(keys) ? keys.map(keyOf).filter((key) => key !== null) : [];
}

/** Null for a key that is not for Ed25519, or lacks what a check needs. */
function keyOf(found: unknown): Key | null {
  if (found === null || typeof found !== "object") return null;
  const { kty, crv, kid, x, purpose, nbf, exp } = found as Record<string, unknown>;
  const key = typeof x === "string" ? fromBase64url(x, 32) : null;
  const from = seconds(nbf);
  const until = exp === undefined || exp === null ? Number.POSITIVE_INFINITY : seconds(exp);
  if (kty !== "OKP" || crv !== "Ed25519" || typeof kid !== "string" || typeof purpose !== "string" || !key || from === null || until === null) return null;
  return { kid, key, purpose, from, until };
}

/** Seconds since 1970, written so or as a time of the protocol. */
function seconds(value: unknown): number | null {
  if (typeof value === "number") return Number.isInteger(value) ? value : null;
  return typeof value === "string" && isTime(value) ? Date.parse(value) / 1000 : null;
}

/** Statement and entries may have a key of their own; a demonstration may have one for all. */
const mayUse = (key: Key, purposes: readonly string[]): boolean =>
  purposes.includes(key.purpose) || (key.purpose === "demonstration" && key.kid.startsWith("demo-"));

const WHAT: Readonly<Record<Signed, Message>> = {
  statement: say("声明", "the statement"),
  entries: say("各方的数", "the entries"),
  draw: say("抽查结果", "the draw"),
};

/** The signed text, or why it cannot be built. */
function textOf(name: Signed, evidence: Evidence, hashes: Hashes): Uint8Array | Message {
  const stated = evidence.files.get("statement.json");
  const drawn = evidence.files.get("draw.json");
  if (name === "draw") return drawn ? lines("qingtian-evidence-v1", hashes.hex(drawn)) : evidence.why("draw.json");
  if (!stated) return evidence.why("statement.json");
  if (name === "statement") return lines("qingtian-statement-v1", hashes.hex(stated));
  if (!evidence.draw || !evidence.rules) return evidence.why(evidence.draw ? "rules.json" : "draw.json");
  return lines("qingtian-entries-v1", hashes.hex(stated), ...withoutBeacon(evidence.draw.entries, evidence.rules));
}

function withoutBeacon(entries: readonly string[], rules: Rules): readonly string[] {
  return rules.beacon_waived === null ? entries.slice(0, -1) : entries;
}

/** When it was signed, in seconds since 1970; null where that cannot be known. */
function signedAt(name: Signed, evidence: Evidence): number | null {
  const time = name === "statement" ? evidence.statement?.stated_at : name === "entries" ? evidence.statement?.entries_close : evidence.draw?.revealed_at;
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? null : at / 1000;
}

export function signatureChecks(evidence: Evidence, hashes: Hashes, keys: readonly Key[] | null, demo: boolean): Check[] {
  return SIGNED.map((name) => {
    const finding = new Finding("signature", name);
    const signature = evidence.signatures?.[name];
    if (!signature) finding.skip(evidence.why("signatures.json"));
    else {
      const purposes = name === "draw" ? ["evidence"] : ["evidence", "statement"];
      signedBy(finding, { signature, keys, demo, purposes, at: signedAt(name, evidence), text: textOf(name, evidence, hashes), what: WHAT[name], hashes });
    }
    return finding.end(say(`${WHAT[name].zh}由密钥 ${show(signature?.kid ?? "")} 签名`, `${WHAT[name].en} is signed with the key ${show(signature?.kid ?? "")}`));
  });
}

/** One signature, and all that decides whether it holds. */
export interface Signing {
  readonly signature: { readonly kid: string; readonly value: string };
  /** Null if none were given. */
  readonly keys: readonly Key[] | null;
  readonly demo: boolean;
  /** What the key may be for. */
  readonly purposes: readonly string[];
  /** When it was signed, in seconds since 1970; null where that cannot be known. */
  readonly at: number | null;
  /** What was signed, or why it cannot be built. */
  readonly text: Uint8Array | Message;
  readonly what: Message;
  readonly hashes: Hashes;
}

export function signedBy(finding: Finding, { signature, keys, demo, purposes, at, text, what, hashes }: Signing): void {
  const kid = show(signature.kid);
  if (!demo && signature.kid.startsWith("demo-")) {
    finding.fail(say(`密钥 ${kid} 只供演示，不能证明真实的抽查`, `the key ${kid} is a demonstration's: it proves no real draw`));
  }
  if (keys === null) {
    finding.skip(say("没有公钥，签名未验证", "no key was given, so the signature was not checked"));
    return;
  }
  const named = keys.filter((key) => key.kid === signature.kid);
  const value = fromBase64url(signature.value, 64);
  if (named.length !== 1) {
    finding.fail(say(`公钥文件中没有（或不止一个）可用的 Ed25519 密钥 ${kid}`, `the key file has no Ed25519 key ${kid} with purpose and nbf, or more than one`));
    return;
  }
  const [key] = named;
  if (!mayUse(key, purposes)) finding.fail(say(`密钥 ${kid} 不是用于证据的`, `the key ${kid} is not one for evidence`));
  if (at === null) finding.skip(say("签名的时间无法读出", "the time of signing could not be read"));
  else if (at < key.from || at >= key.until) {
    finding.fail(say(`密钥 ${kid} 在签名时无效`, `the key ${kid} was not in force when this was signed`));
  }
  if (!(text instanceof Uint8Array)) finding.skip(text);
  else if (!value || !holds(value, text, key.key, hashes)) finding.fail(say(`${what.zh}的签名不对`, `the signature of ${what.en} is wrong`));
}

function holds(value: Uint8Array, text: Uint8Array, key: Uint8Array, hashes: Hashes): boolean {
  curve.sha512 = (message: Uint8Array) => hashes.long(message);
  try {
    return verify(value, text, key, { zip215: false });
  } catch {
    return false;
  }
}
