"""The cases behind recusal.json: small draws, random and telling, and what became of their teams."""

import json

import recusal
import reference as ref
import scenarios

CASES = 48
KINDS = ["boiler", "fire", "food"]


def draw(name):
    """A random small draw, its rules varied so that every rule of section 6 bites in some case."""
    dice = scenarios.Dice(f"recusal/{name}")
    units = ["scjg", "yjj", "wjw"][:1 + dice.below(3)]
    districts = ["d1", "d2", "d3"][:1 + dice.below(3)]
    special = lambda: dice.choice(KINDS) if dice.below(2) else None
    rules = {
        "cover_district": dice.below(3) > 0,
        "experts": {"count": dice.below(3), "specialty": special()},
        "teams": [{"size": 1 + dice.below(2), "specialty": special(), "unit": unit} for unit in units],
    }
    seed = dice.hex(64)
    officers = sorted([f"1602{unit_no}{i:03}", unit, ",".join(dice.some(districts, 1 + dice.below(3))),
                       ",".join(dice.some(KINDS, dice.below(3)))]
                      for unit_no, unit in enumerate(units) for i in range(4 + dice.below(6)))
    experts = [[f"E{i}", "pool", ",".join(dice.some(districts, 1 + dice.below(3))),
                ",".join(dice.some(KINDS, dice.below(3)))] for i in range(dice.below(5))]
    experts = sorted(experts + [[row[0], "pool", row[2], "boiler,fire"] for row in officers if dice.below(6) == 0])
    drawn = sorted((ref.subject_ticket(seed, key), key, dice.choice(districts))
                   for key in (f"S{i:02}" for i in range(4 + dice.below(9))))
    people = [row[0] for row in officers + experts]
    exclusions = sorted([person, key, "self"] for person, key in
                        {(dice.choice(people), dice.choice(drawn)[1]) for _ in range(dice.below(8))})
    result = ref.pick_teams(seed, drawn, rules, officers, experts, exclusions)
    return dice, seed, rules, officers, experts, exclusions, drawn, result


def wish(dice, teams, visited):
    """A random upheld request, or None when nobody is left to leave."""
    there = [(key, one) for key, team in teams.teams.items() if key not in visited
             for role in ("officer", "expert") for one in team[role] if one is not None]
    if not there:
        return None
    # Some subjects and people are asked about again and again, until nobody is left.
    subject, leaves = there[0] if dice.below(4) == 0 else dice.choice(there)
    act = "EXCHANGE" if dice.below(3) else "WITHDRAW"
    reason = dice.choice(["RELATIVE", "INTEREST"] if act == "EXCHANGE" else ["RELATIVE", "ILLNESS", "TRANSFER"])
    return act, subject, leaves, reason


def case(name):
    dice, seed, rules, officers, experts, exclusions, drawn, result = draw(name)
    districts = {key: (ticket, district) for ticket, key, district in drawn}
    teams = recusal.Teams(seed, rules, officers, experts, exclusions, districts, result)
    result_tsv = "".join("\t".join(row) + "\n" for row in result).encode()
    log, statement = recusal.Log(teams, result_tsv), ref.digest(name.encode())
    visited, acts, heads = {}, [], []
    for minute in range(4 + dice.below(9)):
        time = f"2026-11-24T09:{minute * 4:02}:00Z"
        if dice.below(3) == 0:
            visited.setdefault(dice.choice(drawn)[1], time)
        asked = wish(dice, teams, visited)
        if asked is None:
            break
        act, subject, leaves, reason = asked
        asked_by, approved_by = dice.choice([leaves, subject, "scjg:office"]), dice.choice(["head:1", "head:2"])
        log.act(act, subject, leaves, set(visited), time, reason, asked_by, approved_by)
        heads.append(log.head(statement).decode())
        acts.append({"act": act, "subject": subject, "out": leaves, "visited": sorted(visited), "time": time,
                     "reason": reason, "asked_by": asked_by, "approved_by": approved_by})
    return {
        "name": name, "seed": seed, "statement": statement, "rules": rules, "revealed_at": "2026-11-23T13:16:05Z",
        "officers": ["\t".join(row) for row in officers], "experts": ["\t".join(row) for row in experts],
        "exclusions": ["\t".join(row) for row in exclusions],
        "drawn": [[key, ticket, district] for ticket, key, district in drawn],
        "result": ["\t".join(row) for row in result], "visits": sorted(visited.items()), "acts": acts,
        "log": log.lines, "heads": heads, "after": teams.rows(),
    }


def of_bundle(files, name):
    """Six acts over a whole bundle: log, head and visits as they would be published."""
    dice = scenarios.Dice(f"recusal/bundle/{name}")
    rows = {file: ref.rows(files[file]) for file in ref.FROZEN}
    rules, seed = json.loads(files["rules.json"]), json.loads(files["draw.json"])["seed"]
    result = ref.rows(files["result.tsv"])
    districts = {row[0]: row[2] for row in rows["subjects.tsv"]}
    drawn = {row[0]: (row[1], districts[row[0]]) for row in result}
    teams = recusal.Teams(seed, rules, rows["officers.tsv"], rows["experts.tsv"], rows["exclusions.tsv"], drawn, result)
    log, visited = recusal.Log(teams, files["result.tsv"]), {}
    for hour in range(10, 16):
        time = f"2026-12-01T{hour}:00:00Z"
        if hour % 2:
            visited.setdefault(dice.choice(result)[0], time)
        asked = wish(dice, teams, visited)
        if asked is None:
            break
        act, subject, leaves, reason = asked
        log.act(act, subject, leaves, set(visited), time, reason, "scjg:office", "head:1")
    head = recusal.signed_head(scenarios.KID, log, ref.digest(files["statement.json"])) if log.lines else b""
    visits = "".join(f"{key}\t{time}\n" for key, time in sorted(visited.items()))
    return {"log.tsv": ref.lines(*log.lines), "head.json": head, "visits.tsv": visits.encode()}


def outputs():
    cases = [case(f"case-{number:02}") for number in range(1, CASES + 1)]
    # One case a line: a changed rule shows as the cases it changes.
    text = "[\n" + ",\n".join(json.dumps(one, sort_keys=True) for one in cases) + "\n]\n"
    out = {"recusal.json": text.encode()}
    for name in ("small", "rich", "waived", "names", "withheld-people", "withheld-subjects"):
        for file, data in of_bundle(scenarios.BUNDLES[name](), name).items():
            out[f"logs/{name}/{file}"] = data
    return out
