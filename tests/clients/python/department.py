"""A department's program in Python: a machine client's token, a register streamed in, draws subscribed to, a draw's evidence
downloaded and verified. It needs nothing but the contract's archive (or this repository) and grpcio-tools; stubs are generated
from the proto files at the first run.

    QINGTIAN_CLIENT_SECRET=... python department.py HOST:PORT machineClients/ID organisations/ID REGISTER.csv [--ca CA.pem]

The secret comes by the environment: every user of a machine can read the arguments of its programs. The connection is TLS, checked
against the system's authorities or those of --ca; `--plaintext` is for a Qingtian on this very machine. `--demo` accepts what a
demonstration signed. Prints one JSON object with what it did.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time

import grpc
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve()
ROOT = next(folder for folder in HERE.parents if (folder / "proto" / "qingtian").is_dir())
# The independent verifier, standard library only: `verify/` in the archive, `tests/vectors/` in the repository.
VERIFIER = next(folder for folder in [ROOT / "verify", ROOT / "tests" / "vectors"] if (folder / "reference.py").exists())
CHUNK_BYTES = 64 * 1024
DEADLINE_SECS = 300
# Tokens live five minutes; a new one is asked for this long before the end.
REFRESH_BEFORE_SECS = 60
ATTEMPTS_MAX = 6
WAIT_SECS_MAX = 10.0


def stubs():
    """Generates the stubs into a temporary folder and makes them importable."""
    out = tempfile.mkdtemp(prefix="qingtian-stubs-")
    proto = ROOT / "proto"
    files = [str(path.relative_to(proto)) for path in proto.rglob("*.proto")]
    import grpc_tools

    well_known = str(pathlib.Path(grpc_tools.__file__).parent / "_proto")
    code = protoc.main(["protoc", f"-I{proto}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    if code != 0:
        raise SystemExit("the proto files do not compile")
    sys.path.insert(0, out)


def details(error):
    """The details of a refusal, by the names of their messages."""
    from google.rpc import error_details_pb2, status_pb2

    found = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                for kind in (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
                    message = kind()
                    if detail.Unpack(message):
                        found[kind.__name__] = message
    return found


def wait_after(error, attempt):
    """Seconds to wait before the next attempt; None when another one would not help.

    What the server asks for (RetryInfo) is obeyed; without it the pause doubles from 0.1 s, less a random part, so that clients
    cut off together do not come back together."""
    if attempt + 1 >= ATTEMPTS_MAX or error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        return None
    asked = details(error).get("RetryInfo")
    if asked is not None:
        wait = asked.retry_delay.seconds + asked.retry_delay.nanos / 1e9
        return wait if wait <= WAIT_SECS_MAX else None
    return random.uniform(0.5, 1.0) * min(WAIT_SECS_MAX, 0.1 * 2**attempt)


def with_retry(call):
    """Calls again where that may help. Only for what may be repeated: reads, changes with a request_id, uploads of rows (a row that is
    there already is no second one)."""
    for attempt in range(ATTEMPTS_MAX):
        try:
            return call()
        except grpc.RpcError as error:
            wait = wait_after(error, attempt)
            if wait is None:
                raise
            time.sleep(wait)


class Session:
    """A machine client's token, renewed before it ends."""

    def __init__(self, channel, client, secret):
        from qingtian.identity.v1 import identity_pb2, identity_pb2_grpc

        self._stub = identity_pb2_grpc.IdentityStub(channel)
        self._request = identity_pb2.IssueTokenRequest(client=client, secret=secret)
        self._token, self._ends = None, 0.0
        self.issued = 0

    def bearer(self):
        """Metadata of a call made now."""
        if self._token is None or time.time() > self._ends - REFRESH_BEFORE_SECS:
            answer = with_retry(lambda: self._stub.IssueToken(self._request, timeout=DEADLINE_SECS))
            self._token, self._ends = answer.token, answer.expire_time.seconds
            self.issued += 1
        return [("authorization", f"Bearer {self._token}")]

    def forget(self):
        """The next call asks for a new token: this one was refused."""
        self._token = None


def follow(stub, session, after=0, after_hash=""):
    """Events of a part's log, in order, each once, with (position, hash) to go on from; None when there is nothing new at the moment.
    The stream ends with its token and is opened again from where it stood."""
    from qingtian.events.v1 import events_pb2

    attempt = 0
    while True:
        request = events_pb2.ReadEventsRequest(after=after, after_hash=after_hash, follow=True)
        try:
            for step in stub.ReadEvents(request, metadata=session.bearer()):
                after, after_hash, attempt = step.position, step.hash, 0
                yield (step.event if step.HasField("event") else None), after, after_hash
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAUTHENTICATED and attempt == 0:
                session.forget()
            else:
                wait = wait_after(error, attempt)
                if wait is None:
                    raise  # DATA_LOSS among others: the log is another one, as after a restore; begin again from zero
                time.sleep(wait)
            attempt += 1


