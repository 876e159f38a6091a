#!/usr/bin/env python3
"""Makes vectors.json, recusal.json, jwks.json, bundles/, logs/ and withheld/ from the specification alone.

`--check` compares instead.
"""

import argparse
import gzip
import json
import pathlib
import sys

import recusal_cases
import reference as ref
import scenarios

HERE = pathlib.Path(__file__).resolve().parent
SECRET = "00112233445566778899aabbccddeeff" * 2


def commitments():
    return [{"draw_id": draw_id, "secret": secret, "commitment": ref.commitment(draw_id, secret)}
            for draw_id, secret in [("draws/2026-0001", "0" * 64), ("draws/2026-0001", SECRET), ("draws/2026-12345", SECRET)]]


def merkles():
    out = []
    for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17):
        leaves = [f"{scenarios.subject_key(i)}\tA\t410202" for i in range(n)]
        data = [leaf.encode() for leaf in leaves]
        out.append({"lines": leaves, "root": ref.merkle_hash(data).hex(),
                    "paths": [ref.merkle_path(i, data) for i in range(n)] if n <= 9 else None})
    return out


def seeds():
    out = []
    for entries in (["1\ta\t1"], ["1\tscjg\t3 1 6 2", "2\tnotary-li\t417", "3\tlottery:ssq:2026135\t03 07 12 19 26 31 09"]):
        statement = ref.digest(b"statement")
        out.append({"statement": statement, "secret": SECRET, "entries": entries,
                    "seed": ref.seed_of(statement, SECRET, entries)})
    return out


def tickets():
    seed = ref.digest(b"seed")
    keys = ["91410200DEMO000001", "k", "k" * 45, "k" * 46, "k" * 64, "kind:id/1"]
    return {
        "seed": seed,
        "subjects": [{"key": key, "ticket": ref.subject_ticket(seed, key)} for key in keys],
        "people": [{"role": role, "person": person, "subject": keys[0],
                    "ticket": ref.person_ticket(seed, role, person, keys[0])}
                   for role in ("officer", "expert") for person in ("16020001", "p" * 64)],
    }


def ks():
    cases = [(n, {"ppm": ppm}) for n in (0, 1, 3, 7, 100, 999_999, 1_000_000, 1_000_001, 10_000_000)
             for ppm in (0, 1, 20_000, 333_333, 333_334, 500_000, 999_999, 1_000_000)]
    cases += [(n, {"count": count}) for n in (0, 1, 7, 10_000_000) for count in (0, 1, 7, 8, 2**53 - 1)]
    return [{"n": n, "quota": quota, "k": ref.k_of(n, quota)} for n, quota in cases]


def selections():
    subjects = [[f"S{i:02}", "AB"[i % 2], "410202"] for i in range(20)]
    out = []
    for word in (b"one", b"two"):
        seed, quotas = ref.digest(word), {"A": {"ppm": 250_000}, "B": {"count": 4}}
        strata, drawn = ref.pick_subjects(seed, subjects, quotas)
        out.append({"seed": seed, "subjects": ["\t".join(row) for row in subjects], "quotas": quotas,
                    "strata": ["\t".join(row) for row in strata], "drawn": [[row[1], row[0]] for row in drawn]})
    return out


def team_cases():
    """One case per rule of section 5, small enough to follow by hand."""
    one = [{"size": 1, "specialty": None, "unit": "u"}]
    two = [{"size": 2, "specialty": None, "unit": "u"}]
    none = {"count": 0, "specialty": None}
    people = lambda *rows: [row.split(" ") for row in rows]  # key unit districts specialties, "" by a trailing blank
    yield ("load is even: counts before tickets", 9, True, one, none, people("a u d ", "b u d ", "c u d "), [], [])
    yield ("two of three, in the order taken", 6, True, two, none, people("a u d ", "b u d ", "c u d "), [], [])
    yield ("the first has the specialty, the second need not", 6, True,
           [{"size": 2, "specialty": "food", "unit": "u"}], none,
           people("a u d food", "b u d fire,food", "c u d ", "e u d fire"), [], [])
    yield ("nobody has the specialty: no team", 2, True, [{"size": 1, "specialty": "food", "unit": "u"}], none,
           people("a u d fire", "b u d "), [], [])
    yield ("no districts covers none", 3, True, one, none, people("a u  ", "b u d "), [], [])
    yield ("a district matches exactly", 2, True, one, none, people("a u d1 ", "b u D "), [], [])
    yield ("districts play no part", 4, False, one, none, people("a u  ", "b u x "), [], [])
    yield ("excluded for one subject only", 5, True, one, none, people("a u d ", "b u d "), [], [["a", "S1", "x"], ["a", "S3", "x"]])
    yield ("one unit short: no team at all, and nobody's count grows", 6, True,
           [{"size": 1, "specialty": None, "unit": "u"}, {"size": 1, "specialty": None, "unit": "v"}], none,
           people("a u d ", "b u d ", "c v d "), [], [["c", "S0", "x"], ["c", "S2", "x"], ["c", "S4", "x"]])
    yield ("experts after the team, counted apart", 6, True, one, {"count": 2, "specialty": None},
           people("a u d ", "b u d "), people("a w d ", "x w d ", "y w d "), [])
    yield ("an expert who is in the team is passed over", 4, True, one, {"count": 1, "specialty": None},
           people("a u d ", "b u d "), people("a w d ", "b w d "), [])
    yield ("too few experts: none is placed, the team stays", 4, True, one, {"count": 2, "specialty": None},
           people("a u d ", "b u d "), people("a w d ", "x w d "), [])
    yield ("no team, no experts", 3, True, two, {"count": 1, "specialty": None}, people("a u d "), people("x w d "), [])
    yield ("the expert with the specialty first, district and recusal hold", 6, True, one, {"count": 2, "specialty": "boiler"},
           people("a u d "), people("w w d boiler", "x w d boiler", "y w d ", "z w e boiler"), [["w", "S1", "x"], ["y", "S2", "x"]])
    yield ("no drawn subject: nothing", 0, True, one, none, people("a u d "), [], [])


