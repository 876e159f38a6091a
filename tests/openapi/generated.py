"""Requests that schemathesis makes up from the document: examples, every bound from both sides, random good and bad data, and
chains in which one operation's answer feeds the next. Each operation is asked by whoever did it with success in the acts."""

from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

SIGN_OUT = "POST /v1/session:signOut"
# Whose sessions end by it. Nothing else is asked by this account.
THROWAWAY = "contract-clerk"

# What is not asked of generated requests, and why. All other checks of schemathesis are.
NOT_CHECKED = {
    "positive_data_acceptance": "a well-formed name of something that does not exist is refused, rightly",
}

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
            "generation": {"max-examples": size, "no-shrink": True, "database": "none"},
            # A machine may be slow; what matters is what it answers.
            "suppress-health-check": ["all"],
            "operations": [
                # A segment may hold a colon, as keys of subjects do: GET of an address with a verb asks for a thing of that name.
                {"include-path-regex": ":[a-zA-Z]+$", "checks": {"allow_header_conformance": {"enabled": False}}}
            ],
            "phases": {"stateful": {"max-steps": 4, "generation": {"max-examples": 4 * size}}},
        }
    )


def sign_in_by_operation(schema, city):
    """Has each operation asked by its doer, and by a new session where the operation ends it."""

    @schema.auth(refresh_interval=None)
    class Doer:
        def get(self, case, context):
            label = context.operation.label
            if label == SIGN_OUT:
                return city.sign_in(THROWAWAY).headers
            return city.doers[label].headers

        def set(self, case, headers, context):
            case.headers.update({name: value for name, value in headers.items() if name not in case.headers})


class Run:
    """A run and what came of it."""

    def __init__(self, city, seed, size, log):
        self.city, self.log = city, log
        self.requests, self.scenarios, self.checks = 0, 0, 0
        schema = city.schema
        schema.config = configuration(city.url, seed, size).projects.get_default()
        sign_in_by_operation(schema, city)
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
                if check.status == Status.FAILURE:
                    failure = check.failure_info.failure
                    label = recorder.cases[case_id].value.operation.label
                    problem = f"{check.name}: {failure.title}: {failure.message}"
                    self.city.check(label, problem, check.failure_info.code_sample)