def verify(bundle, jwks, demo):
    """Recomputes a draw from its evidence: what differs, or nothing. Whoever relies on it reads the protocol, not this alone."""
    sys.path.insert(0, str(VERIFIER))
    import ed25519
    import reference

    files = reference.unpack(bundle)
    missing = [name for name in reference.MEMBERS if name not in files]
    if missing:
        return [f"withheld: {', '.join(missing)}"]
    statement, rules, draw = (json.loads(files[name]) for name in ("statement.json", "rules.json", "draw.json"))
    wrong = []
    for name, digest in statement["digests"].items():
        if reference.digest(files[name]) != digest:
            wrong.append(f"{name} is not the one that was stated")
    if reference.commitment(statement["draw_id"], draw["secret"]) != statement["commitment"]:
        wrong.append("the secret is not the one that was committed to")
    frozen = {name: files[name] for name in reference.FROZEN}
    again = reference.reveal(frozen, rules, files["statement.json"], draw["secret"], draw["entries"], draw["revealed_at"])
    wrong += [f"{name} comes out differently" for name, content in again.items() if files[name] != content]

    keys = {key["kid"]: key for key in jwks["keys"] if key["purpose"] == "evidence"}
    stated = reference.digest(files["statement.json"])
    texts = reference.signed_texts(stated, draw["entries"], rules, files["draw.json"])
    for name, signature in json.loads(files["signatures.json"]).items():
        raw = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        key = keys.get(signature["kid"])
        if signature["kid"].startswith("demo-") and not demo:
            wrong.append(f"{name} is signed by a demonstration")
        if key is None or not ed25519.verify(raw(key["x"]), texts[name], raw(signature["value"])):
            wrong.append(f"{name} is not signed by a key that is published")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("client")
    parser.add_argument("organisation")
    parser.add_argument("register")
    parser.add_argument("--ca")
    parser.add_argument("--plaintext", action="store_true")
    parser.add_argument("--demo", action="store_true")
    given = parser.parse_args()
    secret = os.environ["QINGTIAN_CLIENT_SECRET"]

    stubs()
    from google.api import httpbody_pb2
    from qingtian.draws.v1 import draws_pb2_grpc, registers_pb2, registers_pb2_grpc
    from qingtian.portal.v1 import portal_pb2, portal_pb2_grpc

    if given.plaintext:
        channel = grpc.insecure_channel(given.address)
    else:
        authorities = pathlib.Path(given.ca).read_bytes() if given.ca else None
        channel = grpc.secure_channel(given.address, grpc.ssl_channel_credentials(authorities))
    session = Session(channel, given.client, secret)

    content = pathlib.Path(given.register).read_bytes()

    def chunks():
        first = registers_pb2.ImportSubjectsRequest(
            parent=given.organisation,
            file_name=pathlib.Path(given.register).name,
            columns=["key=code", "title=name"],
            default_district="410202",
        )
        for start in range(0, len(content), CHUNK_BYTES):
            data = content[start : start + CHUNK_BYTES]
            body = httpbody_pb2.HttpBody(content_type="text/csv", data=data)
            if start == 0:
                first.file.CopyFrom(body)
                yield first
            else:
                yield registers_pb2.ImportSubjectsRequest(file=body)

    registers = registers_pb2_grpc.RegistersStub(channel)
    report = with_retry(lambda: registers.ImportSubjects(chunks(), metadata=session.bearer(), timeout=DEADLINE_SECS))

    # Page through what came in.
    keys, page_token = [], ""
    while True:
        request = registers_pb2.ListSubjectsRequest(parent=given.organisation, page_size=500, page_token=page_token)
        page = with_retry(lambda: registers.ListSubjects(request, metadata=session.bearer(), timeout=DEADLINE_SECS))
        keys += [subject.key for subject in page.subjects]
        page_token = page.next_page_token
        if not page_token:
            break

    # Another organisation's register is not found; the refusal says so in a form a program can read.
    refused = {}
    try:
        other = registers_pb2.ListSubjectsRequest(parent="organisations/market")
        registers.ListSubjects(other, metadata=session.bearer(), timeout=DEADLINE_SECS)
    except grpc.RpcError as error:
        info = details(error)["ErrorInfo"]
        refused = {"code": error.code().name, "reason": info.reason, "article": info.metadata["article"]}

    # Subscribe to what happens in draws, from the beginning. A program that goes on keeps (position, hash) with what it made of the
    # events; this one ends when it has heard everything there is so far.
    events = []
    for event, position, chain_hash in follow(draws_pb2_grpc.DrawsStub(channel), session):
        if event is None:
            break
        events.append(event.payload.type_url.rsplit("/", 1)[1])

    # The newest revealed draw's evidence, as the public gets it, recomputed.
    portal = portal_pb2_grpc.PortalStub(channel)
    newest = next(d for d in portal.ListDraws(portal_pb2.ListDrawsRequest(), timeout=DEADLINE_SECS).draws if d.evidence_size)
    download = portal.DownloadEvidence(portal_pb2.DownloadEvidenceRequest(name=newest.name), timeout=DEADLINE_SECS)
    bundle = b"".join(part.data for part in download)
    published = portal.GetSigningKeys(portal_pb2.GetSigningKeysRequest(), timeout=DEADLINE_SECS)
    jwks = json.loads(b"".join(part.data for part in published))
    matches = hashlib.sha256(bundle).hexdigest() == newest.draw.evidence_digest and len(bundle) == newest.evidence_size

    print(
        json.dumps(
            {
                "rows": report.rows,
                "created": report.created,
                "returned": report.returned,
                "keys": len(set(keys)),
                "refused": refused,
                "events": events,
                "position": position,
                "hash": chain_hash,
                "tokens": session.issued,
                "draw": newest.name,
                "evidence_bytes": len(bundle),
                "evidence_matches": matches,
                "wrong": verify(bundle, jwks, given.demo),
            }
        )
    )


if __name__ == "__main__":
    main()
