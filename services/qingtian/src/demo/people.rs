//! Who of the market bureau may be sent (art. 13, 15, 16): experts, this year's declarations of interests, leave. Some have not
//! declared yet, as in any bureau.

use anyhow::{Context, ensure};
use chrono::{Datelike, Days};
use kit::workdays::legal_day;
use proto::qingtian::draws::v1::{
    Conflict, CreateDeclarationRequest, CreateLeaveRequest, Declaration, ImportExpertsRequest, Leave, LeaveKind,
    experts_client::ExpertsClient, people_client::PeopleClient,
};

use super::{
    Account,
    city::{MARKET, certificate},
    client::sign_in,
    desk::{Desk, chunks, eventually},
};

/// Officers who have declared, from the second on: the first is left to the newcomer who has that account.
const DECLARED: std::ops::RangeInclusive<usize> = 2..=9;
/// One of them is related to somebody in the register.
const RELATED: usize = 4;

/// Number, name, employer, specialties, districts. Nobody in particular.
const EXPERTS: [[&str; 5]; 8] = [
    ["KF-ZJ-001", "范成林", "河南大学", "food", "410202、410203、410204"],
    ["KF-ZJ-002", "潘晓梅", "开封市食品检验中心", "food", "410205、410212"],
    ["KF-ZJ-003", "蒋志远", "河南省特种设备检验院开封分院", "equipment", "410202、410203、410204、410205"],
    ["KF-ZJ-004", "石凤英", "河南省特种设备检验院开封分院", "equipment", "410212、410221、410222"],
    ["KF-ZJ-005", "姚建国", "开封大学", "", "410221、410222、410223、410225"],
    ["KF-ZJ-006", "邹文静", "黄河水利职业技术学院", "equipment", "410223、410225"],
    ["KF-ZJ-007", "熊海涛", "开封市计量测试所", "", "410202、410203、410212"],
    ["KF-ZJ-008", "孟庆云", "河南省食品和盐业检验技术研究院", "food、equipment", "410221、410222、410223、410225"],
];
/// Experts who have declared.
const EXPERTS_DECLARED: usize = 6;

/// Officer, days from the beginning, days of leave, kind, reason. Each lasts until today or begins later.
const LEAVES: [(usize, u64, u64, LeaveKind, &str); 4] = [
    (16, 0, 45, LeaveKind::Training, "省局业务骨干培训班"),
    (27, 10, 40, LeaveKind::Seconded, "借调至专项整治专班"),
    (38, 18, 12, LeaveKind::Annual, "年休假"),
    (50, 35, 10, LeaveKind::Family, "婚假"),
];

/// Enters all of it. `officers` are the bureau's, `register` is its register of subjects.
///
/// # Errors
/// A part refuses.
pub async fn tell(market: &Desk<'_>, officers: &[Account], register: &str) -> anyhow::Result<()> {
    let mut keys = register.lines().skip(1).filter_map(|line| line.split(',').nth(1));
    let (first, second) = keys.next().zip(keys.next()).context("the register is empty")?;
    experts(market, first).await.context("experts")?;
    leaves(market).await.context("leave")?;
    for nth in DECLARED {
        let officer = officers.get(nth - 1).with_context(|| format!("no officer {nth}"))?;
        let related = (nth == RELATED).then_some(second);
        declare(market, officer, &certificate(nth), related).await.with_context(|| officer.username.clone())?;
    }
    Ok(())
}

async fn experts(market: &Desk<'_>, subject: &str) -> anyhow::Result<()> {
    let handler = market.handler().await?;
    let mut csv = String::from("专家编号,姓名,工作单位,专业,区划,利害关系\n");
    for (nth, [key, name, employer, specialties, districts]) in EXPERTS.iter().enumerate() {
        let interests = if nth == 0 { format!("任职企业|{subject}|兼任技术顾问") } else { String::new() };
        csv.push_str(&format!("{key},{name},{employer},{specialties},{districts},{interests}\n"));
    }
    let requests: Vec<_> = chunks(&csv)
        .map(|file| ImportExpertsRequest {
            parent: MARKET.to_owned(),
            file: Some(file),
            ..ImportExpertsRequest::default()
        })
        .collect();
    let imported =
        ExpertsClient::new(handler.clone()).import_experts(futures::stream::iter(requests)).await?.into_inner();
    ensure!(imported.returned == 0, "{:?}", imported.problems.first());
    let mut people = PeopleClient::new(handler);
    for (nth, [key, ..]) in EXPERTS.iter().enumerate().take(EXPERTS_DECLARED) {
        let person = Declaration {
            person: (*key).to_owned(),
            expert: true,
            year: legal_day(market.env.clock.now()).year(),
            ..Declaration::default()
        };
        let request = CreateDeclarationRequest {
            parent: MARKET.to_owned(),
            declaration: Some(person),
            none: nth > 0,
            confirms: nth == 0,
            ..CreateDeclarationRequest::default()
        };
        people.create_declaration(request).await.with_context(|| (*key).to_owned())?;
    }
    Ok(())
}

async fn leaves(market: &Desk<'_>) -> anyhow::Result<()> {
    let people = PeopleClient::new(market.handler().await?);
    let began = legal_day(market.env.clock.now());
    for (officer, after, days, kind, reason) in LEAVES {
        let leave = Leave {
            officer: certificate(officer),
            first_day: (began + Days::new(after)).to_string(),
            last_day: (began + Days::new(after + days - 1)).to_string(),
            kind: kind as i32,
            reason: reason.to_owned(),
            ..Leave::default()
        };
        let request = CreateLeaveRequest { parent: MARKET.to_owned(), leave: Some(leave), request_id: String::new() };
        // Officers were announced by identity; draws learns of them by following.
        eventually("draws to know the officer on leave", async || {
            match people.clone().create_leave(request.clone()).await {
                Ok(_) => Ok(Some(())),
                Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
                Err(status) => Err(status.into()),
            }
        })
        .await?;
    }
    Ok(())
}

/// An officer declares for himself.
async fn declare(market: &Desk<'_>, officer: &Account, certificate: &str, related: Option<&str>) -> anyhow::Result<()> {
    let people = PeopleClient::new(sign_in(market.env, officer).await?);
    let declaration = Declaration {
        person: certificate.to_owned(),
        year: legal_day(market.env.clock.now()).year(),
        ..Declaration::default()
    };
    let addition = |subject: &str| Conflict {
        subject: subject.to_owned(),
        reason: "配偶在该企业任职".to_owned(),
        ..Conflict::default()
    };
    let request = CreateDeclarationRequest {
        parent: MARKET.to_owned(),
        declaration: Some(declaration),
        none: related.is_none(),
        additions: related.map(addition).into_iter().collect(),
        ..CreateDeclarationRequest::default()
    };
    eventually("draws to know the officer who declares", async || {
        match people.clone().create_declaration(request.clone()).await {
            Ok(_) => Ok(Some(())),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    })
    .await
}
