"""Tamperings by somebody who recomputes: the whole draw is built anew after one change, without the key or with it."""

import copy
import json

import reference as ref

FIELDS = ["beacon_at", "draw_id", "entries_close", "follows", "replaces", "reveal_by", "stated_at", "unit"]

# In place of the signature that scenarios.DRAND has: what has its form and is not it.
DRAND_FORGED = (
    ("another round's signature", "90973449df156e156dc8c702aa397ebe24ab3ba4f0d7f46e921ba6ab906bc07515977132dc109498c6adebe27cde6fb5"),
    ("the signature with a bit flipped", "a517bcc786bde26257b53b18eb3f25dc4020d2ad2e2e85339e713b046b7b84df3794c57ab9cae880f0da7b2f120b70d6"),
    ("the signature with its sign flipped", "8517bcc786bde26257b53b18eb3f25dc4020d2ad2e2e85339e713b046b7b84df3794c57ab9cae880f0da7b2f120b70d7"),
    ("the signature and a point of order three", "b883fe829420e0f73438630b72d6004f822a7c2358f7c95aed4d1d362b182a66a7342a23d009bffad223d34f9e3741b8"),
    ("no point at all", "0a" * 48), ("the point at infinity", "c0" + "00" * 47),
)


class Draw:
    """A draw taken apart; change its parts, then build it anew."""

    def __init__(self, files):
        self.old = files
        self.frozen = {name: files[name] for name in ref.FROZEN}
        self.rules = json.loads(files["rules.json"])
        statement, draw = json.loads(files["statement.json"]), json.loads(files["draw.json"])
        self.fields = {name: statement[name] for name in FIELDS}
        self.secret, self.revealed_at = draw["secret"], draw["revealed_at"]
        self.values = [entry.split("\t")[2] for entry in draw["entries"]]
        self.entries = draw["entries"]
        self.kid = "demo-vectors-1"
        self.seed = None         # another seed than the right one
        self.statement = {}      # members of statement.json to overwrite
        self.keep_statement = False
        self.outcome = {}        # strata.tsv, result.tsv to overwrite
        self.draw = {}           # members of draw.json to overwrite

    def rows(self, name):
        return ref.rows(self.frozen[name])

    def put(self, name, rows, sort=True):
        self.frozen[name] = ref.table(rows) if sort else "".join("\t".join(row) + "\n" for row in rows).encode()

    def number(self):
        """The entries anew from `entropy` and the values."""
        self.entries = [f"{i}\t{item['contributor']}\t{value}"
                        for i, (item, value) in enumerate(zip(self.rules["entropy"], self.values), 1)]

    def outcome_rows(self, name):
        return ref.rows(self.old[name])

    def put_outcome(self, name, rows, sort=False):
        self.outcome[name] = (ref.table(rows) if sort else "".join("\t".join(row) + "\n" for row in rows).encode())

    def build(self, sign):
        rules_json = ref.canonical(self.rules)
        if self.keep_statement:
            statement_json = self.old["statement.json"]
        else:
            statement = json.loads(ref.state(self.frozen, rules_json, self.fields, self.secret))
            statement_json = ref.canonical({**statement, **self.statement})
        digest = ref.digest(statement_json)
        seed = self.seed or ref.seed_of(digest, self.secret, self.entries)
        strata, drawn = ref.pick_subjects(seed, self.rows("subjects.tsv"), self.rules["quotas"])
        result = ref.pick_teams(seed, drawn, self.rules, *(self.rows(name) for name in ref.FROZEN[2:]))
        outcome = {"strata.tsv": ref.table(strata), "result.tsv": "".join("\t".join(row) + "\n" for row in result).encode()}
        outcome.update(self.outcome)
        draw_json = ref.canonical({
            "digests": {name: ref.digest(outcome[name]) for name in ("result.tsv", "strata.tsv")}, "entries": self.entries,
            "revealed_at": self.revealed_at, "secret": self.secret, "seed": seed, "statement": digest, **self.draw,
        })
        signatures = self.old["signatures.json"]
        if sign:
            signatures = ref.signatures(self.kid, digest, self.entries, self.rules, draw_json)
        return ref.pack({"statement.json": statement_json, "rules.json": rules_json, **self.frozen, **outcome,
                         "draw.json": draw_json, "signatures.json": signatures})


