// Recusal after the draw (section 6): who is with which subject now, and who comes next when somebody leaves.
//
// Read strictly where the protocol leaves it open: a count is the number of subjects a person is with now, in that role; who
// left a subject by an act never comes back to it, in either role; the specialty that a unit's places ask for stays among its
// people of the team; an expert swaps with any other expert; what was visited keeps its team.
import type { Rules } from "./documents.ts";
import { type Tickets } from "./hash.ts";
import { toHex } from "./bytes.ts";
import { type Message, say, show } from "./message.ts";
import type { Person } from "./teams.ts";

export type Role = "officer" | "expert";
const ROLES = ["officer", "expert"] as const;
export type Act = "WITHDRAW" | "EXCHANGE";

/** A drawn subject and who is with it; null is a place that stayed empty, or a district that is not known. */
export interface Placed {
  readonly key: string;
  readonly ticket: string;
  readonly district: string | null;
  readonly officer: (string | null)[];
  readonly expert: (string | null)[];
}

/** What is known of a draw besides its result; what is withheld is null. */
export interface Known {
  readonly rules: Pick<Rules, "cover_district" | "teams" | "experts">;
  readonly tickets: Tickets;
  /** Sorted by key, as read from the files. */
  readonly officer: readonly Person[] | null;
  readonly expert: readonly Person[] | null;
  readonly exclusions: ReadonlyMap<string, ReadonlySet<string>> | null;
}

export interface Change {
  readonly act: Act;
  readonly role: Role;
  readonly subject: string;
  readonly out: string;
  /** Null: the place stays empty. */
  readonly joins: string | null;
  readonly other: string | null;
}

export interface Leaving {
  readonly at: number;
  readonly role: Role;
  readonly out: string;
}

/** What the examination of one act came to. */
export interface Examined {
  readonly wrong: Message[];
  /** The files do not say whether it was the act dictated. */
  open: boolean;
  /** Subjects that must have been visited. */
  readonly passed: number[];
}

/** Says why something cannot be. */
export class Obstacle extends Error {
  constructor(readonly said: Message) {
    super(said.en);
  }
}

const obstacle = (zh: string, en: string): Obstacle => new Obstacle(say(zh, en));

export class Recusals {
  private readonly index = new Map<string, number>();
  private readonly placed: readonly Placed[];
  private readonly known: Known;
  private readonly people: Readonly<Record<Role, ReadonlyMap<string, Person> | null>>;
  private readonly subjects: Readonly<Record<Role, Map<string, Set<number>>>> = { officer: new Map(), expert: new Map() };
  private readonly left = new Set<string>();
  /** Subjects an exchange passed over, so that they must have been visited by then, with the line that says so. */
  private readonly passed = new Map<number, number>();

  /** The teams as the result left them; throws an {@link Obstacle} where they cannot be gone on from. */
  constructor(known: Known, result: readonly Placed[]) {
    this.known = known.rules.experts.count === 0 ? { ...known, expert: [] } : known;
    const byKey = (people: readonly Person[] | null): Map<string, Person> | null =>
      people && new Map(people.map((person) => [person.key, person]));
    this.people = { officer: byKey(this.known.officer), expert: byKey(this.known.expert) };
    this.placed = result;
    result.forEach((placed, at) => {
      const before = result[at - 1];
      const name = show(placed.key);
      if (before && (before.ticket > placed.ticket || (before.ticket === placed.ticket && before.key >= placed.key))) {
        throw obstacle(`${name} 不按号的次序`, `${name} is not in the order of tickets`);
      }
      if (this.index.has(placed.key)) throw obstacle(`${name} 抽中两次`, `${name} is drawn twice`);
      this.index.set(placed.key, at);
      const here = new Set<string>();
      for (const role of ROLES) {
        for (const person of placed[role]) {
          if (person === null) continue;
          if (here.has(person)) throw obstacle(`${show(person)} 两次派往 ${name}`, `${show(person)} is sent to ${name} twice`);
          here.add(person);
          this.join(role, person, at);
        }
      }
    });
  }

  /** Every subject with its officers and experts as they stand. */
  rows(): readonly Placed[] {
    return this.placed;
  }

  key(at: number): string {
    return this.placed[at].key;
  }

  /** Remembers that by this line these subjects had been visited. */
  pass(subjects: readonly number[], line: number): void {
    for (const at of subjects) if (!this.passed.has(at)) this.passed.set(at, line);
  }

