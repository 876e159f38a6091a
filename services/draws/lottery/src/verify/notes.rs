//! What a reader of the draw should know besides the verdict (art. 15): what a draw does not guarantee, it says.

use super::{Note, checks::Found, inputs::Inputs};
use crate::{beacon::Beacon, rules::Kind, sign::DEMO};

/// Strata a note names before it only counts.
const STRATA_NAMED_MAX: usize = 20;

pub fn gather(inputs: &Inputs, found: &Found) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut add = |id, message: String| notes.push(Note { id, message });
    let draw = inputs.draw.get();
    if let Some(statement) = inputs.statement.get() {
        if let Some(failed) = &statement.replaces {
            add("replaces", format!("this draw replaces {failed}, which failed: see why"));
        }
        if let Some(earlier) = &statement.follows {
            add("follows", format!("this draw supplements {earlier}"));
        }
    }
    if let Some(rules) = inputs.rules.get() {
        if let Some(reason) = &rules.beacon_waived {
            add(
                "beacon_waived",
                format!(
                    "there is no beacon: the last contributor, in league with an operator who knows the secret, could have steered. Reason given: {reason:?}"
                ),
            );
        }
        for (one, entry) in rules
            .entropy
            .iter()
            .zip(draw.map_or(&[][..], |draw| &draw.entries))
            .filter(|(one, _)| one.kind == Kind::Beacon)
        {
            let value = entry.splitn(3, '\t').nth(2).unwrap_or_default();
            add("beacon", format!("beacon {} gave {value:?}: compare with its source", one.contributor));
            if let Ok(Beacon::DrandQuicknet { round }) = Beacon::parse(&one.contributor)
                && let (Some(published), Some(statement)) =
                    (Beacon::DrandQuicknet { round }.published_at(), inputs.statement.get())
                && published <= statement.entries_close
            {
                add(
                    "beacon_early",
                    format!(
                        "WARNING: round {round} was public at {published}, before the entries closed at {}",
                        statement.entries_close
                    ),
                );
            }
        }
        if let Some(after) = &rules.publish_after {
            add("publish_after", format!("published only after {}: {}", after.date, after.basis));
        }
        if let Some(withheld) = &rules.withheld {
            add("withheld", format!("withheld from the public: {} ({})", withheld.files.join(", "), withheld.basis));
        }
    }
    if let Some(strata) = inputs.strata.get() {
        let mut list = |id, what: &str, some: Vec<&str>| {
            if !some.is_empty() {
                let named = some.iter().take(STRATA_NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
                let more = if some.len() > STRATA_NAMED_MAX { ", ..." } else { "" };
                add(id, format!("{what} in {} strata: {named}{more}", some.len()));
            }
        };
        let names = |which: fn(&&crate::select::Stratum) -> bool| {
            strata.iter().filter(which).map(|stratum| stratum.name.as_str()).collect()
        };
        list("strata_none", "nobody was to be drawn", names(|stratum| stratum.k == 0));
        list("strata_all", "everybody was drawn", names(|stratum| stratum.k == stratum.n && stratum.n > 0));
    }
    if let Some(teams) = &found.teams {
        let no_choice = teams.iter().filter(|team| team.no_choice).count();
        add(
            "no_choice",
            format!(
                "{no_choice} of {} drawn subjects had no more candidates than places in some unit or among the experts",
                teams.len()
            ),
        );
    }
    if let Some(rows) = inputs.result.get() {
        let without = rows.iter().filter(|row| row.officers.is_empty()).count();
        if without > 0 {
            add(
                "no_team",
                format!(
                    "{without} of {} drawn subjects have no team and await a supplementary draw of teams",
                    rows.len()
                ),
            );
        }
        let wanted = inputs.rules.get().is_some_and(|rules| rules.experts.count > 0);
        let without = rows.iter().filter(|row| !row.officers.is_empty() && row.experts.is_empty()).count();
        if wanted && without > 0 {
            add("no_experts", format!("{without} teams have no expert, for want of candidates"));
        }
    }
    if let Some(signatures) = inputs.signatures.get()
        && signatures.named().iter().any(|(_, signature)| signature.is_demonstration())
    {
        add("demonstration", format!("signed under a demonstration key ({DEMO}...): no real draw"));
    }
    notes
}
