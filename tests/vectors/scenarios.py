"""The draws behind the vector bundles: made-up people, subjects, beacons and times, each showing part of the protocol."""

import hashlib
import json

import reference as ref

KID = "demo-vectors-1"
DEMO_BALLS = "03 07 12 19 26 31 09"


class Dice:
    """Numbers that look random and are the same on every machine and Python: SHA-256 of a name and a counter."""

    def __init__(self, name):
        self.name, self.count = name, 0

    def below(self, n):
        self.count += 1
        text = f"{self.name}/{self.count}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % n

    def choice(self, items):
        return items[self.below(len(items))]

    def some(self, items, n):
        left = list(items)
        return sorted(left.pop(self.below(len(left))) for _ in range(min(n, len(left))))

    def hex(self, digits):
        self.count += 1
        return hashlib.sha512(f"{self.name}/{self.count}".encode()).hexdigest()[:digits]


def entropy(*items):
    return [{"contributor": contributor, "kind": kind, "unit": unit} for contributor, kind, unit in items]


def rules(**more):
    return {
        "beacon_waived": None, "cover_district": True,
        "entropy": entropy(("market-bureau", "DEPARTMENT", "scjg"), ("notary-li", "WITNESS", "notary-1"),
                           ("lottery:demo:2026135", "BEACON", None)),
        "experts": {"count": 0, "specialty": None}, "plan": "plans/2026-07", "protocol": ref.PROTOCOL,
        "publish_after": None, "quotas": {}, "teams": [{"size": 2, "specialty": None, "unit": "scjg"}],
        "withheld": None, **more,
    }


def times(**more):
    return {
        "beacon_at": "2026-11-23T13:15:00Z", "entries_close": "2026-11-23T12:00:00Z", "follows": None, "replaces": None,
        "reveal_by": "2026-11-24T12:00:00Z", "stated_at": "2026-11-23T01:30:00Z", "unit": "scjg", **more,
    }


def build(name, number, pool, rules_, values, fields=None, revealed_at="2026-11-23T13:16:05Z"):
    """All files of one draw. `pool`: rows of the frozen files by name; `values`: what each contributor gave."""
    withheld = (rules_["withheld"] or {"files": []})["files"]
    salts = Dice(name + "/salts")
    frozen = {}
    for file in ref.FROZEN:
        # A withheld line carries its randomness as a last column; sorting by the columns before it stays valid.
        frozen[file] = ref.table(row + [salts.hex(32)] if file in withheld else row for row in sorted(pool.get(file, [])))
    rules_json = ref.canonical(rules_)
    secret = hashlib.sha256(f"{name}/secret".encode()).hexdigest()
    statement_json = ref.state(frozen, rules_json, {**times(), **(fields or {}), "draw_id": f"draws/2026-{number:04}"},
                               secret)
    entries = [f"{i}\t{item['contributor']}\t{value}"
               for i, (item, value) in enumerate(zip(rules_["entropy"], values, strict=True), 1)]
    revealed = ref.reveal(frozen, rules_, statement_json, secret, entries, revealed_at)
    signed = ref.signatures(KID, ref.digest(statement_json), entries, rules_, revealed["draw.json"])
    return {"statement.json": statement_json, "rules.json": rules_json, **frozen, **revealed, "signatures.json": signed}


# A round of drand's quicknet and the signature it gave, as anybody may ask drand; published 2026-08-22T21:40:00Z. Real, since a
# verifier checks it: nothing made up would pass.
DRAND = ("drand:quicknet:31543812",
         "a517bcc786bde26257b53b18eb3f25dc4020d2ad2e2e85339e713b046b7b84df3794c57ab9cae880f0da7b2f120b70d7")
AROUND_DRAND = {"stated_at": "2026-08-21T01:30:00Z", "entries_close": "2026-08-22T21:00:00Z",
                "beacon_at": "2026-08-22T21:40:00Z", "reveal_by": "2026-08-24T12:00:00Z"}
AFTER_DRAND = "2026-08-22T21:41:05Z"


def subject_key(i):
    return f"91410200DEMO{i:06}"


def people(dice, prefix, n, units, districts, specialties, district_n, specialty_n):
    return [[f"{prefix}{i:04}", dice.choice(units), ",".join(dice.some(districts, district_n)),
             ",".join(dice.some(specialties, dice.below(specialty_n + 1)))] for i in range(1, n + 1)]


DISTRICTS = ["410202", "410203", "410204"]


def small():
    """Two strata, one by parts per million and one by count; one unit; a recusal declared before the draw."""
    dice = Dice("small")
    subjects = [[subject_key(i), "A" if i % 3 else "D", dice.choice(DISTRICTS)] for i in range(1, 25)]
    officers = people(dice, "1602", 6, ["scjg"], DISTRICTS, ["food"], 3, 1)
    return build("small", 1, {
        "subjects.tsv": subjects,
        "left_out.tsv": [[subject_key(101), "RECOGNISED"], [subject_key(102), "VISITED_THIS_QUARTER"]],
        "officers.tsv": officers, "experts.tsv": [],
        "exclusions.tsv": [[officers[0][0], subject[0], "self"] for subject in subjects],
    }, rules(quotas={"A": {"ppm": 200000}, "D": {"count": 3}}), ["3 1 6 2", "417", DEMO_BALLS])


