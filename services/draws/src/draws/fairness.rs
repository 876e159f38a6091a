//! How evenly a reveal placed the officers (art. 10, 11, 15): numbers for the public, no names. Pure.

use std::collections::{BTreeMap, HashMap};

use lottery::{
    frozen::{OFFICERS, parse_people},
    reveal::ResultRow,
};
use proto::qingtian::draws::v1::UnitLoad;

/// The load of each unit in the frozen list of officers, by name of the unit.
///
/// # Errors
/// The list is not what was frozen.
pub fn unit_loads(officers: &[u8], salted: bool, rows: &[ResultRow]) -> lottery::Result<Vec<UnitLoad>> {
    let mut subjects: HashMap<&str, i64> = HashMap::new();
    for officer in rows.iter().flat_map(|row| &row.officers) {
        *subjects.entry(officer).or_default() += 1;
    }
    let mut units: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in parse_people(OFFICERS, officers, salted)? {
        units.entry(one.unit).or_default().push(subjects.get(one.key.as_str()).copied().unwrap_or_default());
    }
    let load = |(unit, counts): (String, Vec<i64>)| UnitLoad {
        unit,
        officers: counts.iter().map(|_| 1).sum(),
        places: counts.iter().sum(),
        fewest: counts.iter().min().copied().unwrap_or_default(),
        most: counts.iter().max().copied().unwrap_or_default(),
    };
    Ok(units.into_iter().map(load).collect())
}

/// Drawn subjects for whose teams chance decided nothing.
pub fn no_choice(rows: &[ResultRow]) -> i64 {
    rows.iter().filter(|row| row.no_choice).map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use lottery::testing::{Draw, Shape};

    use super::*;

    #[test]
    fn whoever_is_in_the_list_counts_also_without_a_visit() {
        let draw = Draw::random(3, &Shape::default()).unwrap();
        let loads = unit_loads(&draw.files[OFFICERS], false, &draw.reveal.rows).unwrap();
        let sum = |of: fn(&UnitLoad) -> i64| loads.iter().map(of).sum::<i64>();
        let lines = draw.files[OFFICERS].iter().filter(|byte| **byte == b'\n').count();
        let placed: usize = draw.reveal.rows.iter().map(|row| row.officers.len()).sum();
        assert_eq!((sum(|load| load.officers), sum(|load| load.places)), (lines as i64, placed as i64));
        assert!(
            loads
                .iter()
                .all(|load| load.fewest * load.officers <= load.places && load.places <= load.most * load.officers)
        );
        assert_eq!(no_choice(&draw.reveal.rows), draw.reveal.rows.iter().filter(|row| row.no_choice).count() as i64);
        let idle = unit_loads(&draw.files[OFFICERS], false, &[]).unwrap();
        assert!(idle.iter().all(|load| (load.places, load.fewest, load.most) == (0, 0, 0) && load.officers > 0));
    }
}
