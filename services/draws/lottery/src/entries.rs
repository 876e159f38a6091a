//! Entries: what each contributor gave, and the seed they make together with the secret (art. 15).

use crate::{
    error::{Result, rule},
    hash::{Digest, Secret, lines},
    rules::{Kind, Rules},
};

/// Every entry's text in the order of `entropy`, each checked. `values` stand in that order, one for each contributor.
pub fn entries<T: AsRef<str>>(rules: &Rules, values: &[T]) -> Result<Vec<String>> {
    if values.len() != rules.entropy.len() {
        return rule(format!("{} values for {} contributors", values.len(), rules.entropy.len()));
    }
    values.iter().enumerate().map(|(index, value)| rules.entry(index, value.as_ref())).collect()
}

/// Checks entries as published: their number, and each one's index, contributor and value.
pub fn check_entries(rules: &Rules, entries: &[String]) -> Result<()> {
    for (index, entry) in entries.iter().enumerate() {
        let mut parts = entry.splitn(3, '\t');
        let (Some(number), Some(contributor), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return rule(format!("entry {} is not `i TAB contributor TAB value`", index + 1));
        };
        let Some(wanted) = rules.entropy.get(index) else {
            return rule(format!(
                "entry {} of {contributor:?} is one too many: rules.json names {} contributors",
                index + 1,
                rules.entropy.len()
            ));
        };
        if number != (index + 1).to_string() {
            return rule(format!("entry {} bears the number {number:?}", index + 1));
        }
        if contributor != wanted.contributor {
            return rule(format!("entry {} is from {contributor:?}, not from {}", index + 1, wanted.contributor));
        }
        if let Err(error) = rules.entry(index, value) {
            return rule(format!("entry {}: {error}", index + 1));
        }
    }
    match rules.entropy.get(entries.len()) {
        None => Ok(()),
        Some(missing) => rule(format!("entry {} of {} is missing", entries.len() + 1, missing.contributor)),
    }
}

/// The entries published and signed when the entries close: all but the beacon's.
#[must_use]
pub fn but_the_beacons<'a>(rules: &Rules, entries: &'a [String]) -> &'a [String] {
    let own = rules.entropy.iter().take_while(|one| one.kind != Kind::Beacon).count();
    &entries[..own.min(entries.len())]
}

/// `SHA-256(lines("qingtian-draw-v1", statement, secret, entry_1, ..., entry_n))`.
#[must_use]
pub fn seed<T: AsRef<str>>(statement: &Digest, secret: &Secret, entries: &[T]) -> Digest {
    let mut text = lines(&["qingtian-draw-v1", &statement.to_string(), &secret.reveal()]);
    text.push_str(&lines(entries));
    Digest::of(text.as_bytes())
}