def other(text):
    """The same text with another last digit."""
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def outcome_changes(draw):
    """A result that the draw did not give, everything else being right: (what, change, check)."""
    result, strata = draw.outcome_rows("result.tsv"), draw.outcome_rows("strata.tsv")
    district = {row[0]: row for row in draw.rows("subjects.tsv")}
    drawn = {row[0] for row in result}
    left = [key for key in district if key not in drawn]
    officers = [row[0] for row in draw.rows("officers.tsv")]
    seed = json.loads(draw.old["draw.json"])["seed"]
    swap = lambda rows, i, row: [row if j == i else old for j, old in enumerate(rows)]

    def put(name, rows, sort=False):
        return lambda d: d.put_outcome(name, rows, sort)

    if result:
        for word, i in (("first", 0), ("last", len(result) - 1)):
            yield f"the {word} drawn subject is left out of the result", put("result.tsv", result[:i] + result[i + 1:]), "selection"
        yield "a ticket is changed", put("result.tsv", swap(result, 0, [result[0][0], other(result[0][1]), *result[0][2:]])), "selection"
    if left:
        key = left[0]
        extra = [key, ref.subject_ticket(seed, key), *(result[0][2:] if result else ["", ""])]
        more = sorted([*result, extra], key=lambda row: (row[1], row[0]))
        yield "a subject that was not drawn is added to the result", put("result.tsv", more), "selection"
        if result:
            fake = swap(result, 0, [key, *result[0][1:]])
            yield "a drawn subject is replaced by another, under its ticket", put("result.tsv", fake), "selection"
            rest = sorted([*result[1:], extra], key=lambda row: (row[1], row[0]))
            yield "a drawn subject is replaced by another, under its own ticket", put("result.tsv", rest), "selection"
    if len(result) > 1:
        yield "the result is in another order", put("result.tsv", [result[1], result[0], *result[2:]]), "selection"
        yield "the result is sorted by key", put("result.tsv", sorted(result)), "selection"
    with_team = [i for i, row in enumerate(result) if row[2]]
    for i in with_team[:1] + with_team[-1:]:
        team = result[i][2].split(",")
        line = f"line {i + 1}"
        stranger = next((key for key in officers if key not in team), None)
        if stranger:
            yield f"{line}: an officer is swapped", put("result.tsv", swap(result, i, [*result[i][:2], ",".join([stranger, *team[1:]]), result[i][3]])), "teams"
        yield f"{line}: an officer nobody knows", put("result.tsv", swap(result, i, [*result[i][:2], ",".join([*team[:-1], "somebody"]), result[i][3]])), "teams"
        yield f"{line}: an officer is missing", put("result.tsv", swap(result, i, [*result[i][:2], ",".join(team[1:]), result[i][3]])), "teams"
        yield f"{line}: the team is missing", put("result.tsv", swap(result, i, [*result[i][:2], "", ""])), "teams"
        if len(team) > 1:
            yield f"{line}: officers in another order", put("result.tsv", swap(result, i, [*result[i][:2], ",".join(team[::-1]), result[i][3]])), "teams"
            yield f"{line}: an officer twice", put("result.tsv", swap(result, i, [*result[i][:2], ",".join([team[0], *team[:-1]]), result[i][3]])), "teams"
        helpers = result[i][3].split(",") if result[i][3] else []
        yield f"{line}: an expert more", put("result.tsv", swap(result, i, [*result[i][:3], ",".join([*helpers, "somebody"])])), "teams"
        if helpers:
            yield f"{line}: the experts are missing", put("result.tsv", swap(result, i, [*result[i][:3], ""])), "teams"
            yield f"{line}: an officer of the team as expert", put("result.tsv", swap(result, i, [*result[i][:3], ",".join([team[0], *helpers[1:]])])), "teams"
            if len(helpers) > 1:
                yield f"{line}: experts in another order", put("result.tsv", swap(result, i, [*result[i][:3], ",".join(helpers[::-1])])), "teams"
    different = next(((i, j) for i in with_team for j in with_team if i < j and result[i][2] != result[j][2]), None)
    if different:
        i, j = different
        rows = swap(swap(result, i, [*result[i][:2], *result[j][2:]]), j, [*result[j][:2], *result[i][2:]])
        yield "two subjects exchange their teams", put("result.tsv", rows), "teams"
    alone = next((i for i, row in enumerate(result) if not row[2]), None)
    if alone is not None and with_team:
        rows = swap(result, alone, [*result[alone][:2], *result[with_team[0]][2:]])
        yield "a subject without a team is given one", put("result.tsv", rows), "teams"
    if strata:
        name, n, k, threshold = strata[0]
        yield "strata: another n", put("strata.tsv", [[name, str(int(n) + 1), k, threshold], *strata[1:]]), "strata"
        yield "strata: another k", put("strata.tsv", [[name, n, str(int(k) + 1), threshold], *strata[1:]]), "strata"
        yield "strata: another threshold", put("strata.tsv", [[name, n, k, "f" * 64], *strata[1:]]), "strata"
        yield "strata: a stratum is missing", put("strata.tsv", strata[1:]), "strata"
    yield "strata: a stratum nobody is in", put("strata.tsv", [*strata, ["zzzz", "0", "0", "-"]], True), "strata"


