//! Organisations and people of the demonstration. Names are common and belong to nobody in particular.

use kit::codes::{CITY, DISTRICTS};
use proto::qingtian::{
    access::v1::Role,
    identity::v1::{Certificate, Organisation, OrganisationKind, User},
};

/// Who runs the platform.
pub const BUREAU: &str = "organisations/bureau";
/// Who supervises the supervisors.
pub const SUPERVISION: &str = "organisations/supervision";
/// The department of the story.
pub const MARKET: &str = "organisations/market";
/// The department that comes unannounced.
pub const EMERGENCY: &str = "organisations/emergency";

/// Departments and units of the city: id, Chinese, English, who answers for it, kind, whether it enforces.
const BODIES: [(&str, &str, &str, &str, OrganisationKind, bool); 7] = [
    ("supervision", "开封市人民政府督查局", "Government Supervision Office", "局长", OrganisationKind::Unit, false),
    ("market", "开封市市场监督管理局", "Market Supervision Bureau", "局长", OrganisationKind::Department, true),
    ("emergency", "开封市应急管理局", "Emergency Management Bureau", "局长", OrganisationKind::Department, true),
    ("ecology", "开封市生态环境局", "Ecology and Environment Bureau", "局长", OrganisationKind::Department, true),
    ("health", "开封市卫生健康委员会", "Health Commission", "主任", OrganisationKind::Department, true),
    ("culture", "开封市文化广电和旅游局", "Culture and Tourism Bureau", "局长", OrganisationKind::Department, true),
    (
        "housing",
        "开封市住房和城乡建设局",
        "Housing and Construction Bureau",
        "局长",
        OrganisationKind::Department,
        true,
    ),
];

/// The organisation that runs the platform.
pub fn bureau() -> Organisation {
    organisation(
        "bureau",
        "开封市政务服务和大数据管理局",
        "Government Services and Data Bureau",
        "局长",
        OrganisationKind::Department,
        false,
    )
}

/// All other organisations with their ids: bodies of the city, then its nine districts.
pub fn organisations() -> Vec<(String, Organisation)> {
    let bodies = BODIES.iter().map(|(id, title, english, responsible, kind, enforcing)| {
        ((*id).to_owned(), organisation(id, title, english, responsible, *kind, *enforcing))
    });
    let districts = DISTRICTS.iter().map(|district| {
        let id = format!("district-{}", district.code.as_str());
        let title = format!("开封市{}", district.zh);
        let responsible = if title.ends_with('县') { "县长" } else { "区长" };
        let body = organisation(&id, &title, district.en, responsible, OrganisationKind::District, false);
        (id, Organisation { district: district.code.as_str().to_owned(), ..body })
    });
    bodies.chain(districts).collect()
}

fn organisation(
    id: &str,
    title: &str,
    english: &str,
    responsible: &str,
    kind: OrganisationKind,
    enforcing: bool,
) -> Organisation {
    Organisation {
        name: format!("organisations/{id}"),
        title: title.to_owned(),
        title_en: english.to_owned(),
        kind: kind as i32,
        district: CITY.code.as_str().to_owned(),
        parent: String::new(),
        responsible: responsible.to_owned(),
        enforcing,
    }
}

/// A person of the story: sign-in name, real name, organisation, roles, what the account is for.
pub struct Person {
    /// The account.
    pub user: User,
    /// What it is for, printed beside the password.
    pub duty: &'static str,
}

/// The first operator, made by the bootstrap.
pub fn operator() -> Person {
    person("operator", "陈立", BUREAU, &[Role::PlatformOperator], "平台管理 platform operator")
}

/// People with accounts a newcomer may try.
pub fn people() -> Vec<Person> {
    vec![
        person("market-admin", "赵敏", MARKET, &[Role::DepartmentAdmin], "部门管理员 department administrator"),
        person("market-handler", "李静", MARKET, &[Role::Handler], "经办：名录、计划、抽签 drafts plans, draws"),
        person("market-reviewer", "王强", MARKET, &[Role::Reviewer], "审核：公布计划 publishes plans"),
        person(
            "supervision",
            "周正",
            SUPERVISION,
            &[Role::SupervisionOffice, Role::Handler],
            "督查：掷骰子提交随机数 contributes dice",
        ),
        person("auditor", "吴清", BUREAU, &[Role::Auditor], "审计：只读 reads everything"),
        person(
            "emergency-handler",
            "孙伟",
            EMERGENCY,
            &[Role::Handler],
            "应急局经办：不预先告知的专项检查 unannounced inspections",
        ),
        person(
            "emergency-reviewer",
            "郑红",
            EMERGENCY,
            &[Role::Reviewer],
            "应急局审核：公布计划、批准名录变更 publishes, approves changes",
        ),
    ]
}

fn person(username: &str, real_name: &str, organisation: &str, roles: &[Role], duty: &'static str) -> Person {
    let user = User {
        username: username.to_owned(),
        real_name: real_name.to_owned(),
        organisation: organisation.to_owned(),
        roles: roles.iter().map(|role| *role as i32).collect(),
        ..User::default()
    };
    Person { user, duty }
}

const FAMILY: [&str; 20] = [
    "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "罗", "郑",
    "梁",
];
const GIVEN: [&str; 18] =
    ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞"];

/// Certificate number of the market bureau's nth officer, from 1.
pub fn certificate(nth: usize) -> String {
    format!("1601{:06}", 20_000 + nth)
}

/// Enforcement officers of the market bureau: six to a district, each covering it and the next one.
pub fn officers() -> Vec<Person> {
    let mut officers = Vec::new();
    for (place, district) in DISTRICTS.iter().enumerate() {
        for nth in 0..6 {
            let next = &DISTRICTS[(place + 1) % DISTRICTS.len()];
            let specialties = match nth {
                0 => vec!["food".to_owned()],
                1 => vec!["equipment".to_owned()],
                _ => Vec::new(),
            };
            let serial = place * 6 + nth + 1;
            let districts = [district.code.as_str(), next.code.as_str()];
            officers.push(officer(MARKET, serial, certificate(serial), &districts, specialties));
        }
    }
    officers
}

/// Enforcement officers of the emergency bureau, each in every district that its register is of.
pub fn emergency_officers() -> Vec<Person> {
    let officers = (1..=6).map(|nth| {
        let certificate = format!("1603{:06}", 30_000 + nth);
        officer(EMERGENCY, nth, certificate, &super::hazards::DISTRICTS, Vec::new())
    });
    officers.collect()
}

fn officer(organisation: &str, serial: usize, number: String, districts: &[&str], specialties: Vec<String>) -> Person {
    let unit = organisation.trim_start_matches("organisations/");
    // Somebody else than the other department's officer of the same serial.
    let place = serial + if organisation == MARKET { 0 } else { 11 };
    let name = format!("{}{}", FAMILY[(place - 1) * 7 % FAMILY.len()], GIVEN[(place - 1) * 5 % GIVEN.len()]);
    let username = format!("{unit}-officer-{serial:02}");
    let mut officer = person(&username, &name, organisation, &[Role::Officer], "执法人员 officer");
    let mut districts: Vec<String> = districts.iter().map(|code| (*code).to_owned()).collect();
    districts.sort();
    officer.user.certificate =
        Some(Certificate { number, expire_date: "2029-12-31".to_owned(), districts, specialties });
    officer
}
