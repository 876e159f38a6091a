// The check `teams`: recomputed where the files allow it; where they do not, everything that can still be seen.
import type { Rules } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import type { Hashes } from "./hash.ts";
import { type Message, say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";
import type { Selection } from "./select.ts";
import { list, type Table } from "./table.ts";
import { type Drawn, exclusions, expertsFor, people, type Person, Placing, teamFor } from "./teams.ts";

interface Line {
  readonly number: number;
  readonly key: string;
  readonly officers: readonly string[];
  readonly experts: readonly string[];
}

export interface TeamsFound {
  readonly check: Check;
  /** How many subjects had no more candidates than places; null where that cannot be known. */
  readonly tight: number | null;
  readonly withoutTeam: number | null;
}

export function teamsCheck(evidence: Evidence, selection: Selection | null, hashes: Hashes): TeamsFound {
  const finding = new Finding("teams", "result.tsv");
  const result = evidence.table("result.tsv");
  const { rules, draw } = evidence;
  if (!result || !rules || !draw) {
    finding.skip(evidence.why(!result ? "result.tsv" : !rules ? "rules.json" : "draw.json"));
    return { check: finding.end(say("", "")), tight: null, withoutTeam: null };
  }
  const lines: Line[] = Array.from({ length: result.lines }, (_, line) => {
    const [key, , officers, experts] = result.row(line);
    return { number: line + 1, key, officers: list(officers), experts: list(experts) };
  });
  const drawn: readonly Drawn[] = selection?.drawn ?? lines.map((line, i) => ({ key: line.key, ticket: result.text(i, 1), district: null }));
  const tables = {
    officers: evidence.table("officers.tsv"), experts: evidence.table("experts.tsv"), exclusions: evidence.table("exclusions.tsv"),
  };
  for (const line of lines) sizes(finding, line, rules);
  // Without the pool a subject's district is unknown; where districts play no part, that does not matter.
  const lacking = [
    ...(selection || !rules.cover_district ? [] : ["subjects.tsv"]),
    ...(tables.exclusions ? [] : ["exclusions.tsv"]),
  ];
  const officersLack = [...lacking, ...(tables.officers ? [] : ["officers.tsv"])];
  const expertsLack = rules.experts.count === 0 ? [] : [...lacking, ...(tables.experts ? [] : ["experts.tsv"])];
  for (const name of new Set([...officersLack, ...expertsLack])) finding.skip(evidence.why(name));

  const excluded = tables.exclusions ? exclusions(tables.exclusions, drawn.map(({ key }) => key)) : new Map<string, Set<string>>();
  const byKey = new Map(lines.map((line) => [line.key, line]));
  const tickets = hashes.tickets(draw.seed);
  const placing = (role: "officer" | "expert", table: Table | null): Placing =>
    new Placing(role, tickets, table ? people(table) : [], rules.cover_district, excluded);
  const officers = officersLack.length === 0 ? placing("officer", tables.officers) : null;
  const experts = expertsLack.length === 0 ? placing("expert", tables.experts) : null;
  let tight = 0;
  for (const subject of drawn) {
    const line = byKey.get(subject.key);
    const found = officers ? teamFor(officers, rules, subject) : null;
    if (found && line) same(finding, line, line.officers, found.team ?? [], say("执法人员", "officers"));
    const team = found ? found.team : line && line.officers.length > 0 ? line.officers : null;
    const helpers = experts && team ? expertsFor(experts, rules, subject, team) : null;
    if (experts && line) same(finding, line, line.experts, helpers?.experts ?? [], say("专家", "experts"));
    if (found?.tight || helpers?.tight) tight++;
  }
  if (officersLack.length > 0 && tables.officers) partial(finding, lines, people(tables.officers), "officers", rules, drawn, tables.exclusions ? excluded : null);
  if (expertsLack.length > 0 && tables.experts) partial(finding, lines, people(tables.experts), "experts", rules, drawn, tables.exclusions ? excluded : null);
  const known = officersLack.length === 0 && expertsLack.length === 0;
  return {
    check: finding.end(say(`${lines.length} 户的检查组都由种子重算得出`, `the teams of all ${lines.length} subjects follow from the seed`)),
    tight: known ? tight : null,
    withoutTeam: lines.filter((line) => line.officers.length === 0).length,
  };
}

function at(line: Line, zh: string, en: string): Message {
  return say(`第 ${line.number} 行 ${show(line.key)}：${zh}`, `line ${line.number}, ${show(line.key)}: ${en}`);
}

function same(finding: Finding, line: Line, found: readonly string[], expected: readonly string[], who: Message): void {
  if (found.join(",") === expected.join(",")) return;
  const [is, should] = [show(found.join(",")) || "-", show(expected.join(",")) || "-"];
  finding.fail(at(line, `${who.zh}是 ${is}，应为 ${should}`, `the ${who.en} are ${is}, and should be ${should}`));
}

/** What holds for every team, whoever is in it. */
function sizes(finding: Finding, line: Line, rules: Rules): void {
  const size = rules.teams.reduce((sum, team) => sum + team.size, 0);
  const { officers, experts } = line;
  if (officers.length !== 0 && officers.length !== size) {
    finding.fail(at(line, `有 ${officers.length} 名执法人员，应为 ${size} 名`, `it has ${officers.length} officers, not ${size}`));
  }
  if (experts.length !== 0 && experts.length !== rules.experts.count) {
    finding.fail(at(line, `有 ${experts.length} 名专家，应为 ${rules.experts.count} 名`, `it has ${experts.length} experts, not ${rules.experts.count}`));
  }
  if (officers.length === 0 && experts.length > 0) finding.fail(at(line, "没有检查组却有专家", "it has experts, and no team"));
  const everybody = [...officers, ...experts];
  if (new Set(everybody).size !== everybody.length) finding.fail(at(line, "有人出现两次", "somebody is in it twice"));
}

/** What the list of people alone still shows: each is on it, of the right unit, covers, is not excluded. */
function partial(
  finding: Finding, lines: readonly Line[], persons: readonly Person[], role: "officers" | "experts", rules: Rules,
  drawn: readonly Drawn[], excluded: ReadonlyMap<string, ReadonlySet<string>> | null,
): void {
  const known = new Map(persons.map((person) => [person.key, person]));
  const districts = new Map(drawn.map(({ key, district }) => [key, district]));
  // The rules may promise any number of places: only those that somebody has are looked at.
  const most = lines.reduce((most, line) => Math.max(most, line[role].length), 0);
  const groups = role === "officers" ? rules.teams : [{ size: rules.experts.count, specialty: rules.experts.specialty, unit: null }];
  const places: { unit: string | null; specialty: string | null }[] = [];
  for (const { size, specialty, unit } of groups) {
    for (let i = 0; i < size && places.length < most; i++) places.push({ unit, specialty: i === 0 ? specialty : null });
  }
  for (const line of lines) {
    const district = districts.get(line.key) ?? null;
    line[role].forEach((key, i) => {
      const person = known.get(key);
      const place = places[i];
      if (!person || !place) {
        if (!person) finding.fail(at(line, `${show(key)} 不在名册中`, `${show(key)} is not on the list`));
        return;
      }
      if (place.unit !== null && person.unit !== place.unit) finding.fail(at(line, `${show(key)} 不属于 ${show(place.unit)}`, `${show(key)} is not of ${show(place.unit)}`));
      if (place.specialty !== null && !person.specialties.has(place.specialty)) finding.fail(at(line, `${show(key)} 没有专长 ${show(place.specialty)}`, `${show(key)} has not the specialty ${show(place.specialty)}`));
      if (rules.cover_district && district !== null && !person.districts.has(district)) finding.fail(at(line, `${show(key)} 不负责该区域`, `${show(key)} does not cover the district`));
      if (excluded?.get(line.key)?.has(key)) finding.fail(at(line, `${show(key)} 应当回避`, `${show(key)} is excluded`));
    });
  }
}