def frozen_changes(draw):
    """Another pool, other people, other rules, all well-formed: (what, change)."""
    subjects, officers = draw.rows("subjects.tsv"), draw.rows("officers.tsv")
    experts, exclusions, left_out = draw.rows("experts.tsv"), draw.rows("exclusions.tsv"), draw.rows("left_out.tsv")
    drawn = {row[0] for row in draw.outcome_rows("result.tsv")}

    def put(name, rows):
        return lambda d: d.put(name, rows)

    def rule(**more):
        return lambda d: d.rules.update(more)

    for word, wanted in (("a drawn subject", True), ("a subject that was not drawn", False)):
        keys = [row[0] for row in subjects if (row[0] in drawn) == wanted]
        strata = [row[1] for row in subjects]
        key = next((row[0] for row in subjects if row[0] in keys and strata.count(row[1]) > 1), None)
        if key:
            yield f"{word} leaves the pool", put("subjects.tsv", [row for row in subjects if row[0] != key])
            yield f"{word} is left out with a reason", lambda d, key=key: (
                d.put("subjects.tsv", [row for row in subjects if row[0] != key]), d.put("left_out.tsv", [*left_out, [key, "RECOGNISED"]]))
            yield f"{word} changes its district", put("subjects.tsv", [[row[0], row[1], "elsewhere"] if row[0] == key else row for row in subjects])
        stratum = next((row[1] for row in subjects if key and row[1] != dict((r[0], r[1]) for r in subjects)[key]), None)
        if stratum:
            yield f"{word} changes its stratum", put("subjects.tsv", [[row[0], stratum, row[2]] if row[0] == key else row for row in subjects])
    if subjects:
        yield "a subject joins the pool", put("subjects.tsv", [*subjects, ["zz:new", *subjects[0][1:]]])
        name = sorted(draw.rules["quotas"])[0]
        quota = draw.rules["quotas"][name]
        changed = {"ppm": (quota["ppm"] + 1) % 1_000_001} if "ppm" in quota else {"count": (quota["count"] + 1) % 2**53}
        yield "a quota is changed", rule(quotas={**draw.rules["quotas"], name: changed})
        yield "a quota of the other sort", rule(quotas={**draw.rules["quotas"], name: {"count": 1} if "ppm" in quota else {"ppm": 1}})
    yield "a subject is left out that never was", put("left_out.tsv", [*left_out, ["zz:new", "RECOGNISED"]])
    if left_out:
        yield "a subject left out disappears", put("left_out.tsv", left_out[1:])
    yield "an officer joins", put("officers.tsv", [*officers, ["zz:new", *officers[0][1:]]])
    yield "an officer leaves", put("officers.tsv", officers[1:])
    yield "an officer changes the unit", put("officers.tsv", [[officers[0][0], "elsewhere", *officers[0][2:]], *officers[1:]])
    yield "an officer gains a specialty", put("officers.tsv", [[*officers[0][:3], "zz"], *officers[1:]])
    yield "an expert joins", put("experts.tsv", [*experts, ["zz:new", *officers[0][1:]]])
    if experts:
        yield "an expert leaves", put("experts.tsv", experts[1:])
    yield "a recusal is added", put("exclusions.tsv", [*exclusions, ["zz:new", "zz:other", "self"]])
    if exclusions:
        yield "a recusal disappears", put("exclusions.tsv", exclusions[1:])
    yield "districts count or no longer", rule(cover_district=not draw.rules["cover_district"])
    yield "a larger team", rule(teams=[{**draw.rules["teams"][0], "size": draw.rules["teams"][0]["size"] + 1}, *draw.rules["teams"][1:]])
    yield "a unit more", rule(teams=[*draw.rules["teams"], {"size": 1, "specialty": None, "unit": "zz"}])
    yield "an expert more for each", rule(experts={**draw.rules["experts"], "count": draw.rules["experts"]["count"] + 1})
    yield "another plan", rule(plan="plans/9999-99")


