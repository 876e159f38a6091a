//! What may be done with a witness's link (art. 11, 15), as pure functions.

use chrono::{DateTime, Utc};
use kit::error::{Reason, Refusal, Result};
use lottery::rules::{Contributor, Kind};

use crate::draws::rules::text;

/// Links of one witness at the most. Whoever needs more has another trouble than a lost link.
pub const LINKS_MAX: usize = 20;

/// A link as it was issued and opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `draws/{draw}`.
    pub draw: String,
    /// From 1 in the draw.
    pub number: i64,
    /// The contributor it is for, from 1.
    pub index: i32,
    /// Who issued it.
    pub issued_by: String,
    pub issued_at: DateTime<Utc>,
    pub opened_at: Option<DateTime<Utc>>,
}

impl Link {
    /// Who acts by it, for the audit and the entry.
    pub fn name(&self) -> String {
        format!("{}/witnessLinks/{}", self.draw, self.number)
    }

    /// Checks that no newer link replaced it.
    ///
    /// # Errors
    /// `WITNESS_LINK_REVOKED`.
    pub fn check_newest(&self, all: &[Self]) -> Result<()> {
        match all.iter().filter(|one| one.index == self.index && one.number > self.number).min_by_key(|one| one.number)
        {
            None => Ok(()),
            Some(newer) => Err(Refusal::new(Reason::WitnessLinkRevoked).with("when", text(newer.issued_at))),
        }
    }

    /// Checks that nobody has opened it.
    ///
    /// # Errors
    /// `WITNESS_LINK_OPENED`.
    pub fn check_unopened(&self, entries_close: DateTime<Utc>) -> Result<()> {
        match self.opened_at {
            None => Ok(()),
            Some(opened) => Err(Refusal::new(Reason::WitnessLinkOpened)
                .with("opened", text(opened))
                .with("closes", text(entries_close))),
        }
    }
}

/// The place of the witness a link is for, from 0.
///
/// # Errors
/// `NOT_A_WITNESS`; `INVALID` when it has had too many.
pub fn witness(draw: &str, contributing: &[Contributor], contributor: &str, links: &[Link]) -> Result<usize> {
    let place = contributing.iter().position(|one| one.contributor == contributor && one.kind == Kind::Witness);
    let place =
        place.ok_or_else(|| Refusal::new(Reason::NotAWitness).with("contributor", contributor).with("draw", draw))?;
    if links.iter().filter(|link| usize::try_from(link.index) == Ok(place + 1)).count() >= LINKS_MAX {
        let problem = format!(
            "已签发 {LINKS_MAX} 个链接，不再签发；请改由见证方单位的账号提交 / {LINKS_MAX} links were issued; an account of the witness's unit has to give the entry"
        );
        return Err(Refusal::invalid("contributor", problem));
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn link(number: i64, index: i32, opened: Option<i64>) -> Link {
        Link {
            draw: "draws/2026-0001".to_owned(),
            number,
            index,
            issued_by: "users/clerk".to_owned(),
            issued_at: at(number),
            opened_at: opened.map(at),
        }
    }

    #[test]
    fn a_newer_link_of_the_same_witness_revokes_an_older() {
        let all = [link(1, 2, None), link(2, 3, None), link(3, 2, Some(9))];
        assert_eq!(all[0].check_newest(&all).unwrap_err().reason(), Reason::WitnessLinkRevoked);
        all[1].check_newest(&all).unwrap();
        all[2].check_newest(&all).unwrap();
        all[0].check_unopened(at(60)).unwrap();
        assert_eq!(all[2].check_unopened(at(60)).unwrap_err().reason(), Reason::WitnessLinkOpened);
        assert_eq!(all[2].name(), "draws/2026-0001/witnessLinks/3");
    }

    #[test]
    fn a_link_is_for_a_witness_and_their_number_has_an_edge() {
        let one = |contributor: &str, kind, unit: Option<&str>| Contributor {
            contributor: contributor.to_owned(),
            kind,
            unit: unit.map(str::to_owned),
        };
        let contributing = [
            one("market", Kind::Department, Some("market")),
            one("notary-li", Kind::Witness, Some("notary")),
            one("lottery:ssq:2026084", Kind::Beacon, None),
        ];
        let asked = |contributor: &str, links: &[Link]| witness("draws/2026-0001", &contributing, contributor, links);
        assert_eq!(asked("notary-li", &[]).unwrap(), 1);
        for other in ["market", "lottery:ssq:2026084", "nobody"] {
            assert_eq!(asked(other, &[]).unwrap_err().reason(), Reason::NotAWitness, "{other}");
        }
        let many: Vec<Link> = (1..=20).map(|number| link(number, 2, None)).collect();
        assert_eq!(asked("notary-li", &many[1..]).unwrap(), 1);
        assert_eq!(asked("notary-li", &many).unwrap_err().reason(), Reason::Invalid);
    }
}
