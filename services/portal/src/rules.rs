//! What the public is shown, and from when (art. 10, 18): no account names; of an unannounced visit nothing that would
//! announce it before its day. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kit::error::{Reason, Refusal, Result};
use lottery::frozen::SUBJECTS;
use proto::qingtian::{
    draws::v1::{Draw, DrawState, Plan, PlanException, PlanExceptionKind as Kind, Stratum},
    portal::v1::{Inclusion, LoadCount},
};

/// Rows a page of a public list at the most.
pub const ROWS_MAX: i32 = 100;
/// Rows a page when the reader names no number.
pub const ROWS_DEFAULT: i32 = 20;
/// Characters of a search at the most.
pub const QUERY_CHARS_MAX: usize = 100;

/// Year and number of a name such as `draws/2026-0001` or `plans/2026-07`.
pub fn numbered(name: &str, collection: &str) -> Option<(i32, i32)> {
    let (year, number) = name.strip_prefix(collection)?.strip_prefix('/')?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() != 4 || !digits(year) || !(1..=9).contains(&number.len()) || !digits(number) {
        return None;
    }
    Some((year.parse().ok()?, number.parse().ok()?))
}

/// Where an item stands in the list: by organisation, then by number, 2 before 10.
pub fn item_place(name: &str, code: &str) -> String {
    let organisation = name.split("/items/").next().unwrap_or_default();
    let code = if code.bytes().all(|byte| byte.is_ascii_digit()) { format!("{code:0>20}") } else { code.to_owned() };
    format!("{organisation} {code} {name}")
}

/// How many rows a page of a public list has.
///
/// # Errors
/// `INVALID` outside 0 to [`ROWS_MAX`].
pub fn rows(page_size: i32) -> Result<i64> {
    match page_size {
        0 => Ok(i64::from(ROWS_DEFAULT)),
        1..=ROWS_MAX => Ok(i64::from(page_size)),
        _ => Err(Refusal::invalid("page_size", format!("1 to {ROWS_MAX}"))),
    }
}

/// Words of a search without the white space around them.
///
/// # Errors
/// `INVALID` over [`QUERY_CHARS_MAX`] characters.
pub fn query(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.chars().count() > QUERY_CHARS_MAX || text.contains('\0') {
        return Err(Refusal::invalid("query", format!("at most {QUERY_CHARS_MAX} characters")));
    }
    Ok(text)
}

/// A plan as the public sees it: what it says, not which accounts worked on it. The one exception of a plan published before
/// exceptions had kinds counted for every kind, and is said so.
pub fn public_plan(mut plan: Plan) -> Plan {
    let before = std::mem::take(&mut plan.approved_exception);
    if !before.is_empty() && plan.exceptions.is_empty() {
        let every = [Kind::SmallStratum, Kind::FewOfficers, Kind::FewExperts, Kind::Recusals];
        plan.exceptions = every.map(|kind| PlanException { kind: kind as i32, reason: before.clone() }).to_vec();
    }
    Plan { creator: String::new(), publisher: String::new(), return_reason: String::new(), etag: String::new(), ..plan }
}

/// A draw as the public sees it, once everything about it is public. Where the register is withheld, so are sizes and
/// thresholds of its strata: from them the class of whoever was drawn could be told.
pub fn public_draw(draw: Draw) -> Draw {
    let strata = if withheld(&draw, SUBJECTS) { Vec::new() } else { draw.strata };
    Draw { creator: String::new(), etag: String::new(), strata, ..draw }
}

/// A draw whose result is public later: neither the seed nor a threshold, from which each firm could compute that it was drawn.
pub fn before_publication(mut draw: Draw) -> Draw {
    draw.seed.clear();
    for stratum in &mut draw.strata {
        stratum.threshold.clear();
    }
    draw
}

/// A draw after an event told more of it. What was stated once stays, should a later event not repeat it.
pub fn told(known: Option<Draw>, told: Draw) -> Draw {
    let Some(known) = known else { return public_draw(told) };
    fn text(told: String, known: String) -> String {
        if told.is_empty() { known } else { told }
    }
    fn list<T>(told: Vec<T>, known: Vec<T>) -> Vec<T> {
        if told.is_empty() { known } else { told }
    }
    public_draw(Draw {
        organisation: text(told.organisation, known.organisation),
        plan: text(told.plan, known.plan),
        plan_title: text(told.plan_title, known.plan_title),
        contributors: list(told.contributors, known.contributors),
        beacon_waived: text(told.beacon_waived, known.beacon_waived),
        entries_close: told.entries_close.or(known.entries_close),
        beacon_time: told.beacon_time.or(known.beacon_time),
        reveal_by: told.reveal_by.or(known.reveal_by),
        replaces: text(told.replaces, known.replaces),
        state_time: told.state_time.or(known.state_time),
        statement: text(told.statement, known.statement),
        statement_json: text(told.statement_json, known.statement_json),
        rules_json: text(told.rules_json, known.rules_json),
        statement_signature: text(told.statement_signature, known.statement_signature),
        kid: text(told.kid, known.kid),
        entries: list(told.entries, known.entries),
        strata: list(told.strata, known.strata),
        left_out: list(told.left_out, known.left_out),
        publish_after: text(told.publish_after, known.publish_after),
        withheld_files: list(told.withheld_files, known.withheld_files),
        witness_links: list(told.witness_links, known.witness_links),
        subjects: if told.subjects == 0 { known.subjects } else { told.subjects },
        create_time: told.create_time.or(known.create_time),
        ..told
    })
}

