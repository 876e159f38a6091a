// Whether the beacon's value is its source's, where that can be computed: a drand round has one signature, under a key everybody
// knows. The check is made of draws with such a beacon alone.
import type { Evidence } from "./evidence.ts";
import { isBeacon } from "./forms.ts";
import { say, show } from "./message.ts";
import { type Check, Finding } from "./report.ts";

/** Tells whether a value is the signature of a round of drand's quicknet. */
export type DrandSignature = (round: string, value: string) => boolean;

const DRAND = "drand:quicknet:";

/** The check, or null where the beacon has no signature. `load` is asked only where it is needed. */
export async function beaconCheck(evidence: Evidence, load: () => Promise<DrandSignature>): Promise<Check | null> {
  const { rules, draw } = evidence;
  const at = rules ? rules.entropy.findIndex((item) => item.kind === "BEACON" && isBeacon(item.contributor)) : -1;
  const name = at < 0 ? "" : (rules?.entropy[at].contributor ?? "");
  if (!name.startsWith(DRAND)) return null;
  const finding = new Finding("beacon_signature");
  if (!draw) finding.skip(evidence.why("draw.json"));
  else {
    const value = draw.entries[at]?.split("\t").slice(2).join("\t");
    if (value === undefined) finding.fail(say(`draw.json 中没有 ${name} 的值`, `draw.json has no value of ${name}`));
    else {
      let isSignature: DrandSignature | null = null;
      try {
        isSignature = await load();
      } catch {
        finding.skip(say("核对签名的程序取不到", "the script that checks it could not be fetched"));
      }
      if (isSignature && !isSignature(name.slice(DRAND.length), value)) {
        finding.fail(say(`${show(value)} 不是 ${name} 这一轮的签名`, `${show(value)} is not the signature of ${name}`));
      }
    }
  }
  return finding.end(say(`该值正是 drand 给 ${name} 的签名，没有第二个值能通过`, `the value is the signature that drand gave ${name}, and no other would do`));
}
