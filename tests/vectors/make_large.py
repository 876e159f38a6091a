#!/usr/bin/env python3
"""Writes a valid bundle of any size, signed with the vectors' key: make_large.py SUBJECTS OUT.tar.gz"""

import pathlib
import sys

import reference as ref
import scenarios


def large(n):
    """`n` subjects in nine districts, 2 % drawn, 40 officers a district."""
    districts = [f"4102{i:02}" for i in range(1, 10)]
    subjects = [[scenarios.subject_key(i), districts[i % 9], districts[i % 9]] for i in range(n)]
    officers = [[f"{16020000 + i}", "scjg", districts[i % 9], "food" if i % 5 == 0 else ""] for i in range(360)]
    return scenarios.build("large", 1, {
        "subjects.tsv": subjects, "officers.tsv": officers,
        "left_out.tsv": [[f"left:{i}", "RECOGNISED"] for i in range(n // 10)],
        "exclusions.tsv": [[officers[i % 360][0], row[0], "self"] for i, row in enumerate(subjects[::50])],
    }, scenarios.rules(quotas={district: {"ppm": 20000} for district in districts[:min(9, n)]},
                       teams=[{"size": 2, "specialty": "food", "unit": "scjg"}]), ["1", "2", scenarios.DEMO_BALLS])


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_bytes(ref.pack(large(int(sys.argv[1]))))