/// Whether the law forbids to publish this frozen file of the draw, as its rules say. Where they cannot be read, nothing is
/// published.
pub fn withheld(draw: &Draw, file: &str) -> bool {
    lottery::rules::Rules::parse(draw.rules_json.as_bytes()).map_or(true, |rules| rules.is_withheld(file))
}

/// Day from which result and evidence are public, as the draw's rules say; none: at once, or not stated yet.
pub fn publish_after(draw: &Draw) -> Option<NaiveDate> {
    let rules = lottery::rules::Rules::parse(draw.rules_json.as_bytes()).ok()?;
    rules.publish_after?.date.parse().ok()
}

/// How likely each subject was to be drawn, stratum by stratum; none where the strata are not public.
pub fn inclusion(draw: &Draw) -> Vec<Inclusion> {
    let one = |stratum: &Stratum| Inclusion {
        stratum: stratum.stratum.clone(),
        drawn: stratum.drawn,
        subjects: stratum.subjects,
        // To the nearest; a stratum has at most ten million subjects, so nothing overflows.
        ppm: (stratum.drawn * 2_000_000 + stratum.subjects).checked_div(stratum.subjects * 2).unwrap_or_default(),
    };
    draw.strata.iter().map(one).collect()
}

/// Whether the draw was revealed.
pub fn is_revealed(state: i32) -> bool {
    match DrawState::try_from(state).unwrap_or_default() {
        DrawState::Revealed | DrawState::Dispatched | DrawState::Done => true,
        DrawState::Unspecified
        | DrawState::Created
        | DrawState::Stated
        | DrawState::Contributing
        | DrawState::Abandoned
        | DrawState::Failed => false,
    }
}

/// The state as refusals say it, such as `STATED`.
pub fn state_name(state: i32) -> &'static str {
    DrawState::try_from(state).unwrap_or_default().as_str_name().trim_start_matches("DRAW_STATE_")
}

/// Refuses what is public only from a later day on.
///
/// # Errors
/// `NOT_PUBLIC_YET` before the day.
pub fn check_public(name: &str, publish_after: Option<NaiveDate>, today: NaiveDate) -> Result<()> {
    match publish_after {
        Some(day) if today < day => Err(Refusal::new(Reason::NotPublicYet).with("name", name).with("when", day)),
        Some(_) | None => Ok(()),
    }
}

/// How many officers have how many subjects, from the teams of a result; fewest subjects first.
pub fn load<'a>(officers: impl IntoIterator<Item = &'a str>) -> Vec<LoadCount> {
    let mut subjects: BTreeMap<&str, i32> = BTreeMap::new();
    for officer in officers {
        *subjects.entry(officer).or_default() += 1;
    }
    let mut load: BTreeMap<i32, i32> = BTreeMap::new();
    for count in subjects.into_values() {
        *load.entry(count).or_default() += 1;
    }
    load.into_iter().map(|(subjects, officers)| LoadCount { subjects, officers }).collect()
}

#[cfg(test)]
mod tests {
    use proto::qingtian::draws::v1::Entry;

    use super::*;

    #[test]
    fn a_name_is_a_year_and_a_number_or_nothing() {
        assert_eq!(numbered("draws/2026-0001", "draws"), Some((2026, 1)));
        assert_eq!(numbered("plans/2026-07", "plans"), Some((2026, 7)));
        for wrong in
            ["", "draws/", "draws/2026", "draws/26-1", "draws/2026-", "draws/2026-+1", "draws/2026-1x", "plans/2026-1"]
        {
            assert_eq!(numbered(wrong, "draws"), None, "{wrong}");
        }
        assert_eq!(numbered("draws/2026-1234567890", "draws"), None);
    }

    #[test]
    fn item_2_comes_before_item_10() {
        let place = |code: &str| item_place(&format!("organisations/market/items/{code}"), code);
        assert!(place("2") < place("10"));
        assert!(place("10") < place("41020000000001"));
    }