def consistent(files):
    """(what, bundle, check, file) by somebody without the key, who recomputes everything else."""
    for what, change in frozen_changes(Draw(files)):
        draw = Draw(files)
        change(draw)
        yield what, draw.build(False), "signature", "statement"
        draw = Draw(files)
        change(draw)
        draw.keep_statement = True
        changed = next(name for name in [*ref.FROZEN, "rules.json"]
                       if {**draw.frozen, "rules.json": ref.canonical(draw.rules)}[name] != files[name])
        yield f"{what}, under the old statement", draw.build(False), "digest", changed
    for what, change, check in outcome_changes(Draw(files)):
        draw = Draw(files)
        change(draw)
        yield what, draw.build(False), check, None
    draw = Draw(files)
    draw.secret, draw.keep_statement = other(draw.secret), True
    yield "drawn again with another secret", draw.build(False), "commitment", None
    draw = Draw(files)
    draw.secret = other(draw.secret)
    yield "drawn again with another secret and commitment", draw.build(False), "signature", "statement"
    draw = Draw(files)
    draw.values[0] = "12345"
    draw.number()
    yield "drawn again with another first entry", draw.build(False), "signature", "entries"
    draw = Draw(files)
    draw.values[-1] = other(draw.values[-1]) if draw.rules["beacon_waived"] is None else "12345"
    draw.number()
    yield "drawn again with another last entry", draw.build(False), "signature", "draw"
    draw = Draw(files)
    draw.revealed_at = other(draw.revealed_at[:-1]) + "Z"
    yield "revealed at another time", draw.build(False), "signature", "draw"
    draw = Draw(files)
    draw.fields["reveal_by"] = "2999-01-01T00:00:00Z"
    yield "revealed by another time", draw.build(False), "signature", "statement"
    draw = Draw(files)
    draw.fields["draw_id"] = "draws/2026-0042"
    yield "another number", draw.build(False), "signature", "statement"


def rule_changes(draw):
    """Rules that the protocol does not allow: (what, change of the rules)."""
    entropy, teams, unit = draw.rules["entropy"], draw.rules["teams"], draw.fields["unit"]
    waived = draw.rules["beacon_waived"] is not None
    people = entropy if waived else entropy[:-1]
    beacon = {"contributor": "lottery:demo:7", "kind": "BEACON", "unit": None}
    quotas = draw.rules["quotas"]
    yield "a quota for a stratum nobody is in", {"quotas": {**quotas, "zzzz": {"count": 0}}}
    if quotas:
        name = sorted(quotas)[0]
        yield "no quota for a stratum", {"quotas": {k: v for k, v in quotas.items() if k != name}}
        yield "a quota above 1000000", {"quotas": {**quotas, name: {"ppm": 1_000_001}}}
    yield "no entropy", {"entropy": []}
    yield "a contributor twice", {"entropy": [people[0], *entropy]}
    yield "everybody from the drawing unit", {"entropy": [{**item, "unit": unit} for item in people] + ([] if waived else [entropy[-1]])}
    yield "a beacon in the middle", {"entropy": [beacon, *people], "beacon_waived": None}
    yield "two beacons", {"entropy": [*people, {**beacon, "contributor": "lottery:demo:8"}, beacon], "beacon_waived": None}
    yield "a beacon with a unit", {"entropy": [*people, {**beacon, "unit": "zz"}], "beacon_waived": None}
    yield "a beacon of an unknown source", {"entropy": [*people, {**beacon, "contributor": "coin:demo:7"}], "beacon_waived": None}
    yield "a beacon without a round", {"entropy": [*people, {**beacon, "contributor": "lottery:demo:"}], "beacon_waived": None}
    yield "only a beacon", {"entropy": [beacon], "beacon_waived": None}
    yield "a department without a unit", {"entropy": [{**people[0], "unit": None}, *entropy[1:]]}
    yield "an unknown kind of contributor", {"entropy": [{**people[0], "kind": "ORACLE"}, *entropy[1:]]}
    if waived:
        yield "a beacon though waived", {"entropy": [*people, beacon]}
        yield "no beacon, not waived", {"beacon_waived": None}
    else:
        yield "no beacon, not waived", {"entropy": people}
        yield "a beacon though waived", {"beacon_waived": "no reason"}
    yield "another protocol", {"protocol": "qingtian-draw-v2"}
    yield "no file withheld, for a reason", {"withheld": {"basis": "x", "files": []}}
    yield "no teams", {"teams": []}
    yield "a unit twice", {"teams": [teams[0], *teams]}
    yield "a team of nobody", {"teams": [{**teams[0], "size": 0}, *teams[1:]]}


