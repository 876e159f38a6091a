"""Recusal after the draw (protocol section 6, article 16), written from the specification: plain, slow, exact.

Where the specification leaves something open, the strict reading is taken: see `README.md`, "Recusal".
"""

import reference as ref

NOBODY = "-"


class Teams:
    """Who is with which subject. `result` and the files are rows; `drawn` maps a subject to (ticket, district)."""

    def __init__(self, seed, rules, officers, experts, exclusions, drawn, result):
        self.seed, self.rules, self.drawn = seed, rules, drawn
        self.files = {"officer": {row[0]: row for row in officers}, "expert": {row[0]: row for row in experts}}
        self.never = {(row[0], row[1]) for row in exclusions}
        # A place is a key, or None where nobody came.
        self.teams = {row[0]: {"officer": ref.column(row[2]), "expert": ref.column(row[3])} for row in result}

    def role(self, person, subject):
        return next((role for role, there in self.teams[subject].items() if person in there), None)

    def count(self, role, person):
        return sum(person in team[role] for team in self.teams.values())

    def unit(self, role, person):
        """Officers stand in for officers of their unit, experts for each other."""
        return self.files[role][person][1] if role == "officer" else None

    def may(self, role, person, subject, leaves):
        """Whether the pair holds every rule but the specialty. `leaves`: whose place it is."""
        row = self.files[role][person]
        return (
            (role == "expert" or row[1] == self.unit(role, leaves))
            and (not self.rules["cover_district"] or self.drawn[subject][1] in ref.column(row[2]))
            and (person, subject) not in self.never
            and self.role(person, subject) is None
        )

    def specialty(self, role, person):
        if role == "expert":
            return self.rules["experts"]["specialty"]
        return next(team["specialty"] for team in self.rules["teams"] if team["unit"] == self.unit(role, person))

    def has(self, role, person, specialty):
        return specialty in ref.column(self.files[role][person][3])

    def kept(self, role, subject, leaves, joins):
        """Whether, `leaves` gone and `joins` come, somebody of the unit has the specialty its places ask for."""
        wanted = self.specialty(role, leaves)
        there = [one for one in self.teams[subject][role]
                 if one not in (None, leaves) and self.unit(role, one) == self.unit(role, leaves)]
        return wanted is None or any(self.has(role, one, wanted) for one in there + [joins] if one is not None)

    def ticket(self, role, person, subject):
        return ref.person_ticket(self.seed, role, person, subject)

    def next(self, role, leaves, subject):
        """Who joins for one who leaves: the smallest (count, ticket, key)."""
        order = [(self.count(role, person), self.ticket(role, person, subject), person)
                 for person in self.files[role]
                 if self.may(role, person, subject, leaves)
                 and (self.kept(role, subject, leaves, None) or self.has(role, person, self.specialty(role, leaves)))]
        return min(order)[2] if order else None

    def partner(self, role, leaves, subject, visited):
        """The first (partner, other subject) with which all new pairs hold every rule."""
        others = [one for one in self.files[role] if one != leaves and self.unit(role, one) == self.unit(role, leaves)]
        for other in sorted(others, key=lambda one: (self.ticket(role, one, subject), one)):
            theirs = [key for key in self.teams if other in self.teams[key][role] and key not in visited]
            for key in sorted(theirs, key=lambda key: (self.drawn[key][0], key)):
                if (self.may(role, other, subject, leaves) and self.may(role, leaves, key, other)
                        and self.kept(role, subject, leaves, other) and self.kept(role, key, other, leaves)):
                    return other, key
        return None

    def put(self, role, subject, leaves, joins):
        self.teams[subject][role] = [joins if one == leaves else one for one in self.teams[subject][role]]

    def act(self, wish, subject, leaves, visited):
        """Does what is dictated: (act, who joins, other subject)."""
        role = self.role(leaves, subject)
        found = self.partner(role, leaves, subject, visited) if wish == "EXCHANGE" else None
        if found:
            joins, other = found
            self.put(role, other, joins, leaves)
            act = ("EXCHANGE", joins, other)
        else:
            joins = self.next(role, leaves, subject)
            act = ("WITHDRAW", joins or NOBODY, NOBODY)
        self.put(role, subject, leaves, joins)
        self.never.add((leaves, subject))
        return act

    def rows(self):
        """Every subject with its officers and experts as they stand, an empty place being `-`."""
        return ["\t".join([key, *(",".join(one or NOBODY for one in team[role]) for role in ("officer", "expert"))])
                for key, team in self.teams.items()]


class Log:
    def __init__(self, teams, result_tsv):
        self.teams, self.lines, self.previous = teams, [], ref.digest(result_tsv)

    def act(self, wish, subject, leaves, visited, time, reason, asked_by, approved_by):
        act, joins, other = self.teams.act(wish, subject, leaves, visited)
        line = "\t".join([str(len(self.lines) + 1), time, act, subject, leaves, joins, other, reason, asked_by,
                          approved_by, self.previous])
        self.previous = ref.digest(ref.lines(line))
        self.lines.append(line)
        return line

    def head(self, statement):
        """What is signed over the last line."""
        return ref.lines("qingtian-log-v1", statement, str(len(self.lines)), self.previous)


def signed_head(kid, log, statement):
    return ref.canonical({"digest": log.previous, "n": len(log.lines), "signature": ref.sign(kid, log.head(statement))})
