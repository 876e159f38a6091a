//! A draw's life as the draws service announces it, over the random valid draws of the lottery.

use std::collections::BTreeMap;

use kit::blob::Digest;
use lottery::testing::{Draw as Lot, Shape};
use proto::qingtian::draws::{
    events::v1::{DrawCreated, DrawDispatched, DrawEnded, DrawRevealed, DrawStated, EntriesClosed, EntryAdded},
    v1::{Contributor, Draw, DrawState, Entry, LeftOutCount, Stratum, UnitLoad},
};

use crate::city::{City, MARKET};

pub struct Story {
    pub lot: Lot,
    pub name: String,
    /// Registered names by key.
    pub titles: BTreeMap<String, String>,
    draw: Draw,
}

impl Story {
    pub fn new(number: u32, shape: &Shape) -> Self {
        Self::over(number, Lot::random(u64::from(number), shape).unwrap())
    }

    pub fn over(number: u32, lot: Lot) -> Self {
        let name = format!("draws/2026-{number:04}");
        let keys = ["subjects.tsv", "left_out.tsv"].into_iter().flat_map(|file| {
            let text = String::from_utf8(lot.files[file].clone()).unwrap();
            text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
        });
        // The first two bear the same name.
        let titles = keys.enumerate().map(|(at, key)| (key, format!("开封（{}）号店", at.max(1)))).collect();
        let draw = Draw {
            name: name.clone(),
            plan: "plans/2026-07".to_owned(),
            plan_title: "2026年食品安全抽查".to_owned(),
            organisation: MARKET.to_owned(),
            creator: "users/wang".to_owned(),
            etag: "1".to_owned(),
            state: DrawState::Created.into(),
            contributors: vec![Contributor { contributor: "notary-li".to_owned(), ..Contributor::default() }],
            ..Draw::default()
        };
        Self { lot, name, titles, draw }
    }

    pub fn replacing(mut self, failed: &str) -> Self {
        self.draw.replaces = failed.to_owned();
        self
    }

    pub async fn created(&mut self, city: &City) {
        city.announce("draws", &self.name, &DrawCreated { draw: Some(self.draw.clone()) }).await;
    }

    pub async fn stated(&mut self, city: &City) {
        let stated = &self.lot.stated;
        let strata = stated.strata.iter().map(|(stratum, (n, k))| Stratum {
            stratum: stratum.clone(),
            subjects: i64::try_from(*n).unwrap(),
            drawn: i64::try_from(*k).unwrap(),
            threshold: String::new(),
        });
        self.draw.strata = strata.collect();
        self.draw.left_out = vec![LeftOutCount { reason: "DEREGISTERED".to_owned(), count: 30 }];
        self.draw.set_state(DrawState::Stated);
        self.draw.statement = stated.digest.to_string();
        self.draw.statement_json = String::from_utf8(stated.bytes.clone()).unwrap();
        self.draw.rules_json = String::from_utf8(self.lot.files["rules.json"].clone()).unwrap();
        self.draw.subjects = i64::try_from(stated.statement.subjects_n).unwrap();
        city.announce("draws", &self.name, &DrawStated { draw: Some(self.draw.clone()) }).await;
    }

    pub async fn entered(&mut self, city: &City) {
        let entropy = &self.lot.rules.entropy;
        for (index, (value, contributor)) in (1..).zip(self.lot.values.iter().zip(entropy)) {
            let contributor = contributor.contributor.clone();
            let entry = Entry { index, contributor, value: value.clone(), create_time: None };
            self.draw.entries.push(entry.clone());
            city.announce("draws", &self.name, &EntryAdded { draw: self.name.clone(), entry: Some(entry) }).await;
        }
        let closed = EntriesClosed { draw: self.name.clone(), signature: "c".repeat(86), kid: "demo".to_owned() };
        city.announce("draws", &self.name, &closed).await;
        self.draw.set_state(DrawState::Contributing);
    }

