//! A short year of the demonstration: every invariant holds; and of each a violation, put in behind the services' backs, is found.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _};

use kit::testing::{TestCluster, unique};
use qingtian::demo::year::{
    Lived, Size,
    check::Invariant::{self, Cap, Clock, Planned, Quarter, Verifiable, Whole},
};
use sqlx::{Connection as _, PgConnection};

/// What nobody may do, each in the database of a service, by somebody who can switch triggers and constraints off.
const INJECTED: [(Invariant, &str, &str); 6] = [
    (Planned, "draws", "update visit set plan = 'plans/none' where name = (select min(name) from visit)"),
    (
        Quarter,
        "draws",
        // Somebody visited once in the year is visited again in the quarter by another draw, without a reason.
        "drop index visit_once_a_quarter;
         update visit set subject = pair.other from (
             select v.name, o.subject as other from visit v join visit o on o.quarter = v.quarter and o.organisation <> v.organisation
             where o.second_visit_reason = '' and v.second_visit_reason = '' and v.plan <> 'plans/none'
                 and (select count(*) from visit x where x.subject = o.subject) = 1
             order by 1, 2 limit 1
         ) pair where visit.name = pair.name",
    ),
    (Cap, "draws", "update cap set limits = '{\"*\": 0}' where authority <> ''"),
    (
        Clock,
        "draws",
        "insert into clock (name, aggregate, kind, organisation, unit, responsible, started_on, day_kind, days, anchor_on, anchor_days,
             due_on, provisional, stamp, setting, acts)
         values ('forgotten', 'visits/none', 'none', 'organisations/market', '', '', '2024-03-01', 'WORKING', 10, '2024-03-01', 10,
             '2024-03-15', false, 0, 'none', 1)",
    ),
    (
        Verifiable,
        "draws",
        "update draw_reveal set evidence_blob = (select evidence_blob from draw_reveal order by draw desc limit 1)
         where draw = (select min(draw) from draw_reveal)",
    ),
    (Whole, "identity", "update log set bytes = bytes || '\\x00' where position = 5"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_year_keeps_its_invariants_and_each_violation_is_found() {
    let server = TestCluster::get().await.unwrap().admin_url();
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let prefix = unique("year");
    // `make prove` tells the year as `qingtian demo year` does.
    let (size, at_least) = match std::env::var_os("QINGTIAN_PROVE") {
        None => (Size { year: 2025, departments: 3, subjects: 260, drawn: 20, months: 12 }, 1),
        Some(_) => (Size { year: 2025, departments: 6, subjects: 900, drawn: 40, months: 12 }, 50),
    };
    let lived = Lived::live(server, &prefix, folder.path(), size).await.unwrap();
    let counts = lived.counts().await.unwrap();
    assert_eq!(counts.rare(at_least), Vec::<&str>::new(), "{counts:?}");
    let mut expected = BTreeSet::new();
    assert_eq!(broken(&lived).await, expected);
    for (invariant, service, sql) in INJECTED {
        let url = server.replace("/postgres?", &format!("/{prefix}_{service}?"));
        assert_ne!(url, server);
        let mut conn = PgConnection::connect(&url).await.unwrap();
        let changed = format!("set session_replication_role = replica; {sql}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(changed)).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        expected.insert(invariant);
        assert_eq!(broken(&lived).await, expected, "after {invariant}");
    }
    assert_eq!(expected, Invariant::ALL.into());
}

/// Which invariants do not hold; each was looked at on something, but for clocks where none ran.
async fn broken(lived: &Lived) -> BTreeSet<Invariant> {
    let findings = lived.check(&lived.databases).await.unwrap();
    for finding in &findings {
        assert!(finding.checked > 0 || finding.invariant == Clock, "{finding:?}");
        assert_eq!(finding.violations == 0, finding.first.is_empty(), "{finding:?}");
    }
    findings.into_iter().filter(|one| one.violations > 0).map(|one| one.invariant).collect()
}
