"""The verifiable draw (protocol qingtian-draw-v1), written from the specification for vectors: plain, slow, exact.

Nothing here is shared with the service or with the verifiers; where they and this file disagree, one of them
misreads the specification. Standard library only.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile

import ed25519

PROTOCOL = "qingtian-draw-v1"
FROZEN = ["subjects.tsv", "left_out.tsv", "officers.tsv", "experts.tsv", "exclusions.tsv"]
MEMBERS = ["statement.json", *FROZEN, "rules.json", "draw.json", "strata.tsv", "result.tsv", "signatures.json"]

# The keys of the vectors are published on purpose: whoever reads this can sign with them. Hence kids in `demo-`.
KEYS = {
    "demo-vectors-1": {"secret": hashlib.sha256(b"qingtian vectors key 1").digest(), "purpose": "evidence",
                       "nbf": 1767225600},
    "demo-vectors-2": {"secret": hashlib.sha256(b"qingtian vectors key 2").digest(), "purpose": "evidence",
                       "nbf": 1735689600, "exp": 1767225600},
    "demo-vectors-3": {"secret": hashlib.sha256(b"qingtian vectors key 3").digest(), "purpose": "pass",
                       "nbf": 1767225600},
}


def lines(*parts):
    """`lines(a, b, c)`: every part followed by one LF, in UTF-8."""
    return "".join(part + "\n" for part in parts).encode()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def canonical(value):
    """RFC 8785 for what occurs here: strings, integers, null, true, false, arrays, objects with ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def rows(data):
    return [line.split("\t") for line in data.decode().split("\n")[:-1]]


def table(rows_):
    """A frozen file: its lines sorted by bytes."""
    return "".join(sorted("\t".join(row) + "\n" for row in rows_)).encode()


def column(text):
    return text.split(",") if text else []


def commitment(draw_id, secret):
    return digest(lines("qingtian-commit-v1", draw_id, secret))