def teams():
    out = []
    for title, n, cover, teams_, experts_rule, officers, experts, exclusions in team_cases():
        seed = ref.digest(title.encode())
        drawn = sorted((ref.subject_ticket(seed, f"S{i}"), f"S{i}", "d") for i in range(n))
        rules = {"cover_district": cover, "experts": experts_rule, "teams": teams_}
        result = ref.pick_teams(seed, drawn, rules, officers, experts, exclusions)
        out.append({"title": title, "seed": seed, **rules, "drawn": [[key, ticket, district] for ticket, key, district in drawn],
                    "officers": ["\t".join(row) for row in officers], "experts_tsv": ["\t".join(row) for row in experts],
                    "exclusions": ["\t".join(row) for row in exclusions], "result": ["\t".join(row) for row in result]})
    return out


QUICKNET = [
    (1000, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"),
    (123, "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"),
    (10024141, "8c87caf26bb4f5e9fdfad5ddf739ff8683344f8cf04a8c381225ff067557b5d9d51937eed765fcef21971bf5ddef44bb"),
    (30798012, "90973449df156e156dc8c702aa397ebe24ab3ba4f0d7f46e921ba6ab906bc07515977132dc109498c6adebe27cde6fb5"),
    (31543812, "a517bcc786bde26257b53b18eb3f25dc4020d2ad2e2e85339e713b046b7b84df3794c57ab9cae880f0da7b2f120b70d7"),
]
# The last of them and a point of order three, of both signs.
TWISTED = ["b883fe829420e0f73438630b72d6004f822a7c2358f7c95aed4d1d362b182a66a7342a23d009bffad223d34f9e3741b8",
           "b0c6273c07bd4c56db1af90cbe9b6c00641df46835dad78f9580c772951aca1cd3a7a249008c5bbbd2a827f74d48d204"]


def forms():
    """Texts and whether the specification allows them.

    A lottery's numbers are those it can draw (red 01 to 33, blue 01 to 16); a round has no zeros before it and is not 0.
    """
    return {
        "name": {"valid": ["a", "0", "-", "..", "410202/C", "kind:id", "A_b.c-d:e/f", "x" * 64],
                 "invalid": ["", " ", "a b", "a,b", "a\tb", "a\n", "é", "市", "x" * 65, "a+b", "a#b", "a|b"]},
        "value": {"valid": ["0", " ", "3 1 6 2", "a:b", "heads, tails", "1.5", "-", "x" * 200],
                  "invalid": ["", "a\tb", "a\n", "a/b", "a_b", "é", "x" * 201, "a;b"]},
        "draw_id": {"valid": ["draws/2026-0001", "draws/2026-9999", "draws/2026-10000", "draws/2026-1234567"],
                    "invalid": ["draws/2026-0000", "draws/2026-1", "draws/2026-001", "draws/2026-00001", "draws/2026-012345",
                                "draw/2026-0001", "/draws/2026-0001", "draws/26-0001", "draws/2026-0001 ", "DRAWS/2026-0001",
                                "draws/2026-+001", "plans/2026-0001"]},
        "time": {"valid": ["2026-11-23T00:00:00Z", "2024-02-29T23:59:59Z", "2000-02-29T12:00:00Z"],
                 "invalid": ["2026-11-23", "2026-11-23T00:00:00", "2026-11-23T00:00:00z", "2026-11-23t00:00:00Z",
                             "2026-11-23 00:00:00Z", "2026-11-23T00:00:00.0Z", "2026-11-23T00:00:00+00:00",
                             "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
                             "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T23:60:00Z",
                             "2026-11-23T23:59:61Z", "2026-1-01T00:00:00Z", ""]},
        "date": {"valid": ["2026-12-31", "2024-02-29"],
                 "invalid": ["2026-02-29", "0000-01-01", "2026-12-32", "2026-12-31T00:00:00Z", "2026-1-1", "20261231", ""]},
        "digest": {"valid": ["0" * 64, "0123456789abcdef" * 4], "invalid": ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64]},
        # Rounds of drand's quicknet with the signatures it gave; anybody may ask drand. What is wrong: another round's, a bit
        # flipped, a point outside the curve's group that a pairing alone takes for the signature, the point at infinity. Nothing
        # in Python checks these.
        "beacon_signature": {
            "valid": [[f"drand:quicknet:{number}", signature] for number, signature in QUICKNET],
            "invalid": [["drand:quicknet:1001", QUICKNET[0][1]], ["drand:quicknet:31543812", QUICKNET[0][1]],
                        ["drand:quicknet:1000", QUICKNET[0][1][:-1] + "8"], ["drand:quicknet:1000", "94" + QUICKNET[0][1][2:]],
                        *(["drand:quicknet:31543812", twisted] for twisted in TWISTED),
                        ["drand:quicknet:1000", "c0" + "00" * 47], ["drand:quicknet:1000", "0a" * 48],
                        ["drand:quicknet:1000", QUICKNET[0][1].upper()]]},
        "beacon": {"valid": [["drand:quicknet:33581250", "0a" * 48], ["lottery:ssq:2026135", "01 08 15 22 30 33 16"],
                             ["lottery:demo:1", "03 07 12 19 26 31 09"]],
                   "invalid": [["drand:quicknet:33581250", "0A" * 48], ["drand:quicknet:33581250", "0a" * 47],
                               ["drand:quicknet:", "0a" * 48], ["drand:default:1", "0a" * 48], ["drand:quicknet:x", "0a" * 48],
                               ["bitcoin:block:1", "0a" * 48], ["lottery:ssq:2026135", "08 01 15 22 30 33 16"],
                               ["lottery:ssq:2026135", "01 08 15 22 30 30 16"], ["lottery:ssq:2026135", "1 8 15 22 30 33 16"],
                               ["lottery:ssq:2026135", "01  08 15 22 30 33 16"], ["lottery:ssq:2026135", "01 08 15 22 30 33"],
                               ["lottery:ssq:2026135", "01 08 15 22 30 34 16"], ["lottery:ssq:2026135", "00 08 15 22 30 33 16"],
                               ["lottery:ssq:2026135", "01 08 15 22 30 33 17"], ["lottery:ssq:2026135", "01 08 15 22 30 33 00"],
                               ["lottery:ssq:02026135", "01 08 15 22 30 33 16"], ["drand:quicknet:0", "0a" * 48],
                               ["lottery:ssq:2026135", "01,08,15,22,30,33,16"], ["lottery:dlt:2026135", "01 08 15 22 30 33 16"]]},
    }


