//! Plans, items and draws in every state, for the small portal.

use proto::qingtian::{
    catalog::v1::{CheckEntry, Item, ItemGrade, ItemState},
    draws::v1::{
        Contributor, ContributorKind, Draw, DrawState, Drawn, Entry, LeftOutCount, OwnLine, Plan, PlanException,
        PlanExceptionKind, PlanKind, PlanState, Quota, Stratification, Stratum, TeamPart, UnitLoad, quota::Amount,
    },
    portal::v1::{
        DrawFairness, FairnessYear, Inclusion, LoadCount, LogLine, PublicDraw, PublicPlan, Standing, SubjectStanding,
        Unit,
    },
};

use crate::stage::City;

/// The drawn firm that looks itself up.
pub const FIRM: &str = "91410200MA00000017";

/// What was approved for the plan although one of its strata is small.
pub const EXCEPTION: &str = "兰考县分类后不足 20 户，经批准";
pub const RECUSED: &str = "顺河区多人申报回避，经批准";

/// A code that opens [`own_line`], and one that was used.
pub const CODE: &str = "7K3M-9QXB-0VTA-21WC";
pub const USED_CODE: &str = "7K3M-9QXB-0VTA-21WD";

/// SHA-256 of an empty file.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn at(text: &str) -> Option<prost_types::Timestamp> {
    let at: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
    Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
}

/// 64 hex digits that differ by number.
pub fn digest(number: u64) -> String {
    format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4)
}

fn strata(thresholds: bool) -> Vec<Stratum> {
    let one = |number: u64, stratum: &str, subjects, drawn| Stratum {
        stratum: stratum.to_owned(),
        subjects,
        drawn,
        threshold: if thresholds { digest(number) } else { String::new() },
    };
    vec![one(1, "410202", 1_200, 60), one(2, "410203", 900, 45), one(3, "410225", 300, 15)]
}

fn rules(extra: &str) -> String {
    format!(
        r#"{{"quotas":{{"410202":{{"ppm":50000}},"410203":{{"ppm":50000}},"410225":{{"count":15}}}},"withheld":null{extra}}}"#
    )
}

fn left_out(reason: &str, count: i64) -> LeftOutCount {
    LeftOutCount { reason: reason.to_owned(), count }
}

fn fairness() -> DrawFairness {
    let one = |stratum: &Stratum| Inclusion {
        stratum: stratum.stratum.clone(),
        drawn: stratum.drawn,
        subjects: stratum.subjects,
        ppm: stratum.drawn * 1_000_000 / stratum.subjects,
    };
    let unit =
        |unit: &str, officers, places, fewest, most| UnitLoad { unit: unit.to_owned(), officers, places, fewest, most };
    DrawFairness {
        inclusion: strata(true).iter().map(one).collect(),
        unit_loads: vec![unit("market", 47, 240, 0, 6), unit("supervision", 4, 9, 2, 3)],
        no_choice: 3,
    }
}

/// The history of draws of two organisations.
pub fn history() -> Vec<FairnessYear> {
    let year = |unit: &Unit, year, draws, revealed, abandoned, failed| FairnessYear {
        unit: Some(unit.clone()),
        year,
        draws,
        going_on: draws - revealed - abandoned - failed,
        revealed,
        abandoned,
        failed,
        replaced: failed.min(1),
        subjects: revealed * 2_400,
        drawn: revealed * 120,
        without_team: revealed * 2,
        no_choice: revealed,
    };
    let units = units();
    vec![year(&units[0], 2026, 7, 4, 1, 1), year(&units[0], 2025, 12, 12, 0, 0), year(&units[1], 2026, 1, 0, 1, 0)]
}

fn units() -> Vec<Unit> {
    let one = |name: &str, title: &str, title_en: &str| Unit {
        name: format!("organisations/{name}"),
        title: title.to_owned(),
        title_en: title_en.to_owned(),
    };
    vec![
        one("market", "开封市市场监督管理局", "Market Supervision Bureau"),
        one("supervision", "开封市人民政府督查局", ""),
    ]
}