  /** Who leaves, if that can be; throws an {@link Obstacle}. */
  leaving(subject: string, out: string): Leaving {
    const at = this.at(subject);
    const role = this.roleOf(at, out);
    if (role === null) throw obstacle(`${show(out)} 不在 ${show(subject)} 的检查组里`, `${show(out)} is not with ${show(subject)}`);
    const people = this.people[role];
    if (people && !people.has(out)) throw obstacle(`${show(out)} 不在 ${role}s.tsv 中`, `${show(out)} is not in ${role}s.tsv`);
    return { at, role, out };
  }

  /** What the protocol dictates; throws an {@link Obstacle} where nothing can be. */
  decide(wish: Act, subject: string, out: string, isVisited: (subject: string) => boolean): { change: Change; passed: number[] } {
    const leaving = this.leaving(subject, out);
    const visited = (at: number): boolean => isVisited(this.key(at)) || this.passed.has(at);
    if (visited(leaving.at)) throw obstacle(`${show(subject)} 已经检查过，不再换人`, `${show(subject)} was visited: its team stays`);
    if (!this.isWhole(leaving.role)) throw obstacle("名单不公开，无法算出由谁接替", "without every file of the draw nobody can say who comes next");
    const { at, role } = leaving;
    const passed: number[] = [];
    if (wish === "EXCHANGE") {
      for (const [partner, other] of this.partners(leaving)) {
        if (!visited(other)) return { change: { act: "EXCHANGE", role, subject: this.key(at), out, joins: partner, other: this.key(other) }, passed };
        passed.push(other);
      }
    }
    // Without a partner it is a withdrawal, which passes nobody over.
    return { change: { act: "WITHDRAW", role, subject: this.key(at), out, joins: this.next(leaving), other: null }, passed: [] };
  }

  /** Whether a claimed change is the one dictated. `isVisited` is null where nothing is known of visits. */
  examine(leaving: Leaving, claimed: Change, isVisited: ((subject: string) => boolean) | null): Examined {
    const found: Examined = { wrong: [], open: false, passed: [] };
    this.examineVisits(leaving.at, isVisited, found);
    if (claimed.joins === null || claimed.other === null) {
      this.examineNext(leaving, claimed.joins, found);
      return found;
    }
    const other = this.index.get(claimed.other);
    if (other === undefined) {
      found.wrong.push(say(`${show(claimed.other)} 没有抽中`, `${show(claimed.other)} was not drawn`));
      return found;
    }
    this.examineVisits(other, isVisited, found);
    this.examinePartner(leaving, claimed.joins, other, isVisited, found);
    return found;
  }

  /** Carries a change out, or throws an {@link Obstacle} and leaves the teams as they are. */
  apply({ act, role, subject, out, joins, other }: Change): void {
    const at = this.at(subject);
    const isNotWith = (person: string, where: string): Obstacle =>
      obstacle(`${show(person)} 不在 ${show(where)} 的检查组里`, `${show(person)} is not with ${show(where)}`);
    const isAlreadyWith = (person: string, where: string): Obstacle =>
      obstacle(`${show(person)} 已经在 ${show(where)} 的检查组里`, `${show(person)} is already with ${show(where)}`);
    if (this.roleOf(at, out) !== role) throw isNotWith(out, subject);
    if (joins !== null && this.roleOf(at, joins) !== null) throw isAlreadyWith(joins, subject);
    if (act === "EXCHANGE" && joins !== null && other !== null) {
      const there = this.at(other);
      if (this.roleOf(there, joins) !== role) throw isNotWith(joins, other);
      if (this.roleOf(there, out) !== null) throw isAlreadyWith(out, other);
      this.replace(there, role, joins, out);
    }
    this.replace(at, role, out, joins);
    this.left.add(`${at}\t${out}`);
  }

  private at(subject: string): number {
    const at = this.index.get(subject);
    if (at === undefined) throw obstacle(`${show(subject)} 没有抽中`, `${show(subject)} was not drawn`);
    return at;
  }

  private join(role: Role, person: string, at: number): void {
    const theirs = this.subjects[role].get(person);
    if (theirs) theirs.add(at);
    else this.subjects[role].set(person, new Set([at]));
  }