def signed():
    files = scenarios.small()
    draw, rules = json.loads(files["draw.json"]), json.loads(files["rules.json"])
    texts = ref.signed_texts(draw["statement"], draw["entries"], rules, files["draw.json"])
    values = json.loads(files["signatures.json"])
    return [{"signs": name, "text": text.decode(), **values[name]} for name, text in texts.items()]


def verdict(hidden):
    """What a verifier must say of a bundle: by what it was given."""
    public = "partly" if hidden else "verified"
    return {"jwks,demo": public, "demo": "partly", "jwks": "not_verified",
            **({"jwks,demo,with": "verified"} if hidden else {})}


def outputs():
    out, bundles = {}, []
    for name, make in scenarios.BUNDLES.items():
        files = make()
        hidden = scenarios.hidden_files(files)
        public = {file: data for file, data in files.items() if file not in hidden}
        out[f"bundles/{name}.tar.gz"] = ref.pack(public)
        for file in hidden:
            out[f"withheld/{name}/{file}"] = files[file]
        draw = json.loads(files["draw.json"])
        bundles.append({
            "name": name, "bundle": f"bundles/{name}.tar.gz", "what": " ".join(make.__doc__.split()),
            "with": f"withheld/{name}" if hidden else None, "draw_id": json.loads(files["statement.json"])["draw_id"],
            "statement": draw["statement"], "seed": draw["seed"],
            "digests": {file: ref.digest(data) for file, data in sorted(files.items())}, "verdicts": verdict(hidden),
        })
    vectors = {
        "protocol": ref.PROTOCOL, "commitment": commitments(), "merkle": merkles(), "seed": seeds(), "tickets": tickets(),
        "k": ks(), "selection": selections(), "teams": teams(), "signatures": signed(), "forms": forms(), "bundles": bundles,
    }
    out["vectors.json"] = (json.dumps(vectors, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    out.update(recusal_cases.outputs())
    out["jwks.json"] = (json.dumps(ref.jwks(), indent=1, sort_keys=True) + "\n").encode()
    return out


def same(path, data):
    """Whether a kept file still says this; of a bundle the archive counts, since compressors differ."""
    kept = path.read_bytes() if path.exists() else b""
    return kept == data or (kept[:2] == b"\x1f\x8b" and gzip.decompress(kept) == gzip.decompress(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a kept file differs")
    check = parser.parse_args().check
    different = [name for name, data in outputs().items() if not same(HERE / name, data)]
    if check:
        for name in different:
            print(f"differs: {name}", file=sys.stderr)
        return 1 if different else 0
    for name, data in outputs().items():
        if name in different:
            (HERE / name).parent.mkdir(parents=True, exist_ok=True)
            (HERE / name).write_bytes(data)
            print(f"wrote {name}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