/// A draw in a state, with what is known in it.
pub fn draw(number: &str, state: DrawState) -> PublicDraw {
    let contributor = |contributor: &str, kind: ContributorKind, unit: &str| Contributor {
        contributor: contributor.to_owned(),
        kind: kind as i32,
        unit: unit.to_owned(),
    };
    let entry = |index, contributor: &str, value: &str, time| Entry {
        index,
        contributor: contributor.to_owned(),
        value: value.to_owned(),
        create_time: at(time),
    };
    let revealed = matches!(state, DrawState::Revealed | DrawState::Dispatched | DrawState::Done);
    let stated = !matches!(state, DrawState::Created | DrawState::Abandoned);
    let mut entries = vec![entry(1, "market", "4 1 6 2 2 5", "2026-11-20T02:10:00Z")];
    if revealed {
        entries.push(entry(2, "supervision", "3 1 6 2 5 5", "2026-11-20T02:20:00Z"));
        entries.push(entry(3, "lottery:ssq:2026134", "03 08 11 19 27 33 12", "2026-11-20T13:30:00Z"));
    }
    let draw = Draw {
        name: format!("draws/{number}"),
        plan: "plans/2026-01".to_owned(),
        organisation: "organisations/market".to_owned(),
        state: state as i32,
        contributors: vec![
            contributor("market", ContributorKind::Department, "market"),
            contributor("supervision", ContributorKind::Witness, "supervision"),
            contributor("lottery:ssq:2026134", ContributorKind::Beacon, ""),
        ],
        entries_close: at("2026-11-20T10:00:00Z"),
        beacon_time: at("2026-11-20T13:15:00Z"),
        reveal_by: at("2026-11-21T13:15:00Z"),
        create_time: at("2026-11-19T01:00:00Z"),
        state_time: if stated { at("2026-11-19T02:00:00Z") } else { None },
        statement: if stated { digest(11) } else { String::new() },
        statement_json: if stated {
            format!(
                r#"{{"commitment":"{}","digests":{{"exclusions.tsv":"{EMPTY}","left_out.tsv":"{}","subjects.tsv":"{}","rules.json":"{}"}},"follows":null,"merkle_root":"{}"}}"#,
                digest(12),
                if number == "2026-0003" { EMPTY.to_owned() } else { digest(18) },
                digest(13),
                digest(14),
                digest(15)
            )
        } else {
            String::new()
        },
        rules_json: if stated { rules("") } else { String::new() },
        statement_signature: if stated { "sig".repeat(28) } else { String::new() },
        kid: if stated { "demo-draws-evidence-1".to_owned() } else { String::new() },
        entries: if stated { entries } else { Vec::new() },
        reveal_time: if revealed { at("2026-11-20T13:30:05Z") } else { None },
        seed: if revealed { digest(16) } else { String::new() },
        evidence_digest: if revealed { digest(17) } else { String::new() },
        subjects: if stated { 2_400 } else { 0 },
        drawn: if revealed { 120 } else { 0 },
        strata: if stated { strata(revealed) } else { Vec::new() },
        left_out: if stated && number != "2026-0003" {
            vec![left_out("DEREGISTERED", 41), left_out("VISITED_THIS_QUARTER", 7)]
        } else {
            Vec::new()
        },
        plan_title: "2026年食品生产企业双随机抽查".to_owned(),
        ..Draw::default()
    };
    PublicDraw {
        name: draw.name.clone(),
        plan_title: draw.plan_title.clone(),
        draw: Some(draw),
        organisation_title: "开封市市场监督管理局".to_owned(),
        evidence_size: if revealed { 187_654 } else { 0 },
        load: if revealed {
            vec![LoadCount { subjects: 5, officers: 30 }, LoadCount { subjects: 6, officers: 15 }]
        } else {
            Vec::new()
        },
        without_team: if revealed { 2 } else { 0 },
        fairness: if revealed { Some(fairness()) } else { None },
        visits: if revealed { 118 } else { 0 },
        entries_signature: if revealed { "esig".repeat(21) } else { String::new() },
        units: units(),
        ..PublicDraw::default()
    }
}

