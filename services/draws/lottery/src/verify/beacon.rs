//! Whether the beacon's value is its source's (art. 15), where that can be computed. Nobody has to be asked: a drand round has
//! one signature under a key that everybody knows. The check is made of draws with such a beacon alone.

use super::{Checks, Findings, inputs::Inputs};
use crate::reveal::DRAW;

pub(super) fn check(inputs: &Inputs, checks: &mut Checks) {
    let beacon = inputs.rules.get().and_then(|rules| rules.beacon().map(|beacon| (rules, beacon)));
    let Some((rules, beacon)) = beacon.filter(|(_, beacon)| beacon.is_signed()) else { return };
    let mut findings = Findings::default();
    if let Some(draw) = findings.need(&inputs.draw) {
        let name = beacon.to_string();
        let place = rules.entropy.iter().position(|one| one.contributor == name);
        let value = place.and_then(|place| draw.entries.get(place)?.splitn(3, '\t').nth(2));
        match value.map(|value| beacon.check_signature(value)) {
            Some(Ok(())) => {}
            Some(Err(error)) => findings.wrong(error.to_string()),
            None => findings.wrong(format!("{DRAW} has no value of {name}")),
        }
    }
    checks.conclude(
        "beacon_signature",
        None,
        findings,
        format!("the value is the signature that drand gave {beacon}, and no other would do"),
    );
}