def rich():
    """Three units, specialties, districts, recusals, experts; some subjects get no team, some a team without experts."""
    dice = Dice("rich")
    districts = [*DISTRICTS, "410212"]
    kinds = ["food", "fire", "boiler"]
    subjects = [[subject_key(i), f"{district}/{dice.choice('ABC')}", district]
                for i in range(1, 61) for district in [dice.choice(districts)]]
    officers = people(dice, "1602", 26, ["scjg", "yjj", "wjw"], districts, kinds, 2, 2)
    officers += [["kind:cert/77", "scjg", "", "food"], ["kind:cert/78", "yjj", ",".join(districts), ""]]
    experts = people(dice, "EXP-", 7, ["university", "institute"], districts, kinds, 3, 1)
    # Officers 1602xxxx also on the list of experts: never in both roles for one subject.
    experts += [[officers[i][0], "scjg", ",".join(districts), "boiler"] for i in (0, 1, 2)]
    everyone = [row[0] for row in officers + experts]
    exclusions = {(dice.choice(everyone), dice.choice(subjects)[0]) for _ in range(50)}
    exclusions |= {("nobody-on-the-lists", subjects[0][0]), (officers[0][0], "91410200ELSEWHERE1")}
    exclusions |= {(row[0], subject[0]) for row in experts for subject in subjects[::4]}
    quotas = {stratum: {"ppm": 500000} if stratum.endswith("/C") else {"ppm": 300000} if stratum.endswith("/B")
              else {"count": 2} for stratum in sorted({row[1] for row in subjects})}
    return build("rich", 2, {
        "subjects.tsv": subjects, "left_out.tsv": [[subject_key(i), "NOT_IN_BUSINESS"] for i in range(200, 209)],
        "officers.tsv": officers, "experts.tsv": experts,
        "exclusions.tsv": [[person, key, dice.choice(["self", "department"])] for person, key in sorted(exclusions)],
    }, rules(
        quotas=quotas, experts={"count": 2, "specialty": "boiler"},
        teams=[{"size": 2, "specialty": "food", "unit": "scjg"}, {"size": 1, "specialty": None, "unit": "yjj"},
               {"size": 1, "specialty": None, "unit": "wjw"}],
        entropy=entropy(("scjg:office", "DEPARTMENT", "scjg"), ("yjj:office", "DEPARTMENT", "yjj"),
                        ("citizen-wang", "WITNESS", "citizens"), (DRAND[0], "BEACON", None)),
    ), ["dice: 4, 2, 6", "2026-11-23", "8", DRAND[1]], AROUND_DRAND, AFTER_DRAND)


def waived():
    """No beacon, for a published reason; districts play no part; a text that only strict RFC 8785 writes alike."""
    subjects = [[f"farm:{i}", "all", f"town-{i % 2}"] for i in range(1, 10)]
    officers = [[f"P{i}", "nyj", "", ""] for i in range(1, 6)]
    return build("waived", 3, {"subjects.tsv": subjects, "officers.tsv": officers}, rules(
        beacon_waived="防汛应急抽查：\"当日\"必须检查\n\\ € 𝄞 \u007f\u0001 </script>", cover_district=False,
        entropy=entropy(("nyj", "DEPARTMENT", "nyj"), ("press-zhao", "WITNESS", "daily-news")),
        quotas={"all": {"ppm": 333333}}, teams=[{"size": 3, "specialty": None, "unit": "nyj"}],
    ), ["77", "heads, tails, heads"], {"beacon_at": None, "unit": "nyj"}, "2026-11-23T12:00:01Z")


def empty_pool():
    """Nobody to draw from: valid, draws nobody, and says who was left out."""
    return build("empty-pool", 4, {
        "left_out.tsv": [[subject_key(1), "BUDGET_SPENT"]], "officers.tsv": [["P1", "scjg", "410202", ""]],
    }, rules(), ["1", "2", DEMO_BALLS])


def bounds():
    """count = 0, count = n, count > n, ppm = 0, 1 and 1000000, exact and inexact shares."""
    quotas = {"count-0": {"count": 0}, "count-n": {"count": 4}, "count-more": {"count": 2**53 - 1}, "ppm-0": {"ppm": 0},
              "ppm-1": {"ppm": 1}, "ppm-all": {"ppm": 1000000}, "ppm-exact": {"ppm": 250000},
              "ppm-over": {"ppm": 250001}, "single": {"ppm": 1}}
    subjects = [[f"{stratum}:{i}", stratum, "410202"] for stratum in quotas for i in range(1 if stratum == "single" else 4)]
    return build("bounds", 5, {
        "subjects.tsv": subjects, "officers.tsv": [[f"P{i}", "scjg", "410202", ""] for i in range(7)],
    }, rules(quotas=quotas), ["a", "b", DEMO_BALLS])


