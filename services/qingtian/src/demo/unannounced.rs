//! A department that comes unannounced (art. 15-18): its plan divides a small register by credit class, sends an expert with each
//! team, withholds who is in which class and publishes the result after the inspections. It is not drawn yet, so that a newcomer
//! may; until it is, changes of the register wait for a second person, as one does.

use anyhow::ensure;
use chrono::Datelike;
use kit::workdays::legal_day;
use proto::qingtian::draws::v1::{
    CreateExpertRequest, Expert, ExpertPart, ListSubjectsRequest, Plan, PlanKind, PublishAfter,
    SetSubjectStatusRequest, Stratification, SubjectStatus, TeamPart, experts_client::ExpertsClient,
    registers_client::RegistersClient,
};

use super::{city::EMERGENCY, desk::Desk, hazards};

const COLUMNS: [&str; 7] = [
    "key=统一社会信用代码",
    "title=企业名称",
    "district=行政区划",
    "industry=行业代码",
    "address=地址",
    "status=登记状态",
    "credit_class=信用等级",
];

/// Number, name, employer. Nobody in particular.
const EXPERTS: [[&str; 3]; 4] = [
    ["KF-AQ-001", "白学军", "河南大学化学化工学院"],
    ["KF-AQ-002", "崔玉兰", "开封市安全生产技术服务中心"],
    ["KF-AQ-003", "康永福", "郑州大学化工学院"],
    ["KF-AQ-004", "毛丽君", "河南省化工研究所"],
];

/// Tells it up to the plan, and the change that waits.
///
/// # Errors
/// A part refuses.
pub async fn tell(emergency: &Desk<'_>) -> anyhow::Result<()> {
    emergency.publish_items(&hazards::items_csv()).await?;
    emergency.upload_register(&hazards::csv(), &COLUMNS).await?;
    let mut experts = ExpertsClient::new(emergency.handler().await?);
    for [key, name, employer] in EXPERTS {
        let expert = Expert {
            key: key.to_owned(),
            real_name: name.to_owned(),
            employer: employer.to_owned(),
            specialties: vec!["equipment".to_owned()],
            districts: hazards::DISTRICTS.map(str::to_owned).into(),
            ..Expert::default()
        };
        let request = CreateExpertRequest {
            parent: EMERGENCY.to_owned(),
            expert: Some(expert),
            ..CreateExpertRequest::default()
        };
        experts.create_expert(request).await?;
    }
    emergency.publish_plan(plan(emergency).await?).await?;
    ask_for_a_change(emergency).await
}

async fn plan(emergency: &Desk<'_>) -> anyhow::Result<Plan> {
    let today = legal_day(emergency.env.clock.now());
    let year = today.year();
    Ok(Plan {
        organisation: EMERGENCY.to_owned(),
        title: format!("{year}年危险化学品企业安全生产专项检查计划"),
        year,
        kind: PlanKind::Special as i32,
        items: emergency.items(u32::MAX).await?,
        // Without quotas of its own it takes those of the settings, class by class.
        stratification: Stratification::CreditClass as i32,
        teams: vec![TeamPart { organisation: EMERGENCY.to_owned(), size: 2, specialty: String::new() }],
        cover_district: true,
        experts: Some(ExpertPart { count: 1, specialty: "equipment".to_owned() }),
        start_date: today.to_string(),
        end_date: format!("{year}-12-31"),
        // At most ten working days after the last inspection.
        publish_after: Some(PublishAfter {
            basis: "《中华人民共和国安全生产法》：安全生产检查不预先告知".to_owned(),
            date: format!("{}-01-05", year + 1),
        }),
        foresees_supplementary: "首次检查发现重大隐患的，可对同一信用等级的企业补充抽取一次。".to_owned(),
        method: "现场检查".to_owned(),
        frequency: "每年1次".to_owned(),
        ..Plan::default()
    })
}

/// One of the enterprises is found to have moved away.
async fn ask_for_a_change(emergency: &Desk<'_>) -> anyhow::Result<()> {
    let mut registers = RegistersClient::new(emergency.handler().await?);
    let request = ListSubjectsRequest { parent: EMERGENCY.to_owned(), page_size: 1, ..ListSubjectsRequest::default() };
    let Some(subject) = registers.list_subjects(request).await?.into_inner().subjects.pop() else {
        anyhow::bail!("the register is empty");
    };
    let request = SetSubjectStatusRequest {
        name: subject.name,
        status: SubjectStatus::MovedOut as i32,
        reason: "企业已迁至郑州市，名录应予更新".to_owned(),
        etag: subject.etag,
        request_id: String::new(),
    };
    let asked = registers.set_subject_status(request).await?.into_inner();
    ensure!(!asked.pending_change.is_empty(), "a change after the publication of a plan waits for a second person");
    Ok(())
}