    /// What the reveal says, its blobs being in the store.
    pub async fn reveal(&mut self, city: &City) -> DrawRevealed {
        let thresholds = self.lot.reveal.strata.iter().map(|stratum| Stratum {
            stratum: stratum.name.clone(),
            subjects: i64::try_from(stratum.n).unwrap(),
            drawn: i64::try_from(stratum.k).unwrap(),
            threshold: stratum.threshold.map(|ticket| ticket.to_string()).unwrap_or_default(),
        });
        self.draw.strata = thresholds.collect();
        self.draw.set_state(DrawState::Revealed);
        self.draw.seed = self.lot.reveal.seed.to_string();
        self.draw.drawn = i64::try_from(self.lot.reveal.rows.len()).unwrap();
        let bundle = self.lot.bundle().unwrap();
        let size = i64::try_from(bundle.len()).unwrap();
        self.draw.evidence_digest = Digest::of(&bundle).to_string();
        let withheld = |file: &str| self.lot.rules.is_withheld(file);
        // Of a withheld file neither the bytes nor the names are told; that of a drawn subject is.
        let drawn: Vec<&str> = self.lot.reveal.rows.iter().map(|row| row.key.as_str()).collect();
        let stands = |file: &str, key: &str| {
            let text = std::str::from_utf8(&self.lot.files[file]).unwrap();
            !withheld(file) && text.lines().any(|line| line.split('\t').next() == Some(key))
        };
        let hidden = withheld("subjects.tsv") || withheld("left_out.tsv");
        let names: String = self
            .titles
            .iter()
            .filter(|(key, _)| {
                !hidden || drawn.contains(&key.as_str()) || stands("subjects.tsv", key) || stands("left_out.tsv", key)
            })
            .map(|(key, title)| format!("{key}\t{title}\n"))
            .collect();
        let put = async |bytes: Vec<u8>| city.harness.env.blobs.put(bytes).await.unwrap().digest.to_string();
        let put_file = async |file: &str| match withheld(file) {
            true => String::new(),
            false => put(self.lot.files[file].clone()).await,
        };
        let day = self.lot.rules.publish_after.as_ref().map(|after| after.date.clone());
        DrawRevealed {
            draw: Some(self.draw.clone()),
            evidence_blob: put(bundle).await,
            evidence_size: size,
            names_blob: put(names.into_bytes()).await,
            subjects_blob: put_file("subjects.tsv").await,
            left_out_blob: put_file("left_out.tsv").await,
            result_blob: put(self.lot.files["result.tsv"].clone()).await,
            publish_after: day.unwrap_or_default(),
            withheld_files: self.lot.rules.withheld.as_ref().map(|one| one.files.clone()).unwrap_or_default(),
            unit_loads: self.unit_loads(),
            no_choice: i64::try_from(self.lot.reveal.rows.iter().filter(|row| row.no_choice).count()).unwrap(),
        }
    }

    /// One unit's load, made up from the number of its officers.
    pub fn unit_loads(&self) -> Vec<UnitLoad> {
        let places = self.lot.reveal.rows.iter().map(|row| row.officers.len()).sum::<usize>();
        vec![UnitLoad {
            unit: "market".to_owned(),
            officers: 12,
            places: i64::try_from(places).unwrap(),
            fewest: 0,
            most: 9,
        }]
    }

    pub async fn revealed(&mut self, city: &City) {
        let event = self.reveal(city).await;
        city.announce("draws", &self.name, &event).await;
    }

    pub async fn dispatched(&mut self, city: &City) {
        let without_team = self.without_team();
        let visits = self.draw.drawn - without_team;
        city.announce(
            "draws",
            &self.name,
            &DrawDispatched { draw: self.name.clone(), visits, without_team, ..Default::default() },
        )
        .await;
    }

    /// Abandoned or failed. The event says only what is new.
    pub async fn ended(&mut self, city: &City, state: DrawState, reason: &str) {
        let draw = Draw {
            name: self.name.clone(),
            state: state.into(),
            end_reason: reason.to_owned(),
            creator: "users/wang".to_owned(),
            ..Draw::default()
        };
        city.announce("draws", &self.name, &DrawEnded { draw: Some(draw) }).await;
    }

    /// From its creation to its result.
    pub async fn told(&mut self, city: &City) {
        self.created(city).await;
        self.stated(city).await;
        self.entered(city).await;
        self.revealed(city).await;
    }

    pub fn without_team(&self) -> i64 {
        i64::try_from(self.lot.reveal.rows.iter().filter(|row| row.officers.is_empty()).count()).unwrap()
    }
}
