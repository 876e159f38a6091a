// Section 5: who goes to whom. Tickets are hashed only for the candidates with the smallest count, since nobody else
// can be taken.
import type { Rules } from "./documents.ts";
import { compare } from "./bytes.ts";
import type { Tickets } from "./hash.ts";
import { list, type Table } from "./table.ts";

export interface Person {
  readonly key: string;
  readonly unit: string;
  readonly districts: ReadonlySet<string>;
  readonly specialties: ReadonlySet<string>;
}

/** A drawn subject; its district is null where `subjects.tsv` is withheld. */
export interface Drawn {
  readonly key: string;
  readonly ticket: string;
  readonly district: string | null;
}

export function people(table: Table): Person[] {
  return Array.from({ length: table.lines }, (_, line) => {
    const [key, unit, districts, specialties] = table.row(line);
    return { key, unit, districts: new Set(list(districts)), specialties: new Set(list(specialties)) };
  });
}

/** Who is excluded for each of these subjects. */
export function exclusions(table: Table, subjects: Iterable<string>): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>();
  for (const key of subjects) out.set(key, new Set());
  for (let line = 0; line < table.lines; line++) {
    const [person, subject] = table.row(line);
    out.get(subject)?.add(person);
  }
  return out;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Places people of one role, subject by subject in the order of the draw, and remembers who was placed how often. */
export class Placing {
  private readonly counts = new Map<string, number>();
  private readonly index = new Map<string, Person[]>();

  constructor(
    private readonly role: "officer" | "expert",
    private readonly tickets: Tickets,
    persons: readonly Person[],
    private readonly coverDistrict: boolean,
    private readonly excluded: ReadonlyMap<string, ReadonlySet<string>>,
  ) {
    for (const person of persons) {
      const units = role === "officer" ? person.unit : "";
      for (const district of coverDistrict ? person.districts : [""]) {
        const at = `${units}\t${district}`;
        const group = this.index.get(at);
        if (group) group.push(person);
        else this.index.set(at, [person]);
      }
    }
  }

  /** Everybody who may be placed with this subject: of the unit, for officers. */
  candidates(subject: Drawn, unit: string, taken: readonly string[]): Person[] {
    const group = this.index.get(`${this.role === "officer" ? unit : ""}\t${this.coverDistrict ? (subject.district ?? "") : ""}`) ?? [];
    const excluded = this.excluded.get(subject.key) ?? NOBODY;
    return group.filter((person) => !excluded.has(person.key) && !taken.includes(person.key));
  }

  /** `places` of the candidates in the order taken, or null if there are too few. Counts do not grow yet. */
  take(candidates: readonly Person[], places: number, specialty: string | null, subject: Drawn): string[] | null {
    if (candidates.length < places) return null;
    const left = new Set(candidates);
    const team: string[] = [];
    const known = new Map<Person, Uint8Array>();
    const ticket = (person: Person): Uint8Array => {
      const found = known.get(person) ?? this.tickets.person(this.role, person.key, subject.key);
      known.set(person, found);
      return found;
    };
    while (team.length < places) {
      const expert = team.length === 0 ? specialty : null;
      let best: Person | null = null;
      let bestCount = 0;
      for (const person of left) {
        if (expert !== null && !person.specialties.has(expert)) continue;
        const count = this.counts.get(person.key) ?? 0;
        if (best === null || count < bestCount || (count === bestCount && before(person, ticket(person), best, ticket(best)))) {
          best = person;
          bestCount = count;
        }
      }
      if (best === null) return null;
      left.delete(best);
      team.push(best.key);
    }
    return team;
  }

  placed(team: readonly string[]): void {
    for (const key of team) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

function before(a: Person, aTicket: Uint8Array, b: Person, bTicket: Uint8Array): boolean {
  const order = compare(aTicket, bTicket);
  return order < 0 || (order === 0 && a.key < b.key);
}

/** The officers for one subject, unit by unit; null: no team. `tight` if somewhere there was nobody to spare. */
export function teamFor(placing: Placing, rules: Rules, subject: Drawn): { team: string[] | null; tight: boolean } {
  const team: string[] = [];
  let whole = true;
  let tight = false;
  for (const { size, specialty, unit } of rules.teams) {
    const candidates = placing.candidates(subject, unit, team);
    tight ||= candidates.length <= size;
    const taken = whole ? placing.take(candidates, size, specialty, subject) : null;
    if (taken) team.push(...taken);
    else whole = false;
  }
  if (whole) placing.placed(team);
  return { team: whole ? team : null, tight };
}

/** The experts for one subject that has a team; none where there are too few. */
export function expertsFor(placing: Placing, rules: Rules, subject: Drawn, team: readonly string[]): { experts: string[]; tight: boolean } {
  const { count, specialty } = rules.experts;
  if (count === 0) return { experts: [], tight: false };
  const candidates = placing.candidates(subject, "", team);
  const experts = placing.take(candidates, count, specialty, subject) ?? [];
  placing.placed(experts);
  return { experts, tight: candidates.length <= count };
}