  private replace(at: number, role: Role, out: string, joins: string | null): void {
    const places = this.placed[at][role];
    places.forEach((person, place) => {
      if (person === out) places[place] = joins;
    });
    this.subjects[role].get(out)?.delete(at);
    if (joins !== null) this.join(role, joins, at);
  }

  /** The role in which somebody is with a subject: never both. */
  private roleOf(at: number, person: string): Role | null {
    return ROLES.find((role) => this.placed[at][role].includes(person)) ?? null;
  }

  private isWhole(role: Role): boolean {
    return this.people[role] !== null && this.known.exclusions !== null && (!this.known.rules.cover_district || this.placed.every(({ district }) => district !== null));
  }

  /** The unit whose place it is; experts have none. */
  private unit(role: Role, person: string): string | null {
    return role === "officer" ? (this.people.officer?.get(person)?.unit ?? null) : null;
  }

  private ticket(role: Role, person: string, at: number): string {
    return toHex(this.known.tickets.person(role, person, this.key(at)));
  }

  /** The next candidate by (count, ticket, key), with the specialty where the team would otherwise have none. */
  next(leaving: Leaving): string | null {
    const { role, at } = leaving;
    const wanted = this.lacks(leaving, null);
    let best: { count: number; ticket: string; key: string } | null = null;
    for (const person of this.known[role] ?? []) {
      if (wanted !== null && !person.specialties.has(wanted)) continue;
      if (this.obstacle(leaving, person.key, at) !== null) continue;
      const one = { count: this.subjects[role].get(person.key)?.size ?? 0, ticket: this.ticket(role, person.key, at), key: person.key };
      const before = best === null || one.count < best.count || (one.count === best.count && (one.ticket < best.ticket || (one.ticket === best.ticket && one.key < best.key)));
      if (before) best = one;
    }
    return best?.key ?? null;
  }

  /** Every partner of an exchange that holds all rules, visits aside, in the order in which they are gone through. */
  private *partners(leaving: Leaving): Generator<[string, number]> {
    const { role, at, out } = leaving;
    const unit = this.unit(role, out);
    const others = (this.known[role] ?? [])
      .filter((other) => unit === null || other.unit === unit)
      .map((other) => ({ key: other.key, ticket: this.ticket(role, other.key, at) }))
      .sort((a, b) => (a.ticket < b.ticket || (a.ticket === b.ticket && a.key < b.key) ? -1 : 1));
    for (const { key: other } of others) {
      if (this.obstacle(leaving, other, at) !== null || this.lacks(leaving, other) !== null) continue;
      // In the order of the result, which is that of (ticket, key).
      const theirs = [...(this.subjects[role].get(other) ?? [])].sort((a, b) => a - b);
      for (const there of theirs) if (this.swapObstacle(leaving, other, there) === null) yield [other, there];
    }
  }

  /** Why `out` cannot take the place of `partner` at another subject. */
  private swapObstacle(leaving: Leaving, partner: string, at: number): Message | null {
    const against = this.obstacle(leaving, leaving.out, at);
    if (against) return against;
    const lost = this.lacks({ at, role: leaving.role, out: partner }, leaving.out);
    return lost === null ? null : say(`会使 ${show(this.key(at))} 失去专长 ${show(lost)}`, `would leave ${show(this.key(at))} without specialty ${show(lost)}`);
  }

  /** Why somebody cannot be placed with a subject, as far as the files say; null if nothing speaks against it. */
  private obstacle({ role, out }: Leaving, person: string, at: number): Message | null {
    const subject = this.key(at);
    const people = this.people[role];
    if (people) {
      const found = people.get(person);
      if (!found) return say(`不在 ${role}s.tsv 中`, `is not in ${role}s.tsv`);
      const unit = this.unit(role, out);
      if (unit !== null && unit !== found.unit) return say(`属于 ${show(found.unit)}，不属于 ${show(unit)}`, `is of unit ${show(found.unit)}, not ${show(unit)}`);
      const district = this.known.rules.cover_district ? this.placed[at].district : null;
      if (district !== null && !found.districts.has(district)) return say(`不负责 ${show(district)}`, `does not cover ${show(district)}`);
    }
    if (this.known.exclusions?.get(subject)?.has(person)) return say(`按 exclusions.tsv 应当回避 ${show(subject)}`, `is excluded from ${show(subject)} by exclusions.tsv`);
    if (this.left.has(`${at}\t${person}`)) return say(`已经退出过 ${show(subject)}`, `left ${show(subject)} before`);
    return this.roleOf(at, person) === null ? null : say(`已经在 ${show(subject)} 的检查组里`, `is already with ${show(subject)}`);
  }

