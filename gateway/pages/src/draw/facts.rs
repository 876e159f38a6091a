//! What a page needs to know of a draw, read once from the portal's answer and the two signed texts in it.

use chrono::NaiveDate;
use kit::workdays::legal_day;
use proto::qingtian::{
    draws::v1::{Contributor, ContributorKind, Draw, DrawState, Entry},
    portal::v1::PublicDraw,
};
use serde_json::Value;

use crate::{reader::Reader, words};

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Files that the law forbids to publish.
pub struct Withheld {
    pub basis: String,
    pub files: Vec<String>,
}

/// A draw, ready to be shown.
pub struct Facts {
    /// `2026-0001`.
    pub number: String,
    pub public: PublicDraw,
    pub draw: Draw,
    pub state: DrawState,
    /// Day by which districts are named.
    pub on: NaiveDate,
    /// The draw this one supplements.
    pub follows: Option<String>,
    pub withheld: Option<Withheld>,
    /// Why the result is published later.
    pub publish_basis: Option<String>,
    /// Names and digests of the frozen files.
    pub digests: Vec<(String, String)>,
    pub commitment: String,
    pub merkle_root: String,
    /// Whether the day of publication is still to come.
    later: bool,
    /// The rules' quotas by stratum.
    quotas: Value,
}

impl Facts {
    pub fn of(reader: &Reader, public: PublicDraw) -> Self {
        let draw = public.draw.clone().unwrap_or_default();
        // Texts of the draw's own part; before the statement they are empty.
        let statement: Value = serde_json::from_str(&draw.statement_json).unwrap_or_default();
        let rules: Value = serde_json::from_str(&draw.rules_json).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let digests = statement["digests"].as_object();
        let digests = digests.map(|all| all.iter().map(|(name, digest)| (name.clone(), text(digest))).collect());
        let withheld = rules["withheld"].as_object().map(|withheld| Withheld {
            basis: withheld.get("basis").map(text).unwrap_or_default(),
            files: withheld
                .get("files")
                .and_then(Value::as_array)
                .map(|files| files.iter().map(text).collect())
                .unwrap_or_default(),
        });
        let later = public.publish_after.parse().is_ok_and(|date: NaiveDate| legal_day(reader.now) < date);
        Self {
            number: words::last(&public.name).to_owned(),
            state: draw.state(),
            on: words::day_of(draw.state_time.as_ref(), reader.now),
            follows: statement["follows"].as_str().map(str::to_owned),
            withheld,
            publish_basis: rules["publish_after"]["basis"].as_str().map(str::to_owned),
            digests: digests.unwrap_or_default(),
            commitment: text(&statement["commitment"]),
            merkle_root: text(&statement["merkle_root"]),
            later,
            quotas: rules["quotas"].clone(),
            draw,
            public,
        }
    }

    /// Whether the secret was opened.
    pub fn is_revealed(&self) -> bool {
        match self.state {
            DrawState::Revealed | DrawState::Dispatched | DrawState::Done => true,
            DrawState::Unspecified
            | DrawState::Created
            | DrawState::Stated
            | DrawState::Contributing
            | DrawState::Abandoned
            | DrawState::Failed => false,
        }
    }

    /// Whether result and evidence are public.
    pub fn is_public(&self) -> bool {
        self.is_revealed() && !self.later
    }

    /// Whether it is revealed, but to be published on a later day.
    pub fn waits(&self) -> bool {
        self.is_revealed() && self.later
    }

    /// Whether a frozen file may not be published.
    pub fn is_withheld(&self, file: &str) -> bool {
        self.withheld.as_ref().is_some_and(|withheld| withheld.files.iter().any(|name| name == file))
    }

    /// Whether a frozen file has no line at all; its digest says so.
    pub fn is_empty(&self, file: &str) -> bool {
        self.digests.iter().any(|(name, digest)| name == file && digest == EMPTY)
    }

    /// Signed under a demonstration key.
    pub fn is_demonstration(&self) -> bool {
        self.draw.kid.starts_with("demo-")
    }

    /// The quota of a stratum as the rules state it.
    pub fn quota(&self, stratum: &str) -> Option<Quota> {
        let quota = &self.quotas[stratum];
        let ppm = quota["ppm"].as_i64().map(Quota::Ppm);
        ppm.or_else(|| quota["count"].as_i64().map(Quota::Count))
    }

    /// Names of the strata, as the rules state them.
    pub fn strata_of_rules(&self) -> Vec<&str> {
        self.quotas.as_object().map(|quotas| quotas.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// The entry of the contributor at this place, from 0.
    pub fn entry(&self, place: usize) -> Option<&Entry> {
        self.draw.entries.iter().find(|entry| usize::try_from(entry.index) == Ok(place + 1))
    }

    /// The beacon, if there is one.
    pub fn beacon(&self) -> Option<(usize, &Contributor)> {
        let mut all = self.draw.contributors.iter().enumerate();
        all.find(|(_, contributor)| contributor.kind() == ContributorKind::Beacon)
    }
}

/// How many of a stratum are drawn.
pub enum Quota {
    /// So many of a million, rounded up.
    Ppm(i64),
    /// So many, or all if there are fewer.
    Count(i64),
}
