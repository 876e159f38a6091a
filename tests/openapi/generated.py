"""Requests that schemathesis makes up from the document: examples, every bound from both sides, random good and bad data, and
chains in which one operation's answer feeds the next. Each operation is asked by whoever did it with success in the acts."""

from collections import Counter

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, events, from_schema

# It ends the session it is asked by: so by many of an account that does nothing else, and by the last one again and again.
SIGN_OUT, LEAVER, SESSIONS = "POST /v1/session:signOut", "contract-leaver", 24

# What is not asked of generated requests, and why. All other checks of schemathesis are.
NOT_CHECKED = {
    "positive_data_acceptance": "a well-formed name of something that does not exist is refused, rightly",
}

# What cannot succeed here, and why.
NOT_DONE = {
    "POST /v1/session:beginSignOn": "it needs a provider outside; tests/tests/fleet/sign_on.rs has one",
    "POST /v1/session:finishSignOn": "it needs a provider outside; tests/tests/fleet/sign_on.rs has one",
}

# Where what is empty stands for nothing.
EMPTIED = (ParameterLocation.QUERY, ParameterLocation.BODY)

# Statuses with which what breaks the document may be refused, besides those that schemathesis knows.
REJECTED = ["400", "401", "403", "404", "405", "406", "408", "409", "411", "413", "414", "415", "416", "417", "431"]


def configuration(url, seed, size):
    """Settings of a run; `size` is about how many random requests each operation gets, of each kind."""
    checks = {name: {"enabled": False} for name in NOT_CHECKED}
    checks["negative_data_rejection"] = {"expected-statuses": REJECTED}
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "workers": 1,
            "continue-on-failure": True,
            "request-timeout": 300,
            "cache": {"enabled": False},
            "checks": checks,
            "generation": {"max-examples": size, "no-shrink": True, "database": "none", "with-security-parameters": False},
            # A machine may be slow; what matters is what it answers.
            "suppress-health-check": ["all"],
            "operations": [
                # A segment may hold a colon, as keys of subjects do: GET of a verb's address asks for a thing of that name.
                {"include-path-regex": ":[a-zA-Z]+$", "checks": {"allow_header_conformance": {"enabled": False}}}
            ],
            "phases": {"stateful": {"max-steps": 4, "generation": {"max-examples": 4 * size}}},
        }
    )


def sign_in_by_operation(schema, city):
    """Has each operation asked by its doer."""
    leaving = [city.sign_in(LEAVER).headers for _ in range(SESSIONS)]

    @schema.auth(refresh_interval=None)
    class Doer:
        def get(self, case, context):
            label = context.operation.label
            if label == SIGN_OUT:
                return leaving.pop() if len(leaving) > 1 else leaving[0]
            return (city.anybody if label in NOT_DONE else city.doers[label]).headers

        def set(self, case, headers, context):
            # A purpose is also a parameter, made up well or badly.
            case.headers.update({name: value for name, value in headers.items() if name != "x-purpose"})


def keep_to_what_is_there(city):
    """Mends generated requests where chance would spoil most of them."""
    turns = Counter()

    @schemathesis.hook
    def before_call(context, case, kwargs):
        label, known = case.operation.label, city.things[case.operation.label]
        # No name that is made up exists. Three in four well-formed ones are replaced by those the acts named here.
        if case.path_parameters and known and not (case.meta and case.meta.is_negative_at(ParameterLocation.PATH)):
            turns[label] += 1
            if turns[label] % 4:
                case.path_parameters = dict(known[turns[label] % len(known)])
        # A stream that follows lasts minutes. The acts read the beginning of each; here it ends where the log does now.
        follow = case.query.get("follow") if isinstance(case.query, dict) else None
        if case.operation.path.startswith("/v1/events/") and str(follow).lower() == "true":
            del case.query["follow"]


def is_excused(check, case, interaction):
    """Whether a failure rests on what OpenAPI cannot say of the contract."""
    if check.name == "response_schema_conformance":
        # A range of a file has the file's type, and need not be whole JSON.
        return interaction.response.status_code == 206
    return check.name == "negative_data_rejection" and is_well_formed_without_what_is_empty(case)


def is_well_formed_without_what_is_empty(case):
    """In proto3's JSON `null` stands for an absent member, an absent body for an empty one, an empty text for none."""
    if any(case.meta.is_negative_at(place) for place in ParameterLocation if place not in EMPTIED):
        return False
    without = {
        ParameterLocation.QUERY: {name: value for name, value in case.query.items() if value != ""},
        ParameterLocation.BODY: without_nulls({} if case.body in (None, NOT_SET) else case.body),
    }
    case.media_type = case.media_type or "application/json"
    validator = case.operation.schema.adapter.jsonschema_validator_cls
    return all(
        case._validate_component(place, without[place], validator) for place in EMPTIED if case.meta.is_negative_at(place)
    )


def without_nulls(value):
    """Without members that stand for none."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one not in (None, "")}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


class Run:
    """A run and what came of it."""

    def __init__(self, city, seed, size, log):
        self.city, self.log = city, log
        self.requests, self.scenarios, self.checks = 0, 0, 0
        schema = city.schema
        schema.config = configuration(city.url, seed, size).projects.get_default()
        sign_in_by_operation(schema, city)
        keep_to_what_is_there(city)
        for event in from_schema(schema).execute():
            self.heard(event)

    def heard(self, event):
        if isinstance(event, events.PhaseFinished):
            print(f"  {event.phase.name.value}: {self.requests} requests so far", file=self.log, flush=True)
        elif isinstance(event, events.NonFatalError):
            self.city.check(event.label, f"schemathesis: {event.info.title}: {event.info.message}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            self.finished(event.recorder)

    def finished(self, recorder):
        self.scenarios += 1
        for case_id, interaction in recorder.interactions.items():
            self.requests += 1
            if interaction.response is not None:
                label = recorder.cases[case_id].value.operation.label
                self.city.tally.add(label, interaction.response.status_code)
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks += 1
                case = recorder.cases[case_id].value
                if check.status == Status.FAILURE and not is_excused(check, case, recorder.interactions[case_id]):
                    failure = check.failure_info.failure
                    label = case.operation.label
                    problem = f"{check.name}: {failure.title}: {failure.message}"
                    self.city.check(label, problem, check.failure_info.code_sample)
