// The four JSON files of a bundle: their members, and the forms of what they hold.
import type { Bytes } from "./bytes.ts";
import { isDate, isDigest, isDrawId, isName, isSignature, isText, isTime } from "./forms.ts";
import { array, boolean, type Json, nullable, object, parseJson, type Shape, string, whole, Wrongs } from "./json.ts";
import { type Message, say, show } from "./message.ts";

export const PROTOCOL = "qingtian-draw-v1";

export interface Statement {
  beacon_at: string | null;
  commitment: string;
  digests: Record<string, string>;
  draw_id: string;
  entries_close: string;
  follows: string | null;
  merkle_root: string;
  plan: string;
  protocol: string;
  replaces: string | null;
  reveal_by: string;
  stated_at: string;
  subjects_n: number;
  unit: string;
}

export interface Quota {
  ppm?: number;
  count?: number;
}

export interface Rules {
  beacon_waived: string | null;
  cover_district: boolean;
  entropy: { contributor: string; kind: string; unit: string | null }[];
  experts: { count: number; specialty: string | null };
  plan: string;
  protocol: string;
  publish_after: { basis: string; date: string } | null;
  quotas: Record<string, Quota>;
  teams: { size: number; specialty: string | null; unit: string }[];
  withheld: { basis: string; files: string[] } | null;
}

export interface Draw {
  digests: { "result.tsv": string; "strata.tsv": string };
  entries: string[];
  revealed_at: string;
  secret: string;
  seed: string;
  statement: string;
}

export const SIGNED = ["statement", "entries", "draw"] as const;
export type Signed = (typeof SIGNED)[number];
export type Signatures = Record<Signed, { alg: string; kid: string; value: string }>;

const name = string(isName);
const digest = string(isDigest);
const time = string(isTime);
const any = string(() => true);

const statementShape: Shape = object({
  beacon_at: nullable(time),
  commitment: digest,
  digests: object({
    "exclusions.tsv": digest, "experts.tsv": digest, "left_out.tsv": digest, "officers.tsv": digest, "rules.json": digest,
    "subjects.tsv": digest,
  }),
  draw_id: string(isDrawId),
  entries_close: time,
  follows: nullable(string(isDrawId)),
  merkle_root: digest,
  plan: name,
  protocol: any,
  replaces: nullable(string(isDrawId)),
  reveal_by: time,
  stated_at: time,
  subjects_n: whole,
  unit: name,
});

const quota: Shape = (value, path, wrongs) => {
  const members = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  if (members.length === 1 && members[0] === "count") object({ count: whole })(value, path, wrongs);
  else if (members.length === 1 && members[0] === "ppm") object({ ppm: whole })(value, path, wrongs);
  else wrongs.add(say(`${path} 应恰有 ppm 与 count 之一`, `${path} must have exactly one of ppm and count`), true);
};

const quotas: Shape = (value, path, wrongs) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    object({})(value, path, wrongs);
    return;
  }
  for (const [stratum, one] of Object.entries(value)) {
    name(stratum, path, wrongs);
    quota(one, `${path}.${show(stratum)}`, wrongs);
  }
};

const rulesShape: Shape = object({
  beacon_waived: nullable(string(isText)),
  cover_district: boolean,
  entropy: array(object({ contributor: name, kind: any, unit: nullable(name) })),
  experts: object({ count: whole, specialty: nullable(name) }),
  plan: name,
  protocol: any,
  publish_after: nullable(object({ basis: string(isText), date: string(isDate) })),
  quotas,
  teams: array(object({ size: whole, specialty: nullable(name), unit: name })),
  withheld: nullable(object({ basis: string(isText), files: array(any) })),
});

const drawShape: Shape = object({
  digests: object({ "result.tsv": digest, "strata.tsv": digest }),
  entries: array(any),
  revealed_at: time,
  secret: digest,
  seed: digest,
  statement: digest,
});

const signature = object({ alg: string((alg) => alg === "EdDSA"), kid: string(isText), value: string(isSignature) });
const signaturesShape: Shape = object({ draw: signature, entries: signature, statement: signature });

/** The signed head of a log. */
export interface LogHead {
  digest: string;
  n: number;
  signature: { alg: string; kid: string; value: string };
}

const logHeadShape: Shape = object({ digest, n: whole, signature });

export interface Read<T> {
  /** Null if it cannot be used; used all the same where only its form is wrong. */
  readonly value: T | null;
  readonly problems: readonly Message[];
}

function read<T>(bytes: Bytes, shape: Shape): Read<T> {
  const { value, problem } = parseJson(bytes);
  const wrongs = new Wrongs();
  if (problem) wrongs.add(problem, false);
  if (value === undefined) return { value: null, problems: wrongs.messages };
  shape(value as Json, "$", wrongs);
  return { value: wrongs.grave ? null : (value as unknown as T), problems: wrongs.messages };
}

export const readStatement = (bytes: Bytes): Read<Statement> => read(bytes, statementShape);
export const readRules = (bytes: Bytes): Read<Rules> => read(bytes, rulesShape);
export const readDraw = (bytes: Bytes): Read<Draw> => read(bytes, drawShape);
export const readSignatures = (bytes: Bytes): Read<Signatures> => read(bytes, signaturesShape);
export const readLogHead = (bytes: Bytes): Read<LogHead> => read(bytes, logHeadShape);
