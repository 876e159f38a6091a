// The checks on what was stated, contributed and revealed: sections 1 to 3.
import { FROZEN } from "./archive.ts";
import { lines } from "./bytes.ts";
import { PROTOCOL, type Rules, SIGNED } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import { isBeacon, isBeaconValue, isDemoBeacon, isValue } from "./forms.ts";
import type { Hashes } from "./hash.ts";
import { say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";

export function statementCheck(evidence: Evidence, hashes: Hashes): Check {
  const finding = new Finding("statement");
  const { statement, draw, rules } = evidence;
  const bytes = evidence.files.get("statement.json");
  if (bytes && draw) {
    if (hashes.hex(bytes) !== draw.statement) {
      finding.fail(say("statement.json 的摘要不是 draw.json 所写的 statement", "the digest of statement.json is not the statement that draw.json names"));
    }
  } else finding.skip(evidence.why(bytes ? "draw.json" : "statement.json"));
  if (!statement) {
    finding.skip(evidence.why("statement.json"));
    return finding.end(say("", ""));
  }
  if (statement.protocol !== PROTOCOL) finding.fail(say(`规程不是 ${PROTOCOL}`, `the protocol is not ${PROTOCOL}`));
  const order = (before: string, after: string, strict: boolean, zh: string, en: string): void => {
    if (strict ? !(before < after) : !(before <= after)) finding.fail(say(zh, en));
  };
  order(statement.stated_at, statement.entries_close, true, "entries_close 不晚于 stated_at", "entries_close is not after stated_at");
  order(statement.entries_close, statement.reveal_by, true, "reveal_by 不晚于 entries_close", "reveal_by is not after entries_close");
  if (statement.beacon_at !== null) {
    order(statement.entries_close, statement.beacon_at, true, "beacon_at 不晚于 entries_close", "beacon_at is not after entries_close");
    order(statement.beacon_at, statement.reveal_by, false, "beacon_at 晚于 reveal_by", "beacon_at is after reveal_by");
  }
  if (!rules) finding.skip(evidence.why("rules.json"));
  else {
    if (statement.plan !== rules.plan) finding.fail(say("statement.json 与 rules.json 的计划不同", "statement.json and rules.json name different plans"));
    if ((statement.beacon_at === null) !== (rules.beacon_waived !== null)) {
      finding.fail(say("beacon_at 与是否免用公共随机数不符", "beacon_at does not agree with whether the beacon is waived"));
    }
  }
  return finding.end(say(`声明的指纹是 ${draw?.statement ?? ""}`, `the statement's fingerprint is ${draw?.statement ?? ""}`));
}

export function digestChecks(evidence: Evidence, hashes: Hashes): Check[] {
  return [...FROZEN, "rules.json"].sort().map((name) => {
    const finding = new Finding("digest", name);
    const bytes = evidence.files.get(name);
    if (!bytes) finding.skip(evidence.why(name));
    else if (!evidence.statement) finding.skip(evidence.why("statement.json"));
    else if (hashes.hex(bytes) !== evidence.statement.digests[name]) {
      finding.fail(say(`${name} 与声明时的摘要不符`, `${name} is not the file that was stated`));
    }
    return finding.end(say(`${name} 与声明时完全相同`, `${name} is the file that was stated`));
  });
}

export function commitmentCheck(evidence: Evidence, hashes: Hashes): Check {
  const finding = new Finding("commitment");
  const { statement, draw } = evidence;
  if (!statement || !draw) finding.skip(evidence.why(statement ? "draw.json" : "statement.json"));
  else if (hashes.hex(lines("qingtian-commit-v1", statement.draw_id, draw.secret)) !== statement.commitment) {
    finding.fail(say("揭示的秘密数不是声明时承诺的那一个", "the secret revealed is not the one committed to"));
  }
  return finding.end(say("揭示的秘密数正是声明时承诺的那一个", "the secret revealed is the one committed to"));
}

export function rulesCheck(evidence: Evidence, strata: ReadonlyMap<string, number> | null): Check {
  const finding = new Finding("rules");
  const { rules, statement } = evidence;
  if (!rules) {
    finding.skip(evidence.why("rules.json"));
    return finding.end(say("", ""));
  }
  if (rules.protocol !== PROTOCOL) finding.fail(say(`规程不是 ${PROTOCOL}`, `the protocol is not ${PROTOCOL}`));
  const quotas = new Map(Object.entries(rules.quotas));
  for (const [name, { ppm }] of quotas) {
    if (ppm !== undefined && ppm > 1_000_000) finding.fail(say(`${show(name)} 的比例超过 1000000`, `the share of ${show(name)} is above 1000000`));
  }
  if (strata) {
    for (const name of quotas.keys()) {
      if (!strata.has(name)) finding.fail(say(`配额写了名单中没有的层 ${show(name)}`, `a quota names the stratum ${show(name)}, which nobody is in`));
    }
    for (const name of strata.keys()) {
      if (!quotas.has(name)) finding.fail(say(`层 ${show(name)} 没有配额`, `the stratum ${show(name)} has no quota`));
    }
  } else finding.skip(say(`${evidence.why("subjects.tsv").zh}，配额无法与各层对照`, `${evidence.why("subjects.tsv").en}: the quotas cannot be compared with the strata`));
  entropyRules(finding, evidence, rules);
  if (!statement) finding.skip(evidence.why("statement.json"));
  else if (!rules.entropy.some((item) => item.kind !== "BEACON" && item.unit !== statement.unit)) {
    finding.fail(say("公共随机数之外没有抽查单位以外的参与人", "no contributor but the beacon is from outside the drawing unit"));
  }
  if (rules.teams.length === 0) finding.fail(say("没有检查组", "there are no teams"));
  if (rules.teams.some((team) => team.size < 1)) finding.fail(say("检查组人数小于 1", "a team's size is below 1"));
  if (new Set(rules.teams.map((team) => team.unit)).size !== rules.teams.length) finding.fail(say("检查组的单位重复", "a unit stands in the teams twice"));
  if (rules.withheld?.files.length === 0) finding.fail(say("withheld 没有写任何文件", "withheld names no file"));
  if (rules.withheld?.files.some((name, i, files) => i > 0 && files[i - 1] >= name)) {
    finding.fail(say("withheld 的文件未排序或有重复", "the withheld files are not sorted, or one stands twice"));
  }
  for (const name of rules.withheld?.files ?? []) {
    if (!(FROZEN as readonly string[]).includes(name)) finding.fail(say(`${show(name)} 不得不公开`, `${show(name)} cannot be withheld`));
  }
  return finding.end(say("规则符合规程，配额恰好覆盖各层", "the rules are allowed, and the quotas name exactly the strata"));
}

function entropyRules(finding: Finding, evidence: Evidence, rules: Rules): void {
  const { entropy } = rules;
  if (entropy.length === 0) finding.fail(say("没有参与人", "there are no contributors"));
  if (new Set(entropy.map((item) => item.contributor)).size !== entropy.length) finding.fail(say("参与人重复", "a contributor stands in the entropy twice"));
  for (const { contributor, kind, unit } of entropy) {
    const name = show(contributor);
    if (!["DEPARTMENT", "WITNESS", "BEACON"].includes(kind)) finding.fail(say(`${name} 的类别不认识`, `${name} is of an unknown kind`));
    else if ((kind === "BEACON") !== (unit === null)) finding.fail(say(`${name}：只有公共随机数没有单位`, `${name}: a beacon, and only a beacon, has no unit`));
    if (kind === "BEACON" && !isBeacon(contributor)) finding.fail(say(`${name} 不是认可的公共随机数`, `${name} is not a beacon that is allowed`));
    if (kind === "BEACON" && isDemoBeacon(contributor)) {
      const signatures = evidence.signatures;
      if (!signatures) finding.skip(evidence.why("signatures.json"));
      else if (SIGNED.some((name) => !signatures[name].kid.startsWith("demo-"))) {
        finding.fail(say("演示用公共随机数只能配演示密钥", "a demonstration's beacon goes only with a demonstration's key"));
      }
    }
  }
  const beacons = entropy.filter((item) => item.kind === "BEACON").length;
  if (rules.beacon_waived !== null) {
    if (beacons !== 0) finding.fail(say("已免用公共随机数，却仍有公共随机数", "the beacon is waived, and yet there is one"));
  } else if (beacons !== 1 || entropy[entropy.length - 1].kind !== "BEACON") {
    finding.fail(say("应恰有一个公共随机数，且在最后", "there must be exactly one beacon, the last"));
  }
}

export function entriesCheck(evidence: Evidence): Check {
  const finding = new Finding("entries");
  const { rules, draw } = evidence;
  if (!rules || !draw) {
    finding.skip(evidence.why(rules ? "draw.json" : "rules.json"));
    return finding.end(say("", ""));
  }
  const { entropy } = rules;
  if (draw.entries.length !== entropy.length) {
    finding.fail(say(`有 ${draw.entries.length} 个数，应有 ${entropy.length} 个`, `there are ${draw.entries.length} entries, not ${entropy.length}`));
  }
  draw.entries.forEach((entry, i) => {
    const parts = entry.split("\t");
    const expected = entropy[i];
    const at = `${i + 1}`;
    if (parts.length !== 3) finding.fail(say(`第 ${at} 个数不是三列`, `entry ${at} has not three columns`));
    else if (parts[0] !== at) finding.fail(say(`第 ${at} 个数的序号是 ${show(parts[0])}`, `entry ${at} is numbered ${show(parts[0])}`));
    else if (!expected) finding.fail(say(`多出第 ${at} 个数`, `entry ${at} is one too many`));
    else if (parts[1] !== expected.contributor) {
      finding.fail(say(`第 ${at} 个数应由 ${show(expected.contributor)} 给出，却写着 ${show(parts[1])}`, `entry ${at} should be by ${show(expected.contributor)}, and is by ${show(parts[1])}`));
    } else if (!(expected.kind === "BEACON" ? isBeaconValue(expected.contributor, parts[2]) : isValue(parts[2]))) {
      finding.fail(say(`第 ${at} 个数的写法不合规定`, `entry ${at} has a value that is not allowed`));
    }
  });
  return finding.end(say(`${entropy.length} 个数齐全，次序正确`, `all ${entropy.length} entries are there, in order`));
}

export function seedCheck(evidence: Evidence, hashes: Hashes): Check {
  const finding = new Finding("seed");
  const { draw } = evidence;
  if (!draw) finding.skip(evidence.why("draw.json"));
  else if (hashes.hex(lines("qingtian-draw-v1", draw.statement, draw.secret, ...draw.entries)) !== draw.seed) {
    finding.fail(say("种子不是由声明、秘密数和各方的数算出的", "the seed does not follow from the statement, the secret and the entries"));
  }
  return finding.end(say(`种子是 ${draw?.seed ?? ""}`, `the seed is ${draw?.seed ?? ""}`));
}

export function timeCheck(evidence: Evidence): Check {
  const finding = new Finding("time");
  const { statement, draw } = evidence;
  if (!statement || !draw) finding.skip(evidence.why(statement ? "draw.json" : "statement.json"));
  else {
    const at = draw.revealed_at;
    if (!(statement.entries_close < at)) finding.fail(say("揭示不晚于 entries_close", "it was revealed before entries were closed"));
    if (!(at <= statement.reveal_by)) finding.fail(say("揭示晚于 reveal_by", "it was revealed after reveal_by"));
    if (statement.beacon_at !== null && at < statement.beacon_at) finding.fail(say("揭示早于公共随机数的时间", "it was revealed before its beacon's time"));
  }
  return finding.end(say(`揭示于 ${draw?.revealed_at ?? ""}`, `revealed at ${draw?.revealed_at ?? ""}`));
}
