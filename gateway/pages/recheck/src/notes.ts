// What a verifier says beside its verdict, for the reader to judge (section 8).
import { SIGNED } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import { type Message, say, show } from "./message.ts";
import { list } from "./table.ts";

export function notesOf(evidence: Evidence, teams: { tight: number | null; withoutTeam: number | null }): Message[] {
  const notes: Message[] = [];
  const { statement, rules, draw, signatures } = evidence;
  if (draw) {
    notes.push(say(`声明的指纹是 ${show(draw.statement)}。请与抽查之前公布、由第三方保存的指纹核对。`, `The statement's fingerprint is ${show(draw.statement)}. Compare it with the one published before the draw and kept by others.`));
  }
  if (rules) {
    const at = rules.entropy.findIndex((item) => item.kind === "BEACON");
    const value = at >= 0 ? draw?.entries[at]?.split("\t")[2] : undefined;
    if (at >= 0) notes.push(beaconNote(show(rules.entropy[at].contributor), value === undefined ? "?" : value));
    const early = at >= 0 && statement ? earlyNote(rules.entropy[at].contributor, statement.entries_close) : null;
    if (early) notes.push(early);
    if (rules.beacon_waived !== null) {
      notes.push(say(`本次抽查没有使用公共随机数，公布的理由：${show(rules.beacon_waived)}`, `This draw has no beacon. The published reason: ${show(rules.beacon_waived)}`));
    }
  }
  if (statement?.replaces) notes.push(say(`本次抽查接替失败的 ${show(statement.replaces)}，请一并查看。`, `This draw replaces ${show(statement.replaces)}, which failed; look at that one too.`));
  if (statement?.follows) notes.push(say(`本次抽查是 ${show(statement.follows)} 的补充。`, `This draw supplements ${show(statement.follows)}.`));
  const strata = evidence.table("strata.tsv");
  for (let line = 0; strata && line < strata.lines; line++) {
    const [name, n, k] = strata.row(line);
    if (k === "0") notes.push(say(`层 ${show(name)}：${n} 户中一户也不抽。`, `Stratum ${show(name)}: none of its ${n} is drawn.`));
    else if (k === n) notes.push(say(`层 ${show(name)}：${n} 户全部抽中，没有随机性。`, `Stratum ${show(name)}: all of its ${n} are drawn; chance decides nothing.`));
  }
  if (teams.withoutTeam) notes.push(say(`${teams.withoutTeam} 户没有检查组，须另行公开补抽。`, `${teams.withoutTeam} subjects have no team, and get one by a public supplementary draw.`));
  if (teams.tight) notes.push(say(`${teams.tight} 户的候选人不多于名额，人选没有余地。`, `${teams.tight} subjects had no more candidates than places.`));
  if (teams.tight === 0) notes.push(say("每一户的候选人都多于名额。", "Every subject had more candidates than places."));
  if (rules?.withheld) {
    notes.push(say(`依法不公开：${list(rules.withheld.files.join(",")).map(show).join("、")}。依据：${show(rules.withheld.basis)}`, `Withheld: ${rules.withheld.files.map(show).join(", ")}. The basis: ${show(rules.withheld.basis)}`));
  }
  if (rules?.publish_after) notes.push(say(`为不预先告知，证据包自 ${rules.publish_after.date} 起公布。依据：${show(rules.publish_after.basis)}`, `Unannounced visits: the bundle is public from ${rules.publish_after.date}. The basis: ${show(rules.publish_after.basis)}`));
  if (signatures && SIGNED.some((name) => signatures[name].kid.startsWith("demo-"))) {
    notes.push(say("这是演示用的抽查，不是真实的执法检查。", "This is a demonstration, not a real inspection."));
  }
  return notes;
}

// First second of round 1 of drand's quicknet, and the seconds between rounds.
const QUICKNET_GENESIS = 1_692_803_367n;
const QUICKNET_PERIOD = 3n;

/** A round that was public before the entries closed: whoever gave the last of them could know it. */
function earlyNote(contributor: string, entriesClose: string): Message | null {
  const round = /^drand:quicknet:([1-9][0-9]*)$/.exec(contributor)?.[1];
  if (round === undefined) return null;
  const published = QUICKNET_GENESIS + (BigInt(round) - 1n) * QUICKNET_PERIOD;
  if (published * 1000n > BigInt(Date.parse(entriesClose))) return null;
  return say(`注意：drand 第 ${round} 轮在 entries_close 之前就已公布，不能当作事先不可知的随机数。`, `Beware: round ${round} of drand was public before entries closed, so it was no beacon of the future.`);
}

function beaconNote(name: string, value: string): Message {
  const [source, , round] = name.split(":");
  const shown = value.length > 96 ? show(value) : value;
  if (source === "drand") {
    return say(`公共随机数 ${name} 的值是 ${shown}。它的签名已在上面核对；也可与 drand quicknet 公布的第 ${round} 轮对照。`, `The beacon ${name} gave ${shown}. Its signature is checked above; you may also compare it with round ${round} that drand quicknet publishes.`);
  }
  if (name.startsWith("lottery:demo:")) return say(`演示用公共随机数 ${name} 的值是 ${shown}。`, `The demonstration's beacon ${name} gave ${shown}.`);
  return say(`公共随机数 ${name} 的值是 ${shown}。请与双色球第 ${round} 期开奖公告核对。`, `The beacon ${name} gave ${shown}. Compare it with the published result of issue ${round} of the national lottery (ssq).`);
}
