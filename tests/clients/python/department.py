"""A department's program in Python: a machine client's token, a register streamed in, events subscribed to, a draw's
evidence downloaded. It uses nothing but the proto files and grpcio; stubs are generated from proto/ at the first run.

    QINGTIAN_CLIENT_SECRET=... python department.py HOST:PORT machineClients/ID organisations/ID REGISTER.csv

The secret comes by the environment: every user of a machine can read the arguments of its programs. Prints one JSON object with what it did. Retries UNAVAILABLE with growing pauses, as every client should.
"""

import hashlib
import json
import os
import pathlib
import sys
import tempfile
import time

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[3] / "proto"
CHUNK_BYTES = 64 * 1024
DEADLINE_SECS = 300


def stubs():
    """Generates the stubs into a temporary folder and makes them importable."""
    out = tempfile.mkdtemp(prefix="qingtian-stubs-")
    files = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto")]
    import grpc_tools

    well_known = str(pathlib.Path(grpc_tools.__file__).parent / "_proto")
    code = protoc.main(["protoc", f"-I{ROOT}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    if code != 0:
        raise SystemExit("the proto files do not compile")
    sys.path.insert(0, out)


def with_retry(call):
    """Calls again when the server is not available, with growing pauses, at most five times."""
    for attempt in range(5):
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or attempt == 4:
                raise
            time.sleep(0.1 * 2**attempt)


def main(address, client, secret, organisation, register):
    stubs()
    from google.api import httpbody_pb2
    from google.rpc import error_details_pb2, status_pb2
    from qingtian.draws.v1 import draws_pb2_grpc, registers_pb2, registers_pb2_grpc
    from qingtian.events.v1 import events_pb2
    from qingtian.identity.v1 import identity_pb2, identity_pb2_grpc
    from qingtian.portal.v1 import portal_pb2, portal_pb2_grpc

    channel = grpc.insecure_channel(address)
    identity = identity_pb2_grpc.IdentityStub(channel)
    token = with_retry(
        lambda: identity.IssueToken(identity_pb2.IssueTokenRequest(client=client, secret=secret), timeout=DEADLINE_SECS)
    ).token
    bearer = [("authorization", f"Bearer {token}")]

    content = pathlib.Path(register).read_bytes()

    def chunks():
        first = registers_pb2.ImportSubjectsRequest(
            parent=organisation,
            file_name=pathlib.Path(register).name,
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
    report = with_retry(lambda: registers.ImportSubjects(chunks(), metadata=bearer, timeout=DEADLINE_SECS))

    # Page through what came in.
    keys, page_token = [], ""
    while True:
        request = registers_pb2.ListSubjectsRequest(parent=organisation, page_size=500, page_token=page_token)
        page = with_retry(lambda: registers.ListSubjects(request, metadata=bearer, timeout=DEADLINE_SECS))
        keys += [subject.key for subject in page.subjects]
        page_token = page.next_page_token
        if not page_token:
            break

    # Another organisation's register is not found; the refusal says so in a form a program can read.
    refused = {}
    try:
        other = registers_pb2.ListSubjectsRequest(parent="organisations/market")
        registers.ListSubjects(other, metadata=bearer, timeout=DEADLINE_SECS)
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                refused = {"code": error.code().name, "reason": info.reason, "article": info.metadata["article"]}

    # Subscribe to what happened in draws, from the beginning.
    draws = draws_pb2_grpc.DrawsStub(channel)
    events = [
        step.event.payload.type_url.rsplit("/", 1)[1]
        for step in draws.ReadEvents(events_pb2.ReadEventsRequest(), metadata=bearer, timeout=DEADLINE_SECS)
        if step.HasField("event")
    ]

    # The newest revealed draw's evidence, as the public gets it.
    portal = portal_pb2_grpc.PortalStub(channel)
    newest = next(d for d in portal.ListDraws(portal_pb2.ListDrawsRequest(), timeout=DEADLINE_SECS).draws if d.evidence_size)
    digest, size = hashlib.sha256(), 0
    for part in portal.DownloadEvidence(portal_pb2.DownloadEvidenceRequest(name=newest.name), timeout=DEADLINE_SECS):
        digest.update(part.data)
        size += len(part.data)

    print(
        json.dumps(
            {
                "rows": report.rows,
                "created": report.created,
                "returned": report.returned,
                "keys": len(set(keys)),
                "refused": refused,
                "events": events,
                "draw": newest.name,
                "evidence_bytes": size,
                "evidence_matches": digest.hexdigest() == newest.draw.evidence_digest and size == newest.evidence_size,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], os.environ["QINGTIAN_CLIENT_SECRET"], *sys.argv[3:5])
