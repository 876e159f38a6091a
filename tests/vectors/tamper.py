#!/usr/bin/env python3
"""Takes a valid bundle and writes every tampering of it, with the check that must fail: OUT/*.tar.gz, OUT/manifest.json.

The same bundle always gives the same tamperings. `--kinds naive,consistent` leaves out those that need the key.
"""

import argparse
import copy
import io
import json
import pathlib
import re
import sys
import tarfile

import reference as ref
from forgeries import consistent, signed, signed_in_part

JSON_FILES = ["statement.json", "rules.json", "draw.json", "signatures.json"]


def expected_of_content(name, data):
    """The check that must fail for this changed content of a file, everything else being as it was."""
    if name.endswith(".json"):
        try:
            value = json.loads(data)
            whole = ref.canonical(value) == data
        except ValueError:
            whole = False
        if not whole:
            return "format", name
    if name in ("statement.json",):
        return "statement", None
    if name in ref.FROZEN or name == "rules.json":
        return "digest", name
    if name in ("strata.tsv", "result.tsv"):
        return "result_digest", name
    return ("signature", "draw") if name == "draw.json" else ("format", name)


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def edits_of_any(name, data):
    """Edited bytes, for every file: (what, content, check, file)."""
    if name == "signatures.json":
        # Only where it is certain what is hit: the first byte, and one character inside each value (below).
        yield "the first byte is changed", flip(data, 0), "format", name
        return
    for word, at in (("first", 0), ("middle", len(data) // 2), ("last", len(data) - 1)):
        if data:
            yield f"the {word} byte is changed", flip(data, at), *expected_of_content(name, flip(data, at))
    yield "a byte is added at the end", data + b"x", "format", name
    if data:
        yield "the last byte is missing", data[:-1], "format", name
    yield "it begins with a byte order mark", b"\xef\xbb\xbf" + data, "format", name
    yield "it ends with a byte that is not UTF-8", data + b"\xff\n", "format", name


def edits_of_table(name, data, pool):
    """`pool`: whether subjects.tsv is there to compare with."""
    lines = data.split(b"\n")[:-1]
    join = lambda items: b"".join(item + b"\n" for item in items)
    order = ("selection", None) if name == "result.tsv" else ("format", name)
    content = {"result.tsv": ("selection", None), "strata.tsv": ("strata", None)}.get(name, ("digest", name))
    blank = join([*lines, b""])
    yield "an empty line is added", blank, "format", name
    yield "a line of one column is added", join([*lines, b"~"]), "format", name
    if not lines:
        return
    last = lines[-1].split(b"\t")
    added = b"\t".join([last[0] + b"z" if len(last[0]) < 64 else b"~"[:0] + b"z" * 64, *last[1:]])
    yield "a well-formed line is added at the end", join([*lines, added]), *content
    for word, at in (("first", 0), ("middle", len(lines) // 2), ("last", len(lines) - 1)):
        gone = ("result_digest", name) if name == "result.tsv" and not pool else content
        yield f"the {word} line is missing", join(lines[:at] + lines[at + 1:]), *gone
    yield "a line is repeated", join([lines[0], *lines]), *order
    yield "lines end with CR LF", data.replace(b"\n", b"\r\n"), "format", name
    yield "a column is added", join([lines[0] + b"\tx", *lines[1:]]), "format", name
    yield "a column is missing", join([lines[0].rsplit(b"\t", 1)[0], *lines[1:]]), "format", name
    yield "a TAB is a blank", join([lines[0].replace(b"\t", b" ", 1), *lines[1:]]), "format", name
    yield "a name holds a blank", join([b"a " + lines[0], *lines[1:]]), "format", name
    yield "a name holds a NUL", join([b"\0" + lines[0], *lines[1:]]), "format", name
    yield "a name is longer than 64", join(lines[:-1] + [b"z" * 65 + lines[-1]]), "format", name
    if len(lines) > 1:
        yield "the first two lines are swapped", join([lines[1], lines[0], *lines[2:]]), *order
        yield "the last two lines are swapped", join([*lines[:-2], lines[-1], lines[-2]]), *order
        yield "the lines are reversed", join(lines[::-1]), *order


def edits_of_json(name, data):
    value, text = json.loads(data), data.decode()
    spaced = json.dumps(value, sort_keys=True, separators=(", ", ":"), ensure_ascii=False).encode()
    reverse = dict(sorted(value.items(), reverse=True))
    first = sorted(value)[0]
    yield "blanks after commas", spaced, "format", name
    yield "a blank before it", b" " + data, "format", name
    yield "a final line end", data + b"\n", "format", name
    yield "members in another order", json.dumps(reverse, separators=(",", ":"), ensure_ascii=False).encode(), "format", name
    yield "an extra member", ref.canonical({**value, "extra": 1}), "format", name
    yield "an extra member that is null", ref.canonical({**value, "zzz": None}), "format", name
    yield "a member is missing", ref.canonical({k: v for k, v in value.items() if k != first}), "format", name
    yield "a member stands twice", ("{" + json.dumps(first) + ":null," + text[1:]).encode(), "format", name
    escaped = re.sub(r'"([a-z])', lambda m: '"\\u%04x' % ord(m[1]), text, count=1)
    yield "a letter is escaped", escaped.encode(), "format", name
    yield "it is an array", b"[" + data + b"]", "format", name
    yield "it is empty", b"", "format", name
    number = re.search(r":(\d+)[,}]", text)
    if number:
        for word, other in (("a fraction", number[1] + ".0"), ("an exponent", number[1] + "e0"), ("a sign", "-" + number[1]),
                            ("quotes", f'"{number[1]}"'), ("2^53", str(2**53))):
            yield f"a number with {word}", (text[:number.start(1)] + other + text[number.end(1):]).encode(), "format", name


def edits_of_draw(data):
    """draw.json changed member by member, nothing else recomputed: (what, content, check, file)."""
    draw = json.loads(data)
    entries = draw["entries"]
    again = lambda **more: ref.canonical({**draw, **more})
    other = "0" * 63 + ("1" if draw["seed"][-1] != "1" else "2")
    yield "the first entry is dropped", again(entries=entries[1:]), "entries", None
    yield "the last entry is dropped", again(entries=entries[:-1]), "entries", None
    yield "an entry is added", again(entries=[*entries, f"{len(entries) + 1}\tx\t1"]), "entries", None
    yield "an entry is repeated", again(entries=[entries[0], *entries]), "entries", None
    yield "no entries", again(entries=[]), "entries", None
    if len(entries) > 1:
        yield "two entries are swapped", again(entries=[entries[1], entries[0], *entries[2:]]), "entries", None
        numbered = [f"{i}\t{entry.split(chr(9), 1)[1]}" for i, entry in enumerate([entries[1], entries[0], *entries[2:]], 1)]
        yield "two entries are swapped and numbered anew", again(entries=numbered), "entries", None
    index, contributor, value = entries[0].split("\t")
    yield "a value is changed", again(entries=[f"{index}\t{contributor}\t{value[:199]}1", *entries[1:]]), "seed", None
    yield "a contributor is changed", again(entries=[f"{index}\tsomebody\t{value}", *entries[1:]]), "entries", None
    yield "an index is wrong", again(entries=[f"0\t{contributor}\t{value}", *entries[1:]]), "entries", None
    yield "an index has a zero before it", again(entries=[f"0{index}\t{contributor}\t{value}", *entries[1:]]), "entries", None
    yield "a value holds a TAB", again(entries=[f"{index}\t{contributor}\t1\t1", *entries[1:]]), "entries", None
    yield "a value holds a line end", again(entries=[f"{index}\t{contributor}\t1\n1", *entries[1:]]), "entries", None
    yield "a value is empty", again(entries=[f"{index}\t{contributor}\t", *entries[1:]]), "entries", None
    yield "another secret", again(secret=other), "commitment", None
    yield "another seed", again(seed=other), "seed", None
    yield "another statement", again(statement=other), "statement", None
    yield "a secret in capitals", again(secret="AB" + draw["secret"][2:]), "format", "draw.json"
    yield "a secret too short", again(secret=draw["secret"][:-1]), "format", "draw.json"
    yield "revealed long before", again(revealed_at="2001-01-01T00:00:00Z"), "time", None
    yield "revealed long after", again(revealed_at="2999-01-01T00:00:00Z"), "time", None
    yield "revealed on a day that does not exist", again(revealed_at="2026-02-30T00:00:00Z"), "format", "draw.json"
    for name in ("strata.tsv", "result.tsv"):
        yield f"another digest of {name}", again(digests={**draw["digests"], name: other}), "signature", "draw"


def edits_of_signatures(data):
    value = json.loads(data)
    for name in sorted(value):
        def again(**more):
            return ref.canonical({**value, name: {**value[name], **more}})
        text = value[name]["value"]
        yield f"{name}: a character of the value is changed", again(value=("A" if text[0] != "A" else "B") + text[1:]), "signature", name
        yield f"{name}: the value of another", again(value=value["statement" if name == "draw" else "draw"]["value"]), "signature", name
        yield f"{name}: the value is zeros", again(value="A" * 86), "signature", name
        yield f"{name}: the value is padded", again(value=text + "=="), "format", "signatures.json"
        yield f"{name}: the value is too short", again(value=text[:-1]), "format", "signatures.json"
        yield f"{name}: bits left over are set", again(value=text[:-1] + chr(ord(text[-1]) + 1)), "signature", name
        yield f"{name}: an unknown kid", again(kid="demo-unknown"), "signature", name
        yield f"{name}: the kid of another key", again(kid="demo-vectors-2"), "signature", name
        yield f"{name}: another algorithm", again(alg="none"), "format", "signatures.json"
        yield f"{name}: missing", ref.canonical({k: v for k, v in value.items() if k != name}), "format", "signatures.json"


def by_content(files):
    for name, data in files.items():
        edits = [edits_of_any(name, data), edits_of_json(name, data) if name in JSON_FILES else edits_of_table(name, data, "subjects.tsv" in files)]
        if name == "draw.json":
            edits.append(edits_of_draw(data))
        if name == "signatures.json":
            edits.append(edits_of_signatures(data))
        for edit in edits:
            for what, content, check, file in edit:
                if content != data:
                    yield f"{name}: {what}", ref.pack({**files, name: content}), check, file


def by_archive(files):
    """The archive itself: (what, bundle, check, file)."""
    members = [ref.member(name, data) for name, data in files.items()]

    def packed(items):
        return ref.squeeze(ref.pack_members(items))

    def instead(name, *items):
        return packed([new for info, data in members for new in (items if info.name == name else [(info, data)])])

    for info, data in members:
        name = info.name
        yield f"{name}: missing", packed([m for m in members if m[0].name != name]), "archive", name
        yield f"{name}: twice", packed([*members, (info, data)]), "archive", name
        yield f"{name}: twice, first another content", packed([ref.member(name, b"x\n"), *members]), "archive", name
        yield f"{name}: a symbolic link", instead(name, ref.member(name, type=tarfile.SYMTYPE, linkname="/etc/passwd")), "archive", name
        yield f"{name}: a hard link", instead(name, ref.member(name, type=tarfile.LNKTYPE, linkname="rules.json")), "archive", name
        yield f"{name}: a folder", instead(name, ref.member(name, type=tarfile.DIRTYPE)), "archive", name
        yield f"{name}: named ./{name}", instead(name, ref.member("./" + name, data)), "archive", name
        yield f"{name}: named in capitals", instead(name, ref.member(name.upper(), data)), "archive", name
    for what, extra in (
        ("an extra file", ref.member("notes.txt", b"hello\n")), ("an extra empty file", ref.member("README")),
        ("an extra file in a folder", ref.member("sub/rules.json", b"{}")), ("a file outside", ref.member("../rules.json", b"{}")),
        ("an absolute file", ref.member("/etc/passwd", b"x")), ("a folder", ref.member("sub", type=tarfile.DIRTYPE)),
        ("a named pipe", ref.member("pipe", type=tarfile.FIFOTYPE)), ("a device", ref.member("null", type=tarfile.CHRTYPE)),
    ):
        # A folder's name is written with a slash, which readers show or not.
        yield f"archive: {what}", packed([*members, extra]), "archive", None if extra[0].isdir() else extra[0].name
    absent = [name for name in ref.MEMBERS if name not in files]
    if absent:
        yield f"archive: {absent[0]}, which is withheld", packed([*members, ref.member(absent[0], b"")]), "archive", absent[0]
    raw, bundle = ref.pack_members(members), ref.pack(files)
    end = raw.rstrip(b"\0")
    end = raw[:-(-len(end) // 512) * 512]
    late = ref.pack_members([ref.member("rules.json", b"{}")])
    yield "archive: a file after its end", ref.squeeze(end + bytes(1024) + late), "archive", None
    yield "archive: bytes after its end", ref.squeeze(raw + b"hello"), "archive", None
    yield "archive: cut within its last file", ref.squeeze(end[:-600]), "archive", None
    name, data = next(iter(files.items()))
    hiding = bytearray(raw)
    hiding[512 + len(data)] = 65
    if len(data) % 512:
        yield "archive: a byte hidden in the padding", ref.squeeze(bytes(hiding)), "archive", name
    broken = bytearray(raw)
    broken[150] ^= 1
    yield "archive: a header's sum is wrong", ref.squeeze(bytes(broken)), "archive", None
    pax = io.BytesIO()
    with tarfile.open(fileobj=pax, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            info = copy.copy(info)
            info.pax_headers = {"comment": "hello"}
            archive.addfile(info, io.BytesIO(data))
    yield "archive: extended headers", ref.squeeze(pax.getvalue()), "archive", None
    yield "bundle: not compressed", raw, "archive", None
    yield "bundle: compressed twice", ref.squeeze(bundle), "archive", None
    yield "bundle: empty", b"", "archive", None
    yield "bundle: a text", b"hello\n", "archive", None
    yield "bundle: half of it", bundle[: len(bundle) // 2], "archive", None
    yield "bundle: its last byte missing", bundle[:-1], "archive", None
    yield "bundle: bytes after it", bundle + b"hello", "archive", None
    yield "bundle: a second one after it", bundle + ref.squeeze(late), "archive", None
    yield "bundle: its check sum wrong", flip(bundle, len(bundle) - 8), "archive", None


def tamperings(bundle, kinds=("naive", "consistent", "signed")):
    """Every tampering: (kind, what, bundle, check, file or None)."""
    files = ref.unpack(bundle)
    if "naive" in kinds:
        for make in (by_archive, by_content):
            for item in make(files):
                yield "naive", *item
    whole = all(name in files for name in ref.MEMBERS)  # Without the withheld files nothing can be drawn again.
    if "consistent" in kinds and whole:
        for item in consistent(files):
            yield "consistent", *item
    kids = {signature["kid"] for signature in json.loads(files["signatures.json"]).values()}
    if "signed" in kinds and kids == {"demo-vectors-1"}:
        for item in (signed if whole else signed_in_part)(files):
            yield "signed", *item


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--kinds", default="naive,consistent,signed")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    manifest, names = [], set()
    for kind, what, data, check, file in tamperings(options.bundle.read_bytes(), options.kinds.split(",")):
        name = f"{kind}/{what}"
        assert name not in names, name
        names.add(name)
        path = f"{len(manifest):03}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')[:80]}.tar.gz"
        (options.out / path).write_bytes(data)
        expect = {"check": check, **({"file": file} if file else {})}
        manifest.append({"name": name, "bundle": path, "kind": kind, "what": what, "expect": expect})
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(manifest)} tamperings of {options.bundle} in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