def later():
    """An unannounced visit, published later; supplements one draw and replaces a failed one; a lottery as beacon."""
    subjects = [[subject_key(i), "410212", "410212"] for i in range(300, 312)]
    officers = [[f"P{i}", "scjg", "410212", "fire" if i < 2 else ""] for i in range(4)]
    return build("later", 12345, {"subjects.tsv": subjects, "officers.tsv": officers}, rules(
        entropy=entropy(("scjg", "DEPARTMENT", "scjg"), ("notary-li", "WITNESS", "notary-1"),
                        ("notary-sun", "WITNESS", "notary-1"), ("lottery:ssq:2026135", "BEACON", None)),
        publish_after={"basis": "《食品安全法》第一百一十条：飞行检查不预先告知", "date": "2026-12-31"},
        quotas={"410212": {"count": 5}}, teams=[{"size": 2, "specialty": "fire", "unit": "scjg"}],
    ), ["19", "5 5 1", "6", "01 08 15 22 30 33 16"], {"follows": "draws/2026-0001", "replaces": "draws/2025-9999"})


def names():
    """Names at the edges of what is allowed, and strata that a careless program mistakes for its own members."""
    longest = "k" * 64
    subjects = [["__proto__", "__proto__", "constructor"], ["constructor", "__proto__", "toString"],
                ["0", "10", "9"], ["1", "10", "9"], ["-", "9", "9"], [".", "9", "9"], ["..", "9", "9"],
                [longest, "longest/" + "s" * 56, "d:/._-"], ["k" * 45, "9", "9"], ["k" * 46, "9", "9"],
                ["A:1", "9", "9"], ["A-1", "9", "9"], ["A1", "9", "9"], ["a1", "9", "9"], ["A/1", "9", "9"], ["A_1", "9", "9"]]
    districts = ",".join(sorted({row[2] for row in subjects}))
    officers = [["hasOwnProperty", "__proto__", districts, "__proto__"], ["valueOf", "__proto__", districts, ""],
                ["__proto__", "__proto__", districts, "constructor"], ["z" * 64, "u" * 64, districts, ""],
                ["Z", "u" * 64, districts, ""]]
    return build("names", 9999, {
        "subjects.tsv": subjects, "officers.tsv": officers, "experts.tsv": [["__proto__", "x", districts, ""],
                                                                           ["e", "x", districts, ""]],
        "left_out.tsv": [["prototype", "__proto__"]], "exclusions.tsv": [["valueOf", "__proto__", "__proto__"]],
    }, rules(
        quotas={"__proto__": {"count": 1}, "10": {"ppm": 500000}, "9": {"count": 6}, "longest/" + "s" * 56: {"count": 1}},
        teams=[{"size": 2, "specialty": "__proto__", "unit": "__proto__"}, {"size": 1, "specialty": None, "unit": "u" * 64}],
        experts={"count": 1, "specialty": None},
        entropy=entropy(("c" * 64, "DEPARTMENT", "scjg"), ("__proto__", "WITNESS", "x"), ("lottery:demo:1", "BEACON", None)),
    ), ["9" * 200, " ", "01 02 03 04 05 06 01"])


def _withheld(name, number, files):
    """The draw `rich`, stated anew with some files withheld: each of their lines ends with fresh randomness."""
    model = rich()
    rules_ = {**json.loads(model["rules.json"]), "withheld": {"basis": "《反恐怖主义法》等：名单依法不予公开", "files": files}}
    values = [entry.split("\t")[2] for entry in json.loads(model["draw.json"])["entries"]]
    frozen = {file: ref.rows(model[file]) for file in ref.FROZEN}
    return build(name, number, frozen, rules_, values, AROUND_DRAND, AFTER_DRAND)


def withheld_people():
    """officers.tsv and exclusions.tsv withheld: subjects recheck in full, teams only by size and distinctness."""
    return _withheld("withheld-people", 6, ["exclusions.tsv", "officers.tsv"])


def withheld_subjects():
    """subjects.tsv and left_out.tsv withheld, and strata.tsv with them."""
    return _withheld("withheld-subjects", 7, ["left_out.tsv", "subjects.tsv"])


def withheld_all():
    """Every .tsv file withheld that can be."""
    return _withheld("withheld-all", 8, sorted(ref.FROZEN))


BUNDLES = {
    "small": small, "rich": rich, "waived": waived, "empty-pool": empty_pool, "bounds": bounds, "later": later,
    "names": names, "withheld-people": withheld_people, "withheld-subjects": withheld_subjects,
    "withheld-all": withheld_all,
}


def hidden_files(files):
    """The files of a draw that its public bundle does not hold."""
    withheld = (json.loads(files["rules.json"])["withheld"] or {"files": []})["files"]
    return sorted([*withheld, "strata.tsv"] if "subjects.tsv" in withheld else withheld)