def merkle_hash(leaves):
    """RFC 6962, section 2.1, by its recursive definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + merkle_hash(leaves[:k]) + merkle_hash(leaves[k:])).digest()


def split(n):
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def merkle_path(index, leaves):
    """RFC 6962, section 2.1.1: the audit path of one leaf, from the leaf upwards."""
    if len(leaves) <= 1:
        return []
    k = split(len(leaves))
    if index < k:
        return merkle_path(index, leaves[:k]) + [merkle_hash(leaves[k:]).hex()]
    return merkle_path(index - k, leaves[k:]) + [merkle_hash(leaves[:k]).hex()]


def merkle_root(subjects_tsv):
    return merkle_hash(subjects_tsv.split(b"\n")[:-1]).hex()


def seed_of(statement, secret, entries):
    return digest(lines("qingtian-draw-v1", statement, secret, *entries))


def subject_ticket(seed, key):
    return digest(lines(seed, "subject", key))


def person_ticket(seed, role, person, subject):
    return digest(lines(seed, role, person, subject))


def k_of(n, quota):
    if "ppm" in quota:
        return -(-n * quota["ppm"] // 1_000_000)
    return min(n, quota["count"])


def pick_subjects(seed, subjects, quotas):
    """`subjects`: rows of subjects.tsv. Returns the rows of strata.tsv and, by (ticket, key), (ticket, key, district)."""
    strata, drawn = [], []
    for stratum in sorted(quotas):
        pool = sorted((subject_ticket(seed, row[0]), row[0], row[2]) for row in subjects if row[1] == stratum)
        k = k_of(len(pool), quotas[stratum])
        strata.append([stratum, str(len(pool)), str(k), pool[:k][-1][0] if k and pool else "-"])
        drawn += pool[:k]
    return strata, sorted(drawn)


def place(seed, role, groups, taken, subject, district, rules, exclusions, counts):
    """The people for one subject, in the order taken, or None where a group cannot fill its places.

    `groups`: (rows to choose from, places, specialty or None). `taken`: who is already in the team.
    """
    team = []
    for people, places, specialty in groups:
        for place_no in range(places):
            candidates = [
                (counts.get(row[0], 0), person_ticket(seed, role, row[0], subject), row[0])
                for row in people
                if (not rules["cover_district"] or district in column(row[2]))
                and (row[0], subject) not in exclusions
                and row[0] not in team and row[0] not in taken
                and (specialty is None or place_no > 0 or specialty in column(row[3]))
            ]
            if not candidates:
                return None
            team.append(min(candidates)[2])
    return team


def pick_teams(seed, drawn, rules, officers, experts, exclusions):
    """Rows of result.tsv. `officers`, `experts`, `exclusions`: rows of the files."""
    excluded = {(row[0], row[1]) for row in exclusions}
    officer_counts, expert_counts, result = {}, {}, []
    for ticket, key, district in drawn:
        groups = [([row for row in officers if row[1] == team["unit"]], team["size"], team["specialty"])
                  for team in rules["teams"]]
        team = place(seed, "officer", groups, [], key, district, rules, excluded, officer_counts)
        helpers = None
        if team is not None:
            for person in team:
                officer_counts[person] = officer_counts.get(person, 0) + 1
            group = (experts, rules["experts"]["count"], rules["experts"]["specialty"])
            helpers = place(seed, "expert", [group], team, key, district, rules, excluded, expert_counts)
            for person in helpers or []:
                expert_counts[person] = expert_counts.get(person, 0) + 1
        result.append([key, ticket, ",".join(team or []), ",".join(helpers or [])])
    return result


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(kid, message):
    return {"alg": "EdDSA", "kid": kid, "value": base64url(ed25519.sign(KEYS[kid]["secret"], message))}


def signed_texts(statement, entries, rules, draw_json):
    """The three signed texts, by name."""
    given = entries if rules["beacon_waived"] is not None else entries[:-1]
    return {
        "draw": lines("qingtian-evidence-v1", digest(draw_json)),
        "entries": lines("qingtian-entries-v1", statement, *given),
        "statement": lines("qingtian-statement-v1", statement),
    }


def jwks():
    return {"keys": [
        {"crv": "Ed25519", "kid": kid, "kty": "OKP", "nbf": key["nbf"], "purpose": key["purpose"],
         "x": base64url(ed25519.public_key(key["secret"])), **({"exp": key["exp"]} if "exp" in key else {})}
        for kid, key in KEYS.items()
    ]}


def state(frozen, rules_json, fields, secret):
    """statement.json. `fields`: beacon_at, draw_id, entries_close, follows, replaces, reveal_by, stated_at, unit."""
    digests = {name: digest(frozen[name]) for name in FROZEN}
    digests["rules.json"] = digest(rules_json)
    return canonical({
        **fields, "commitment": commitment(fields["draw_id"], secret), "digests": digests,
        "merkle_root": merkle_root(frozen["subjects.tsv"]), "plan": json.loads(rules_json)["plan"],
        "protocol": PROTOCOL, "subjects_n": frozen["subjects.tsv"].count(b"\n"),
    })


def reveal(frozen, rules, statement_json, secret, entries, revealed_at):
    """draw.json, strata.tsv and result.tsv, by name."""
    statement = digest(statement_json)
    seed = seed_of(statement, secret, entries)
    strata, drawn = pick_subjects(seed, rows(frozen["subjects.tsv"]), rules["quotas"])
    result = pick_teams(seed, drawn, rules, rows(frozen["officers.tsv"]), rows(frozen["experts.tsv"]),
                        rows(frozen["exclusions.tsv"]))
    strata_tsv = table(strata)
    result_tsv = "".join("\t".join(row) + "\n" for row in result).encode()
    draw_json = canonical({
        "digests": {"result.tsv": digest(result_tsv), "strata.tsv": digest(strata_tsv)}, "entries": entries,
        "revealed_at": revealed_at, "secret": secret, "seed": seed, "statement": statement,
    })
    return {"draw.json": draw_json, "result.tsv": result_tsv, "strata.tsv": strata_tsv}


def signatures(kid, statement, entries, rules, draw_json):
    texts = signed_texts(statement, entries, rules, draw_json)
    return canonical({name: sign(kid, text) for name, text in texts.items()})


def member(name, data=b"", **more):
    """One archive member: a header without owner or time, so that the same draw always packs to the same bytes."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for field, value in more.items():
        setattr(info, field, value)
    return info, data


def pack_members(members):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def squeeze(raw):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0, compresslevel=9) as packed:
        packed.write(raw)
    return out.getvalue()


def pack(files):
    """A bundle: the files present, in the order of the specification."""
    return squeeze(pack_members(member(name, files[name]) for name in MEMBERS if name in files))


def unpack(bundle):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(bundle))) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive.getmembers()}
