//! The frozen files of a recipe: subjects, people, and who is excluded from whom.

use std::{collections::BTreeMap, iter::repeat_n};

use lottery::{
    frozen::{EXCLUSIONS, EXPERTS, Exclusion, LEFT_OUT, LeftOut, OFFICERS, Person, Row, SUBJECTS, Subject, Table},
    rules::Rules,
    testing::{Dice, UNIT},
};

use super::{Covers, Exclusions, Recipe, SPECIALTIES};

impl Recipe {
    pub(super) fn tables(&self, rules: &Rules, dice: &mut Dice) -> BTreeMap<String, Vec<u8>> {
        let mut salts = Dice::new(dice.roll());
        let districts: Vec<String> = (0..self.districts).map(|at| self.district(at)).collect();
        let strata: Vec<String> = (0..rules.quotas.len()).map(|at| self.stratum(at)).collect();
        let keys: Vec<String> = (0..self.subjects).map(|at| self.subject(at)).collect();
        let left_out: Vec<String> = (0..self.left_out).map(|at| format!("left:{at}")).collect();
        // The last subject stands in the last district, so that a bare one is not empty.
        let in_district: Vec<usize> = (0..self.subjects)
            .map(|at| if at + 1 == self.subjects { self.districts - 1 } else { dice.below(self.districts) })
            .collect();
        let subjects = keys.iter().zip(&in_district).enumerate().map(|(at, (key, &district))| Subject {
            key,
            stratum: &strata[at % strata.len()],
            district: &districts[district],
        });
        let officers = self.officers(&districts, dice);
        let experts = self.experts(&districts, &officers, dice);
        let exclusions = self.excluded(&keys, &officers, &experts, dice);
        let of_people = |people: &[Somebody]| people.to_vec();
        BTreeMap::from([
            (SUBJECTS.to_owned(), self.table(SUBJECTS, &mut salts, subjects)),
            (
                LEFT_OUT.to_owned(),
                self.table(LEFT_OUT, &mut salts, left_out.iter().map(|key| LeftOut { key, reason: "BUDGET_SPENT" })),
            ),
            (OFFICERS.to_owned(), self.people(OFFICERS, &mut salts, &of_people(&officers))),
            (EXPERTS.to_owned(), self.people(EXPERTS, &mut salts, &of_people(&experts))),
            (
                EXCLUSIONS.to_owned(),
                self.table(
                    EXCLUSIONS,
                    &mut salts,
                    exclusions.iter().map(|(person, subject)| Exclusion { person, subject, declared_by: "self" }),
                ),
            ),
        ])
    }

    fn table<'r, R: Row<Of<'r> = R> + 'r>(
        &self,
        file: &str,
        salts: &mut Dice,
        rows: impl Iterator<Item = R>,
    ) -> Vec<u8> {
        let mut salt = || salts.bytes();
        let mut table = if self.is_withheld(file) { Table::<R>::withheld(&mut salt) } else { Table::new() };
        for row in rows {
            table.push(&row).unwrap();
        }
        table.finish().unwrap()
    }

    fn people(&self, file: &str, salts: &mut Dice, people: &[Somebody]) -> Vec<u8> {
        let lists: Vec<(Vec<&str>, Vec<&str>)> = people
            .iter()
            .map(|one| (one.districts.iter().map(String::as_str).collect(), one.specialties.clone()))
            .collect();
        let rows = people.iter().zip(&lists).map(|(one, (districts, specialties))| Person {
            key: &one.key,
            unit: &one.unit,
            districts,
            specialties,
        });
        self.table(file, salts, rows)
    }

    fn officers(&self, districts: &[String], dice: &mut Dice) -> Vec<Somebody> {
        let covered = if self.bare_district { districts.len() - 1 } else { districts.len() };
        let mut officers = Vec::new();
        for (unit_at, unit) in self.units.iter().enumerate() {
            let covered = if unit.first_district_only { covered.min(1) } else { covered };
            for home in (0..covered).flat_map(|home| repeat_n(home, unit.officers)) {
                let mut own = vec![districts[home].clone()];
                match self.covers {
                    Covers::Several if !unit.first_district_only => own.push(districts[dice.below(covered)].clone()),
                    Covers::SomeNone if dice.one_in(3) => own.clear(),
                    Covers::Own | Covers::Several | Covers::SomeNone => {}
                }
                let key = format!("1602{unit_at}{:04}", officers.len());
                officers.push(Somebody {
                    key: self.named(key, officers.len()),
                    unit: self.unit(unit_at),
                    districts: own,
                    specialties: SPECIALTIES.into_iter().filter(|_| dice.below(10) < unit.specialists).collect(),
                });
            }
        }
        for at in 0..self.strangers {
            officers.push(Somebody {
                key: format!("stranger-{at}"),
                unit: "elsewhere".to_owned(),
                districts: districts.to_vec(),
                specialties: SPECIALTIES.to_vec(),
            });
        }
        officers
    }

    fn experts(&self, districts: &[String], officers: &[Somebody], dice: &mut Dice) -> Vec<Somebody> {
        (0..self.experts)
            .map(|at| Somebody {
                key: match officers.get(at).filter(|_| self.experts_are_officers) {
                    Some(officer) => officer.key.clone(),
                    None => self.named(format!("expert-{at}"), 20 + at),
                },
                unit: "pool".to_owned(),
                districts: districts.iter().filter(|_| !dice.one_in(4)).cloned().collect(),
                specialties: SPECIALTIES
                    .into_iter()
                    .filter(|_| !self.experts_without_specialty && dice.one_in(2))
                    .collect(),
            })
            .collect()
    }

    fn excluded(
        &self,
        keys: &[String],
        officers: &[Somebody],
        experts: &[Somebody],
        dice: &mut Dice,
    ) -> Vec<(String, String)> {
        let people: Vec<&Somebody> = officers.iter().chain(experts).collect();
        let mut pairs = Vec::new();
        match self.exclusions {
            Exclusions::None => {}
            Exclusions::Outside => pairs.push(("nobody".to_owned(), "elsewhere".to_owned())),
            Exclusions::OneIn(n) => {
                for key in keys {
                    if !people.is_empty() && dice.one_in(n) {
                        pairs.push((people[dice.below(people.len())].key.clone(), key.clone()));
                    }
                }
            }
            Exclusions::WholeUnit => {
                for key in keys.iter().step_by(2) {
                    pairs.extend(
                        officers.iter().filter(|one| one.unit == UNIT).map(|one| (one.key.clone(), key.clone())),
                    );
                }
            }
        }
        pairs
    }
}

#[derive(Debug, Clone)]
struct Somebody {
    key: String,
    unit: String,
    districts: Vec<String>,
    specialties: Vec<&'static str>,
}