def malformed(draw):
    """Frozen files and rules against their forms: (what, change, file)."""
    def put(name, rows, sort=True):
        return (lambda d: d.put(name, rows, sort)), name

    def rule(**more):
        return (lambda d: d.rules.update(more)), "rules.json"

    rows = {name: draw.rows(name) for name in ref.FROZEN}
    if rows["subjects.tsv"]:
        first = rows["subjects.tsv"][0]
        yield "a subject twice", *put("subjects.tsv", [[first[0], first[1], "zz"], *rows["subjects.tsv"]])
        yield "a subject without a district", *put("subjects.tsv", [[first[0], first[1], ""], *rows["subjects.tsv"][1:]])
        yield "subjects not sorted", *put("subjects.tsv", rows["subjects.tsv"][1:] + [first], len(rows["subjects.tsv"]) < 2)
        yield "a key with a blank", *put("subjects.tsv", [[first[0][:60] + " x", *first[1:]], *rows["subjects.tsv"][1:]])
        yield "a key that is not ASCII", *put("subjects.tsv", [["市场", *first[1:]], *rows["subjects.tsv"][1:]])
    officer = rows["officers.tsv"][0]
    rest = rows["officers.tsv"][1:]
    yield "an officer in two units", *put("officers.tsv", [[officer[0], "elsewhere", *officer[2:]], *rows["officers.tsv"]])
    yield "districts not sorted", *put("officers.tsv", [[*officer[:2], "b,a", officer[3]], *rest])
    yield "districts repeated", *put("officers.tsv", [[*officer[:2], "a,a", officer[3]], *rest])
    yield "an empty district", *put("officers.tsv", [[*officer[:2], "a,", officer[3]], *rest])
    yield "specialties parted by blanks", *put("officers.tsv", [[*officer[:3], "a, b"], *rest])
    yield "a salt where nothing is withheld", *put("officers.tsv", [[*row, "0" * 32] for row in rows["officers.tsv"]])
    yield "a recusal twice", *put("exclusions.tsv", [*rows["exclusions.tsv"], ["zz", "zz", "self"], ["zz", "zz", "department"]])
    yield "a recusal declared by nobody", *put("exclusions.tsv", [*rows["exclusions.tsv"], ["zz", "zz", ""]])
    yield "left out without a reason", *put("left_out.tsv", [*rows["left_out.tsv"], ["zz", ""]])
    yield "a quota of neither sort", *rule(quotas={**draw.rules["quotas"], "A": {}})
    yield "a quota of both sorts", *rule(quotas={**draw.rules["quotas"], "A": {"count": 1, "ppm": 1}})
    yield "a waiver without a reason", *rule(beacon_waived="")
    yield "published after no day", *rule(publish_after={"basis": "x", "date": "2026-02-30"})
    yield "published after without a basis", *rule(publish_after={"basis": "", "date": "2026-12-31"})
    yield "a member of a team too much", *rule(teams=[{**draw.rules["teams"][0], "leader": None}, *draw.rules["teams"][1:]])


