//! The points of a draw at which the process is killed: which there are in the source, how often one draw passes each, and
//! what the database holds then.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
};

use sqlx::PgPool;

/// Points passed more than once in a draw, and the passages that kill: the first, one in the middle, the last. That nothing
/// passes later is shown too.
const REPEATED: [(&str, &[usize]); 5] = [
    ("PutFrozen", &[1, 4, 7]),
    ("PutResult", &[1, 2]),
    ("AddEntry", &[1, 2]),
    ("ReportBeacon", &[1, 2]),
    ("DispatchVisits", &[1, 2, 3]),
];

/// Places of a result in one chunk of its dispatch.
const CHUNK: i64 = 1_000;
/// One passage of a point.
#[derive(Clone, Copy)]
pub struct Passage {
    /// Such as `StateDraw`.
    pub act: &'static str,
    moment: &'static str,
    /// From 1.
    nth: usize,
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}#{}", self.act, self.moment, self.nth)
    }
}

/// The passages of an act's points that kill.
pub fn passages_of(act: &str) -> &'static [usize] {
    REPEATED.iter().find(|(one, _)| *one == act).map_or(&[1], |(_, passages)| passages)
}

/// Every passage that kills; those that take longest first.
pub fn passages() -> VecDeque<Passage> {
    let points = draws::FAULT_POINTS.iter().map(|point| point.split_once('.').unwrap());
    let mut all: Vec<Passage> = points
        .flat_map(|(act, moment)| passages_of(act).iter().map(move |nth| Passage { act, moment, nth: *nth }))
        .collect();
    all.sort_by_key(|passage| !passage.is_before_the_close());
    all.into()
}

impl Passage {
    /// Whether the restart lies between creation and close.
    pub fn is_before_the_close(&self) -> bool {
        ["CreateDraw", "PutFrozen", "StateDraw", "AddEntry"].contains(&self.act)
    }

    /// How often the act is done in the database when the process was killed here; a blob that nothing names yet is no act.
    pub fn done(&self) -> i64 {
        let nth = i64::try_from(self.nth).unwrap();
        match self.moment {
            "before_commit" => nth - 1,
            "after_commit" => nth,
            _ => 0,
        }
    }

    /// Counts how often the act is done for the draw of a plan.
    pub async fn count(&self, db: &PgPool, plan: &str) -> i64 {
        let of_draw =
            |table: &str| format!("select count(*) from {table} t join draw d on d.name = t.draw where d.plan = $1");
        let entries = "select count(*) from draw_entry e join draw d on d.name = e.draw
            join draw_contributor c on (c.draw, c.index) = (e.draw, e.index) where d.plan = $1 and c.kind";
        let in_state = |state: &str| format!("select count(*) from draw where plan = $1 and state = '{state}'");
        let sql = match self.act {
            "CreateDraw" => "select count(*) from draw where plan = $1".to_owned(),
            "PutFrozen" | "StateDraw" => of_draw("draw_statement"),
            "AddEntry" => format!("{entries} <> 'BEACON'"),
            "CloseEntries" => of_draw("draw_closing"),
            "EnterBeacon" => format!("{entries} = 'BEACON'"),
            "ReportBeacon" => of_draw("draw_beacon_report"),
            "FixReveal" => of_draw("draw_reveal_time"),
            "PutEvidence" | "PutResult" | "RevealDraw" => of_draw("draw_reveal"),
            "DispatchVisits" => format!("select (count(*) + {CHUNK} - 1) / {CHUNK} from visit where plan = $1"),
            "DispatchDraw" => in_state("DISPATCHED"),
            "FailDraw" => in_state("FAILED"),
            "AbandonDraw" => in_state("ABANDONED"),
            other => panic!("say how to see in the database that {other} is done"),
        };
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(plan).fetch_one(db).await.unwrap()
    }
}

/// The texts in quotes that follow each `call` in a source, as many as `count`; fails where something else follows.
fn quoted_after<'a>(source: &'a str, call: &str, count: usize) -> Vec<Vec<&'a str>> {
    let follow = source.split(call).skip(1);
    follow
        .map(|rest| {
            let quoted: Vec<&str> = rest.split(')').next().unwrap().split('"').skip(1).step_by(2).take(count).collect();
            assert_eq!(quoted.len(), count, "{call}{}: literals are wanted", rest.lines().next().unwrap_or_default());
            quoted
        })
        .collect()
}

#[test]
fn every_commit_and_blob_write_of_a_draw_is_a_point_that_kills() {
    let mut folders = vec![tests::root().join("services/draws/src/draws")];
    let mut found = BTreeSet::new();
    let (mut writes, mut points) = (0, 0);
    let mut act = |act: &str| {
        found.extend(["before_commit", "after_commit"].map(|moment| format!("{act}.{moment}")));
    };
    let mut sources: Vec<String> = Vec::new();
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                // What a file's own tests write passes no point.
                let source = std::fs::read_to_string(path).unwrap();
                sources.push(source.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
            }
        }
    }
    // The one function through which the jobs begin names its act by an argument.
    let through = ["fn begin_due(", "begin_job(act)"];
    for source in &mut sources {
        for one in through {
            *source = source.replace(one, "");
        }
        for call in ["begin_due(", "begin_job("] {
            quoted_after(source, call, 1).iter().for_each(|literal| act(literal[0]));
        }
    }
    for (method, rule) in kit::auth::rules() {
        if let Some(name) = method.strip_prefix("/qingtian.draws.v1.Draws/")
            && !rule.reads
        {
            act(name);
        }
    }
    for source in &sources {
        for literals in quoted_after(source, "faults::point(", 2) {
            found.insert(literals.join("."));
            points += 1;
        }
        writes += ["blobs.put(", "blobs.put_stream(", "blobs.writer("]
            .map(|call| source.matches(call).count())
            .iter()
            .sum::<usize>();
    }
    let listed: BTreeSet<String> = draws::FAULT_POINTS.iter().map(|point| (*point).to_owned()).collect();
    assert_eq!(
        (listed.len(), points),
        (draws::FAULT_POINTS.len(), 2 * writes),
        "each once; each write between two points"
    );
    assert_eq!(listed, found);
    let acts: BTreeSet<&str> = listed.iter().filter_map(|point| Some(point.split_once('.')?.0)).collect();
    assert!(REPEATED.iter().all(|(act, _)| acts.contains(act)), "a repeated act that is no act");
}