    #[test]
    fn account_names_and_notes_of_the_office_are_not_public() {
        let plan = Plan {
            creator: "users/a".into(),
            publisher: "users/b".into(),
            return_reason: "x".into(),
            ..Plan::default()
        };
        assert_eq!(public_plan(plan), Plan::default());
        let draw = Draw { creator: "users/a".into(), etag: "3".into(), ..Draw::default() };
        assert_eq!(public_draw(draw), Draw::default());
    }

    #[test]
    fn an_exception_approved_before_there_were_kinds_counts_for_each() {
        let before = Plan { approved_exception: "人手少，经批准".into(), ..Plan::default() };
        let shown = public_plan(before);
        let kinds: Vec<_> = shown.exceptions.iter().map(PlanException::kind).collect();
        assert_eq!(kinds, [Kind::SmallStratum, Kind::FewOfficers, Kind::FewExperts, Kind::Recusals]);
        assert!(shown.exceptions.iter().all(|one| one.reason == "人手少，经批准"));
        assert_eq!(shown.approved_exception, "");
        assert_eq!(public_plan(shown.clone()), shown, "said once");
        assert_eq!(public_plan(Plan::default()).exceptions, []);
    }

    #[test]
    fn before_its_day_a_draw_shows_neither_seed_nor_thresholds() {
        let draw = Draw {
            seed: "aa".into(),
            evidence_digest: "bb".into(),
            strata: vec![Stratum { stratum: "all".into(), subjects: 9, drawn: 1, threshold: "cc".into() }],
            ..Draw::default()
        };
        let shown = before_publication(draw.clone());
        assert_eq!((shown.seed.as_str(), shown.strata[0].threshold.as_str()), ("", ""));
        assert_eq!((shown.evidence_digest, shown.strata[0].drawn), (draw.evidence_digest, 1));
        let day: NaiveDate = "2026-12-31".parse().unwrap();
        assert_eq!(
            check_public("draws/2026-0001", Some(day), day.pred_opt().unwrap()).unwrap_err().reason(),
            Reason::NotPublicYet
        );
        assert!(check_public("draws/2026-0001", Some(day), day).is_ok());
        assert!(check_public("draws/2026-0001", None, day).is_ok());
    }

    #[test]
    fn chances_are_told_to_the_nearest_part_per_million() {
        let stratum = |n, k| Stratum { subjects: n, drawn: k, ..Stratum::default() };
        let draw = Draw {
            strata: vec![stratum(3, 1), stratum(3, 2), stratum(9, 9), stratum(9, 0), stratum(0, 0)],
            ..Draw::default()
        };
        let ppm: Vec<_> = inclusion(&draw).iter().map(|one| one.ppm).collect();
        assert_eq!(ppm, [333_333, 666_667, 1_000_000, 0, 0]);
    }

    #[test]
    fn strata_are_not_told_of_a_withheld_register_even_if_somebody_tells_them() {
        let told = |withheld: &[&str]| {
            let withheld = withheld.iter().map(|file| (*file).to_owned()).collect();
            let shape = lottery::testing::Shape { subjects: 40, withheld, ..Default::default() };
            let rules = lottery::testing::Draw::random(1, &shape).unwrap().rules.to_bytes().unwrap();
            let strata = vec![Stratum { stratum: "A".into(), subjects: 9, drawn: 1, threshold: "cc".into() }];
            public_draw(Draw { rules_json: String::from_utf8(rules).unwrap(), strata, ..Draw::default() }).strata.len()
        };
        assert_eq!([told(&[]), told(&["officers.tsv"]), told(&["subjects.tsv"])], [1, 1, 0]);
    }

    #[test]
    fn what_was_stated_stays_when_a_later_event_does_not_repeat_it() {
        let entry = Entry { index: 1, contributor: "office".into(), value: "3 1".into(), create_time: None };
        let known = Draw { statement_json: "{}".into(), entries: vec![entry], subjects: 9, ..Draw::default() };
        let ended = Draw {
            state: DrawState::Failed.into(),
            end_reason: "late".into(),
            creator: "users/a".into(),
            ..Draw::default()
        };
        let shown = told(Some(known.clone()), ended);
        assert_eq!((shown.statement_json, shown.entries, shown.subjects), (known.statement_json, known.entries, 9));
        assert_eq!(
            (shown.state, shown.end_reason.as_str(), shown.creator.as_str()),
            (DrawState::Failed.into(), "late", "")
        );
    }

    #[test]
    fn load_counts_officers_by_their_subjects() {
        let counted: Vec<_> = load(["a", "b", "a", "c", "a"]).iter().map(|l| (l.subjects, l.officers)).collect();
        assert_eq!(counted, [(1, 2), (3, 1)]);
    }

    #[test]
    fn public_pages_are_small() {
        assert_eq!((rows(0).unwrap(), rows(100).unwrap()), (20, 100));
        assert!(rows(101).is_err() && rows(-1).is_err());
        assert_eq!(query("  汴京 ").unwrap(), "汴京");
        assert!(query(&"字".repeat(101)).is_err());
    }
}