def statement_changes(draw):
    """Statements that cannot be: (what, change, check, file)."""
    def over(**more):
        return lambda d: d.statement.update(more)

    fields = draw.fields
    digests = json.loads(draw.old["statement.json"])["digests"]
    for name in [*ref.FROZEN, "rules.json"]:
        yield f"another digest of {name}", over(digests={**digests, name: other(digests[name])}), "digest", name
    yield "another tree", over(merkle_root="0" * 64), "merkle", None
    yield "another number of subjects", over(subjects_n=10_000), "subjects", None
    yield "another commitment", over(commitment="0" * 64), "commitment", None
    yield "another plan than the rules", over(plan="plans/9999-99"), "statement", None
    yield "another protocol", over(protocol="qingtian-draw-v2"), "statement", None
    yield "entries close when it is stated", over(entries_close=fields["stated_at"]), "statement", None
    yield "revealed by the time entries close", over(reveal_by=fields["entries_close"], beacon_at=None if fields["beacon_at"] is None else fields["entries_close"]), "statement", None
    if fields["beacon_at"] is None:
        yield "a time for a beacon that is waived", over(beacon_at="2026-11-23T13:15:00Z"), "statement", None
    else:
        yield "the beacon as entries close", over(beacon_at=fields["entries_close"]), "statement", None
        yield "the beacon after the reveal must be done", over(beacon_at="2999-01-01T00:00:00Z"), "statement", None
        yield "no time for the beacon", over(beacon_at=None), "statement", None
    yield "a number that is not one", over(draw_id="draws/2026-7"), "format", "statement.json"
    yield "the number zero", over(draw_id="draws/2026-0000"), "format", "statement.json"
    yield "a day that does not exist", over(stated_at="2026-02-30T00:00:00Z"), "format", "statement.json"
    yield "a time with an offset", over(stated_at="2026-11-23T01:30:00+00:00"), "format", "statement.json"
    yield "a unit that is no name", over(unit="市场监管局"), "format", "statement.json"
    yield "a digest too many", over(digests={**digests, "strata.tsv": "0" * 64}), "format", "statement.json"
    yield "a digest too few", over(digests={k: v for k, v in digests.items() if k != "experts.tsv"}), "format", "statement.json"


def signed(files):
    """(what, bundle, check, file) by the operator itself, with its key."""
    model = Draw(files)
    for what, change, check, file in statement_changes(model):
        draw = Draw(files)
        change(draw)
        yield what, draw.build(True), check, file
    for what, change in rule_changes(model):
        draw = Draw(files)
        values = dict(zip([item["contributor"] for item in draw.rules["entropy"]], draw.values))
        draw.rules.update(copy.deepcopy(change))
        draw.values = [values.get(item["contributor"], "03 07 12 19 26 31 09") for item in draw.rules["entropy"]]
        draw.number()
        if draw.rules["beacon_waived"] is None and draw.fields["beacon_at"] is None:
            draw.fields["beacon_at"] = draw.revealed_at
        yield f"rules: {what}", draw.build(True), "rules", None
    for what, change, file in malformed(model):
        draw = Draw(files)
        change(draw)
        try:
            yield f"forms: {what}", draw.build(True), "format", file
        except KeyError:  # A quota of neither sort: nothing can be drawn, so keep what was.
            draw.rules["quotas"], quotas = model.rules["quotas"], draw.rules["quotas"]
            bundle = ref.unpack(draw.build(True))
            bundle["rules.json"] = ref.canonical({**draw.rules, "quotas": quotas})
            yield f"forms: {what}", ref.pack(bundle), "format", file
    for what, change, check in outcome_changes(model):
        draw = Draw(files)
        change(draw)
        yield f"result: {what}", draw.build(True), check, None
    draw = Draw(files)
    draw.put("left_out.tsv", [*draw.rows("left_out.tsv"), [(draw.rows("subjects.tsv") or [["zz"]])[0][0], "RECOGNISED"]])
    if draw.rows("subjects.tsv"):
        yield "a subject both in the pool and left out", draw.build(True), "subjects", None
    draw = Draw(files)
    draw.seed = other(ref.digest(b"chosen"))
    yield "a seed of one's choice", draw.build(True), "seed", None
    for what, when in (("revealed as entries close", draw.fields["entries_close"]), ("revealed late", "2999-01-01T00:00:00Z")):
        draw = Draw(files)
        draw.revealed_at = when
        yield what, draw.build(True), "time", None
    for what, entries in (
        ("entries: a value with a sign not allowed", lambda e: [e[0] + "/", *e[1:]]),
        ("entries: an entry too few", lambda e: e[:-1]),
        ("entries: an entry too many", lambda e: [*e, f"{len(e) + 1}\tzz\t1"]),
        ("entries: numbered from 0", lambda e: [f"{i}\t{entry.split(chr(9), 1)[1]}" for i, entry in enumerate(e)]),
        ("entries: in another order", lambda e: e[1:] + e[:1]),
        ("entries: a value too long", lambda e: ["\t".join(e[0].split("\t")[:2]) + "\t" + "1" * 201, *e[1:]]),
    ):
        draw = Draw(files)
        draw.entries = entries(draw.entries)
        yield what, draw.build(True), "entries", None
    if model.rules["beacon_waived"] is None:
        for what, value in (("descending", "31 26 19 12 07 03 09"), ("of six", "03 07 12 19 26 31"), ("of one digit", "3 7 12 19 26 31 9"),
                            ("in capitals", "AB" * 48), ("too short", "ab" * 47), ("repeated", "03 03 12 19 26 31 09"),
                            ("of no lottery", "40 41 42 43 44 45 20")):
            draw = Draw(files)
            draw.values[-1] = value
            draw.number()
            yield f"entries: a beacon's value {what}", draw.build(True), "entries", None
    if model.rules["entropy"][-1]["contributor"].startswith("drand:"):
        for what, value in DRAND_FORGED:
            draw = Draw(files)
            draw.values[-1] = value
            draw.number()
            yield f"beacon: {what}", draw.build(True), "beacon_signature", None
    for what, kid in (("a retired key", "demo-vectors-2"), ("a key of another purpose", "demo-vectors-3")):
        draw = Draw(files)
        draw.kid = kid
        yield f"signed with {what}", draw.build(True), "signature", "statement"