/// A draw of which nothing may be told before the last day of the year.
fn unannounced() -> PublicDraw {
    let mut later = draw("2026-0004", DrawState::Revealed);
    later.publish_after = "2026-12-31".to_owned();
    (later.fairness, later.without_team, later.visits) = (None, 0, 0);
    later.load.clear();
    let inside = later.draw.as_mut().unwrap();
    inside.rules_json = rules(r#","publish_after":{"basis":"食品安全法第一百零九条","date":"2026-12-31"}"#);
    inside.seed.clear();
    inside.strata.iter_mut().for_each(|stratum| stratum.threshold.clear());
    later
}

/// A draw that withholds its pool.
fn withheld() -> PublicDraw {
    let mut withheld = draw("2026-0005", DrawState::Dispatched);
    let inside = withheld.draw.as_mut().unwrap();
    inside.strata.clear();
    inside.rules_json =
        r#"{"quotas":{"410202/A":{"ppm":30000},"410202/D":{"ppm":1000000}},"withheld":{"basis":"信用等级不公开","files":["left_out.tsv","subjects.tsv"]}}"#.to_owned();
    withheld.fairness.as_mut().unwrap().inclusion.clear();
    withheld
}

fn drawn(place: i32) -> Drawn {
    Drawn {
        place,
        subject: if place == 1 { FIRM.to_owned() } else { format!("91410202MA0000{place:04}") },
        title: if place == 2 {
            "=HYPERLINK(\"x\")食品有限公司".to_owned()
        } else {
            format!("开封第{place}食品有限公司")
        },
        stratum: "410202".to_owned(),
        district: "410202".to_owned(),
        ticket: digest(u64::try_from(place).unwrap()),
        officers: if place == 3 { Vec::new() } else { vec![format!("1602{place:04}"), format!("1603{place:04}")] },
        experts: Vec::new(),
        ..Default::default()
    }
}

fn item(number: i32) -> Item {
    Item {
        name: format!("organisations/market/items/{number}"),
        code: number.to_string(),
        title: "食品生产监督检查".to_owned(),
        sub_title: format!("第{number}项"),
        legal_basis: "《食品安全法》第一百一十条".to_owned(),
        inspecting_body: "市场监管部门".to_owned(),
        grade: ItemGrade::General as i32,
        random_listed: true,
        checklist: vec![CheckEntry {
            content: "生产许可".to_owned(),
            method: "现场检查".to_owned(),
            penalty_basis: "第一百二十二条".to_owned(),
        }],
        state: ItemState::Published as i32,
        ..Item::default()
    }
}

fn plan() -> PublicPlan {
    let quota = |stratum: &str, amount| Quota { stratum: stratum.to_owned(), amount: Some(amount) };
    let plan = Plan {
        name: "plans/2026-01".to_owned(),
        organisation: "organisations/market".to_owned(),
        title: "2026年食品生产企业双随机抽查".to_owned(),
        year: 2026,
        kind: PlanKind::Annual as i32,
        state: PlanState::Published as i32,
        items: vec!["organisations/market/items/1".to_owned()],
        stratification: Stratification::District as i32,
        quotas: vec![quota("*", Amount::Ppm(50_000)), quota("410225", Amount::Count(15))],
        teams: vec![TeamPart { organisation: "organisations/market".to_owned(), size: 2, specialty: String::new() }],
        cover_district: true,
        start_date: "2026-12-01".to_owned(),
        end_date: "2026-12-31".to_owned(),
        method: "现场检查".to_owned(),
        frequency: "每年1次".to_owned(),
        publish_time: at("2026-03-10T01:00:00Z"),
        exceptions: vec![
            PlanException { kind: PlanExceptionKind::SmallStratum as i32, reason: EXCEPTION.to_owned() },
            PlanException { kind: PlanExceptionKind::Recusals as i32, reason: RECUSED.to_owned() },
        ],
        ..Plan::default()
    };
    PublicPlan {
        plan: Some(plan),
        organisation_title: "开封市市场监督管理局".to_owned(),
        item_titles: vec!["食品生产监督检查".to_owned()],
        draws: vec!["draws/2026-0001".to_owned()],
        units: units(),
    }
}

/// Where a firm stood in the finished draw.
pub fn standing(city: &City, subject: &str) -> SubjectStanding {
    let base = SubjectStanding { key: subject.to_owned(), ..SubjectStanding::default() };
    match (city.drawn.iter().find(|row| row.subject == subject), subject) {
        (Some(row), _) => SubjectStanding {
            standing: Standing::Drawn as i32,
            title: row.title.clone(),
            stratum: row.stratum.clone(),
            district: row.district.clone(),
            ticket: row.ticket.clone(),
            threshold: digest(1),
            leaf_index: 6,
            proof: vec![digest(21), digest(22)],
            merkle_root: digest(15),
            officers: row.officers.clone(),
            ..base
        },
        (None, "91410200MA0000LEFT") => SubjectStanding {
            standing: Standing::LeftOut as i32,
            left_out_reason: "NOT_IN_BUSINESS".to_owned(),
            ..base
        },
        (None, _) => SubjectStanding { standing: Standing::NotInScope as i32, ..base },
    }
}

/// A line of a log: the first an exchange, the second a place that stays empty, then replacements.
pub fn log_line(n: i64) -> LogLine {
    let line = LogLine {
        n,
        time: "2026-11-21T02:30:00Z".to_owned(),
        act: "WITHDRAW".to_owned(),
        subject: FIRM.to_owned(),
        title: "开封第1食品有限公司".to_owned(),
        person_out: format!("1602{n:04}"),
        person_in: format!("1604{n:04}"),
        reason: "ILLNESS".to_owned(),
        asked_by: "market/handler".to_owned(),
        approved_by: "market/reviewer".to_owned(),
        ..LogLine::default()
    };
    match n {
        1 => LogLine {
            act: "EXCHANGE".to_owned(),
            other_subject: "91410202MA00000005".to_owned(),
            other_title: "开封第5食品有限公司".to_owned(),
            reason: "KINSHIP".to_owned(),
            asked_by: "16020001".to_owned(),
            ..line
        },
        2 => LogLine { person_in: String::new(), ..line },
        _ => line,
    }
}

/// All of it.
pub fn city() -> City {
    let failed = {
        let mut failed = draw("2026-0002", DrawState::Failed);
        failed.replaced_by = "draws/2026-0003".to_owned();
        failed.draw.as_mut().unwrap().end_reason = "ENTRY_MISSING".to_owned();
        failed
    };
    let successor = {
        let mut successor = draw("2026-0003", DrawState::Contributing);
        successor.draw.as_mut().unwrap().replaces = "draws/2026-0002".to_owned();
        successor
    };
    let abandoned = {
        let mut abandoned = draw("2026-0006", DrawState::Abandoned);
        abandoned.draw.as_mut().unwrap().end_reason = "名录有误，改正后重抽".to_owned();
        abandoned
    };
    City {
        draws: vec![
            draw("2026-0007", DrawState::Created),
            abandoned,
            withheld(),
            unannounced(),
            successor,
            failed,
            PublicDraw { log_lines: 22, log_head: "{}".to_owned(), ..draw("2026-0001", DrawState::Dispatched) },
        ],
        plans: vec![plan()],
        items: (1..=45).map(item).collect(),
        drawn: (1..=120).map(drawn).collect(),
    }
}

/// The drawn firm's own line.
pub fn own_line(draw: &str) -> OwnLine {
    OwnLine {
        draw: draw.to_owned(),
        subject: FIRM.to_owned(),
        title: "开封市汴京酒楼有限公司".to_owned(),
        file: "subjects.tsv".to_owned(),
        line: format!("{FIRM}\t410202/C\t410202\t{}", "0f".repeat(16)),
        statement: digest(5),
        stratum: "410202/C".to_owned(),
        district: "410202".to_owned(),
        leaf_index: 2,
        subjects: 3,
        proof: vec![digest(6)],
        merkle_root: digest(7),
        seed: digest(8),
        ticket: digest(9),
        threshold: digest(10),
        drawn: true,
        officers: vec!["16020001".to_owned(), "16020002".to_owned()],
        own_line_json: r#"{"format":"qingtian-own-line-v1"}"#.to_owned(),
        ..Default::default()
    }
}

/// The secret of a witness's link that opens, and of one that was opened.
pub const WITNESS_TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub const OPENED_TOKEN: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

/// What the link hands over.
pub fn opened() -> proto::qingtian::draws::v1::OpenWitnessLinkResponse {
    use proto::qingtian::draws::v1 as draws;
    let statement_json = r#"{"draw_id":"draws/2026-0002","subjects_n":5}"#.to_owned();
    let draw = draws::Draw {
        name: "draws/2026-0002".to_owned(),
        plan_title: "2026年度双随机抽查工作计划".to_owned(),
        organisation: "organisations/market".to_owned(),
        statement: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(statement_json.as_bytes())),
        statement_json,
        kid: "demo-evidence-1".to_owned(),
        statement_signature: "c2lnbmF0dXJl".to_owned(),
        subjects: 5,
        ..Default::default()
    };
    let (contributor, permit) = ("notary-li".to_owned(), "C".repeat(43));
    draws::OpenWitnessLinkResponse { draw: Some(draw), contributor, permit }
}
