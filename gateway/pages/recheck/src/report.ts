// The report: checks in a fixed order, each true, false, or null where it could not be done.
import { join, type Message } from "./message.ts";

export const CHECKS = [
  "archive", "format", "statement", "digest", "commitment", "merkle", "subjects", "rules", "entries", "seed", "strata",
  "selection", "teams", "result_digest", "time", "signature",
] as const;
/** Made only where a log was given, one `log_act` for each line. */
export const LOG_CHECKS = ["log_format", "log_chain", "log_act", "log_head"] as const;
/** Every draw has those of the first list; a draw with a drand beacon also has `beacon_signature`, after `entries`. */
export type CheckId = (typeof CHECKS)[number] | (typeof LOG_CHECKS)[number] | "beacon_signature";
export type Verdict = "verified" | "partly" | "not_verified" | "unreadable";

export interface Check {
  readonly id: CheckId;
  readonly ok: boolean | null;
  readonly file?: string;
  readonly message: Message;
}

export interface Report {
  readonly verdict: Verdict;
  readonly draw_id: string | null;
  readonly checks: readonly Check[];
  readonly notes: readonly Message[];
}

/** What one check found: it fails if anything is wrong, and is not done if anything could not be looked at. */
export class Finding {
  private readonly wrong: Message[] = [];
  private readonly open: Message[] = [];

  constructor(
    private readonly id: CheckId,
    private readonly file?: string,
  ) {}

  fail(message: Message): void {
    this.wrong.push(message);
  }

  skip(message: Message): void {
    this.open.push(message);
  }

  failed(): boolean {
    return this.wrong.length > 0;
  }

  end(good: Message): Check {
    const file = this.file === undefined ? {} : { file: this.file };
    if (this.wrong.length > 0) return { id: this.id, ok: false, ...file, message: join(firstFew(this.wrong)) };
    if (this.open.length > 0) return { id: this.id, ok: null, ...file, message: join(firstFew(this.open)) };
    return { id: this.id, ok: true, ...file, message: good };
  }
}

const SHOWN_MAX = 3;

function firstFew(messages: Message[]): Message[] {
  if (messages.length <= SHOWN_MAX) return messages;
  const more = messages.length - SHOWN_MAX;
  return [...messages.slice(0, SHOWN_MAX), { zh: `另有 ${more} 处`, en: `and ${more} more` }];
}

export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some((check) => check.ok === false)) return "not_verified";
  return checks.some((check) => check.ok === null) ? "partly" : "verified";
}