def signed_in_part(files):
    """(what, bundle, check, file) by the operator of a draw whose files are withheld, who hopes that nobody sees it."""
    draw, rules = json.loads(files["draw.json"]), json.loads(files["rules.json"])
    result = ref.rows(files["result.tsv"])

    def again(changed_draw=None, changed_result=None):
        result_tsv = "".join("\t".join(row) + "\n" for row in changed_result or result).encode()
        new = {**draw, **(changed_draw or {})}
        new["digests"] = {**draw["digests"], "result.tsv": ref.digest(result_tsv)}
        draw_json = ref.canonical(new)
        signatures = ref.signatures("demo-vectors-1", ref.digest(files["statement.json"]), new["entries"], rules, draw_json)
        return ref.pack({**files, "draw.json": draw_json, "result.tsv": result_tsv, "signatures.json": signatures})

    swap = lambda i, row: [row if j == i else old for j, old in enumerate(result)]
    i = next(i for i, row in enumerate(result) if row[3])
    alone = next(i for i, row in enumerate(result) if not row[2])
    key, ticket, officers, experts = result[i]
    team, helpers = officers.split(","), experts.split(",")
    yield "an officer missing", again(None, swap(i, [key, ticket, ",".join(team[1:]), experts])), "teams", None
    yield "an officer too many", again(None, swap(i, [key, ticket, ",".join([*team, "somebody"]), experts])), "teams", None
    yield "an officer twice", again(None, swap(i, [key, ticket, ",".join([team[1], *team[1:]]), experts])), "teams", None
    yield "an expert twice", again(None, swap(i, [key, ticket, officers, ",".join(helpers[:1] * len(helpers))])), "teams", None
    yield "an officer as expert", again(None, swap(i, [key, ticket, officers, ",".join([team[0], *helpers[1:]])])), "teams", None
    yield "an expert too few", again(None, swap(i, [key, ticket, officers, ",".join(helpers[1:])])), "teams", None
    yield "experts without a team", again(None, swap(alone, [*result[alone][:2], "", experts])), "teams", None
    if "officers.tsv" in files:
        yield "an officer nobody knows", again(None, swap(i, [key, ticket, ",".join(["somebody", *team[1:]]), experts])), "teams", None
        yield "officers under another's unit", again(None, swap(i, [key, ticket, ",".join(team[::-1]), experts])), "teams", None
    yield "the result in another order", again(None, [result[1], result[0], *result[2:]]), "selection", None
    yield "a subject twice", again(None, [result[0], *result]), "selection", None
    yield "another ticket", again(None, swap(0, [result[0][0], other(result[0][1]), *result[0][2:]])), "selection", None
    if "subjects.tsv" in files:
        yield "a drawn subject left out", again(None, result[1:]), "selection", None
    yield "another secret", again({"secret": other(draw["secret"])}), "commitment", None
    yield "another seed", again({"seed": other(draw["seed"])}), "seed", None
    yield "an entry dropped", again({"entries": draw["entries"][1:]}), "entries", None
    yield "revealed late", again({"revealed_at": "2999-01-01T00:00:00Z"}), "time", None
