"""The city from outside: people who sign in, and requests that are checked against the document as they are answered."""

import json
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

# Whatever has not come by then hangs. How fast things are is told, never demanded.
HANG_SECS = 300

# What every answer must be, whoever asked for what.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """One JSON value a line; text as it is."""
    if isinstance(value, list):
        value = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in value)
    return value if isinstance(value, bytes) else str(value).encode()


def document(url):
    """The document as the city serves it."""
    answer = requests.get(f"{url}/openapi.json", timeout=HANG_SECS)
    answer.raise_for_status()
    return answer.json()


class Tally:
    """Which statuses each operation answered."""

    def __init__(self, labels):
        self.statuses = {label: Counter() for label in labels}

    def add(self, label, status):
        self.statuses[label][status] += 1

    def without_success(self):
        return [label for label, met in self.statuses.items() if not any(200 <= status < 300 for status in met)]


class City:
    """A running city with its document."""

    def __init__(self, url, accounts, schema):
        self.url = url
        self.schema = schema
        self.passwords = {account["username"]: account["password"] for account in accounts}
        self.operations = Operations(schema)
        self.tally = Tally(self.operations.labels())
        # Who may do what: the person who did it here with success.
        self.doers = {}
        # The values of its path each operation had success with.
        self.things = defaultdict(list)
        # What is wrong with answers.
        self.problems = {}
        self.anybody = Person(self, "")

    def sign_in(self, username, password=None):
        """A person with a session of the web."""
        body = {"username": username, "password": password or self.passwords[username]}
        answer = self.anybody.asked("POST", "/v1/session:signIn", body)
        cookie = answer.headers["set-cookie"][0].partition(";")[0]
        return Person(self, username, {"cookie": cookie, "x-csrf-token": answer.json()["csrfToken"]})

    def check(self, label, problem, sample=""):
        """Keeps what is wrong with an operation, once; `sample` shows it again."""
        self.problems.setdefault((label, problem), sample)


class Operations:
    """Operations of the document, found by method and address."""

    def __init__(self, schema):
        self.by_method = defaultdict(list)
        for found in schema.get_all_operations():
            operation = found.ok()
            self.by_method[operation.method.upper()].append(operation)

    def __iter__(self):
        return (operation for operations in self.by_method.values() for operation in operations)

    def labels(self):
        return sorted(operation.label for operation in self)

    def find(self, method, path):
        """The operation and the values of its path. The one with the most fixed text, as the gateway chooses."""
        fitting = []
        for operation in self.by_method[method]:
            values = fit(operation.path, path)
            if values is not None:
                fitting.append((len(operation.path) - sum(map(len, values)), len(fitting), operation, values))
        if not fitting:
            raise LookupError(f"the document has no {method} {path}")
        return max(fitting)[2:]


def fit(template, path):
    """The values of a template's parameters in a path, or None. A parameter is one segment, or one up to a verb."""
    values = {}
    parts, wanted = path.strip("/").split("/"), template.strip("/").split("/")
    if len(parts) != len(wanted):
        return None
    for part, want in zip(parts, wanted):
        head, brace, rest = want.partition("{")
        if not brace:
            if part != want:
                return None
            continue
        name, _, tail = rest.partition("}")
        if not part.startswith(head) or not part.endswith(tail):
            return None
        values[name] = unquote(part[len(head) : len(part) - len(tail)])
    return values


class Refused(Exception):
    """The city refuses: `reason` says why."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.status_code} {answer.text[:2000]}")
        self.status = answer.status_code
        details = answer.json().get("details", []) if "json" in str(answer.headers.get("content-type")) else []
        self.reason = next((detail["reason"] for detail in details if "reason" in detail), "")


class Person:
    """Somebody who asks: signed in, a program with a token, or nobody in particular."""

    def __init__(self, city, username, headers=None):
        self.city = city
        self.username = username
        self.headers = headers or {}

    def for_purpose(self, purpose="audit"):
        """The same person, who states why personal data are read (art. 44)."""
        return Person(self.city, self.username, {**self.headers, "x-purpose": purpose})

    def asked(self, method, path, body=None, media_type=None, query=None):
        """Asks, checks the answer against the document, and answers it if it is a success.

        Raises Refused for any other answer; what it breaks of the document is kept in the city's problems.
        """
        operation, values = self.city.operations.find(method, path)
        given = {} if body is None else {"body": body, "media_type": media_type or "application/json"}
        case = operation.Case(path_parameters=values, query=query or {}, headers=dict(self.headers), **given)
        answer = case.call(timeout=HANG_SECS)
        self.city.tally.add(operation.label, answer.status_code)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.city.check(operation.label, f"{answer.status_code}: {failure.title}: {failure.message}")
        if not 200 <= answer.status_code < 300:
            raise Refused(f"{operation.label} {path} as {self.username or 'nobody'}", answer)
        self.city.doers[operation.label] = self
        self.city.things[operation.label].append(values)
        return answer

    def get(self, path, **query):
        return self.asked("GET", path, query=query).json()

    def download(self, path, **query):
        return self.asked("GET", path, query=query).content

    def post(self, path, body=None, **query):
        return self.asked("POST", path, body if body is not None else {}, query=query).json()

    def patch(self, path, body, **query):
        return self.asked("PATCH", path, body, query=query).json()

    def upload(self, path, text, **query):
        return self.asked("POST", path, text.encode(), "text/csv", query).json()

    def lines(self, path, rows, **query):
        return self.asked("POST", path, rows, "application/x-ndjson", query).json()

    def first_of_stream(self, path, **query):
        """The first event of a stream that would go on for minutes: it is left when that has come."""
        headers = {**self.headers, "accept": "text/event-stream"}
        with requests.get(self.city.url + path, query, headers=headers, stream=True, timeout=HANG_SECS) as answer:
            kind = answer.headers["content-type"]
            assert answer.status_code == 200 and kind.startswith("text/event-stream"), (path, answer.status_code, kind)
            return next(line for line in answer.iter_lines() if line.startswith(b"data:"))

    def piece(self, path, text, **query):
        return self.asked("PATCH", path, text.encode(), "application/octet-stream", query).json()

    def delete(self, path):
        return self.asked("DELETE", path).json()

    def until(self, what, ask):
        """Asks until there is an answer: parts learn from each other by following, which takes a moment."""
        given_up = time.monotonic() + HANG_SECS
        while True:
            try:
                answer = ask(self)
                if answer:
                    return answer
            except Refused as refused:
                answer = refused
                if refused.status >= 500:
                    raise
            if time.monotonic() > given_up:
                raise AssertionError(f"waited in vain for {what}: {answer}")
            time.sleep(0.1)


def in_secs(secs):
    """An instant so many seconds from now, in whole seconds, UTC."""
    return (datetime.now(timezone.utc) + timedelta(seconds=secs + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(days):
    """A day so many days from today, in China."""
    return (datetime.now(timezone(timedelta(hours=8))) + timedelta(days=days)).strftime("%Y-%m-%d")