  /** The specialty that nobody of the unit, or of the experts, has there once one leaves and another joins. */
  private lacks({ at, role, out }: Leaving, joins: string | null): string | null {
    const people = this.people[role];
    if (!people) return null;
    const unit = this.unit(role, out);
    const { teams, experts } = this.known.rules;
    const wanted = role === "expert" ? experts.specialty : (teams.find((places) => places.unit === unit)?.specialty ?? null);
    if (wanted === null) return null;
    const there = [...this.placed[at][role].filter((person) => person !== out), joins];
    const kept = there.some((one) => {
      const person = one === null ? undefined : people.get(one);
      return person !== undefined && (unit === null || person.unit === unit) && person.specialties.has(wanted);
    });
    return kept ? null : wanted;
  }

  private examineVisits(at: number, isVisited: ((subject: string) => boolean) | null, found: Examined): void {
    const subject = show(this.key(at));
    if (isVisited?.(this.key(at))) found.wrong.push(say(`${subject} 已经检查过，不再换人`, `${subject} was visited: its team stays`));
    const line = this.passed.get(at);
    if (line !== undefined) found.wrong.push(say(`第 ${line} 行因 ${subject} 已检查而跳过了它`, `${subject} was passed over as visited in line ${line}`));
  }

  private examineNext(leaving: Leaving, joins: string | null, found: Examined): void {
    const against = joins === null ? null : this.obstacle(leaving, joins, leaving.at);
    if (!this.isWhole(leaving.role)) {
      found.open = true;
      if (against && joins !== null) found.wrong.push(say(`${show(joins)} ${against.zh}`, `${show(joins)} ${against.en}`));
      return;
    }
    const next = this.next(leaving);
    if (next === joins) return;
    found.wrong.push(
      say(
        `按任务数和号应由 ${next === null ? "无人" : show(next)} 接替，不是 ${joins === null ? "无人" : show(joins)}${against ? `（${against.zh}）` : ""}`,
        `next by count and ticket comes ${next === null ? "nobody" : show(next)}, not ${joins === null ? "nobody" : show(joins)}${against ? `, who ${against.en}` : ""}`,
      ),
    );
  }

  private examinePartner(leaving: Leaving, partner: string, other: number, isVisited: ((subject: string) => boolean) | null, found: Examined): void {
    const { at, role, out } = leaving;
    const there = show(this.key(other));
    const wrong = (zh: string, en: string): void => void found.wrong.push(say(zh, en));
    if (this.roleOf(other, partner) !== role) {
      wrong(`${show(partner)} 不在 ${there} 的检查组里`, `${show(partner)} is not with ${there}`);
      return;
    }
    const against = this.obstacle(leaving, partner, at);
    if (against) {
      wrong(`${show(partner)} ${against.zh}`, `${show(partner)} ${against.en}`);
      return;
    }
    const lost = this.lacks(leaving, partner);
    if (lost !== null) {
      wrong(`${show(partner)} 会使 ${show(this.key(at))} 失去专长 ${show(lost)}`, `${show(partner)} leaves ${show(this.key(at))} without specialty ${show(lost)}`);
      return;
    }
    const back = this.swapObstacle(leaving, partner, other);
    if (back) {
      wrong(`${show(out)} ${back.zh}`, `${show(out)} ${back.en}`);
      return;
    }
    if (!this.isWhole(role)) {
      found.open = true;
      return;
    }
    for (const [person, where] of this.partners(leaving)) {
      if (person === partner && where === other) return;
      // Where nothing is known of visits it must have been visited; not so if it is where this act goes.
      const visited = isVisited ? isVisited(this.key(where)) : where !== other;
      if (!visited) {
        const first = show(this.key(where));
        wrong(`第一个可以交换的是 ${first} 的 ${show(person)}，不是 ${there} 的 ${show(partner)}`, `the first partner is ${show(person)} at ${first}, not ${show(partner)} at ${there}`);
        return;
      }
      found.passed.push(where);
    }
    // Not reached: a partner against whom nothing speaks is gone through above.
    wrong(`${there} 的 ${show(partner)} 不能交换`, `${show(partner)} at ${there} is no partner`);
  }
}
