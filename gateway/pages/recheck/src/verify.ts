// Verifies one bundle: sections 1 to 5, 7 and 8 of the protocol. Knows nothing of pages or files.
import { readArchive } from "./archive.ts";
import type { Bytes } from "./bytes.ts";
import { beaconCheck, type DrandSignature } from "./check_beacon.ts";
import { teamsCheck } from "./check_teams.ts";
import { merkleCheck, resultDigestChecks, selectionCheck, strataCheck, subjectsCheck } from "./checks_draw.ts";
import { type GivenLog, logChecks } from "./checks_log.ts";
import { commitmentCheck, digestChecks, entriesCheck, rulesCheck, seedCheck, statementCheck, timeCheck } from "./checks_text.ts";
import { Evidence } from "./evidence.ts";
import { Hashes } from "./hash.ts";
import { type Message, say } from "./message.ts";
import { notesOf } from "./notes.ts";
import { type Check, CHECKS, type Report, verdictOf } from "./report.ts";
import { countStrata, select } from "./select.ts";
import { keysOf, signatureChecks } from "./signatures.ts";

export interface Input {
  readonly bundle: ReadableStream<Uint8Array>;
  /** Bytes of the bundle, if known, for the progress. */
  readonly size?: number;
  /** The parsed key file; null if none was given. */
  readonly jwks: unknown;
  /** Whether keys of demonstrations are accepted. */
  readonly demo: boolean;
  /** Withheld files given apart, by name. */
  readonly added?: ReadonlyMap<string, Bytes>;
  /** The log of what was changed since for recusals; or why it could not be had, though there is one. */
  readonly log?: GivenLog | Message;
  /** Fetches what checks a drand round's signature; asked only of draws with such a beacon. */
  readonly drand: () => Promise<DrandSignature>;
  readonly onCheck?: (check: Check) => void;
  /** From 0 to 1. */
  readonly onProgress?: (part: number) => void;
}

const READING = 0.4;

export async function verify(input: Input): Promise<Report> {
  const hashes = await Hashes.load();
  const checks: Check[] = [];
  const progress = input.onProgress ?? ((): void => undefined);
  const add = (...found: Check[]): void => {
    for (const check of found) {
      checks.push(check);
      input.onCheck?.(check);
    }
  };
  const archive = await readArchive(input.bundle, hashes, (bytes) => {
    if (input.size) progress(Math.min(1, bytes / input.size) * READING);
  });
  if (archive.unreadable) {
    add({ id: "archive", ok: false, message: archive.unreadable });
    add(...CHECKS.slice(1).map((id): Check => ({ id, ok: null, message: say("证据包无法读取", "the bundle cannot be read") })));
    return { verdict: "unreadable", draw_id: null, checks, notes: [] };
  }
  const evidence = new Evidence(archive, input.added ?? new Map());
  let step = 0;
  const done = (...found: Check[]): void => {
    add(...found);
    step++;
    progress(READING + ((1 - READING) * step) / CHECKS.length);
  };
  done(...evidence.archiveChecks());
  done(...evidence.formatChecks());
  done(statementCheck(evidence, hashes));
  done(...digestChecks(evidence, hashes));
  done(commitmentCheck(evidence, hashes));
  done(merkleCheck(evidence, hashes));
  done(subjectsCheck(evidence));
  const subjects = evidence.table("subjects.tsv");
  const strata = subjects ? countStrata(subjects) : null;
  done(rulesCheck(evidence, strata));
  done(entriesCheck(evidence));
  const beacon = await beaconCheck(evidence, input.drand);
  if (beacon) add(beacon);
  done(seedCheck(evidence, hashes));
  const { rules, draw } = evidence;
  const selection =
    subjects && strata && rules && draw
      ? select(subjects, strata, new Map(Object.entries(rules.quotas)), hashes.tickets(draw.seed), (lines) =>
          progress(READING + ((1 - READING) * (step + lines / Math.max(1, subjects.lines))) / CHECKS.length))
      : null;
  done(strataCheck(evidence, selection, hashes));
  done(selectionCheck(evidence, selection, hashes));
  const teams = teamsCheck(evidence, selection, hashes);
  done(teams.check);
  done(...resultDigestChecks(evidence, selection, hashes));
  done(timeCheck(evidence));
  const keys = keysOf(input.jwks);
  done(...signatureChecks(evidence, hashes, keys, input.demo));
  const notes = notesOf(evidence, teams);
  if (input.log && "lines" in input.log) {
    const log = logChecks(evidence, hashes, input.log, keys, input.demo);
    add(...log.checks);
    notes.push(...log.notes);
  } else if (input.log) {
    add({ id: "log_format", ok: null, file: "log", message: input.log });
  }
  return { verdict: verdictOf(checks), draw_id: evidence.statement?.draw_id ?? null, checks, notes };
}
