//! The year's departments, their people, items and common register. They are the demonstration city's own bodies; every one of them
//! supervises the same enterprises, so that quarters and caps are contended for.

use kit::codes::{CreditCode, DISTRICTS};
use proto::qingtian::{
    access::v1::Role,
    identity::v1::{Certificate, User},
};

use crate::demo::city::{BUREAU, Person};

/// A department that draws: its id in the city, its certificates' first digits, the title of its list.
pub struct Department {
    /// `organisations/{id}`.
    pub organisation: &'static str,
    /// First four digits of its officers' certificates.
    certificates: &'static str,
    /// What it inspects.
    pub matter: &'static str,
    /// Why its plan visits an enterprise again that was visited in the quarter (art. 17); empty: it does not.
    pub second_visit_reason: &'static str,
}

/// Those that draw, in the order they are taken.
pub const DEPARTMENTS: [Department; 6] = [
    Department {
        organisation: "organisations/market",
        certificates: "1601",
        matter: "公示信息",
        second_visit_reason: "",
    },
    Department {
        organisation: "organisations/emergency",
        certificates: "1603",
        matter: "安全生产",
        second_visit_reason: "重点领域专项整治，按省级部署不受本季度已有检查限制",
    },
    Department {
        organisation: "organisations/ecology",
        certificates: "1605",
        matter: "污染防治",
        second_visit_reason: "",
    },
    Department {
        organisation: "organisations/health",
        certificates: "1607",
        matter: "公共卫生",
        second_visit_reason: "重点领域专项整治，按省级部署不受本季度已有检查限制",
    },
    Department {
        organisation: "organisations/culture",
        certificates: "1609",
        matter: "文化经营",
        second_visit_reason: "",
    },
    Department {
        organisation: "organisations/housing",
        certificates: "1611",
        matter: "建筑施工",
        second_visit_reason: "重点领域专项整治，按省级部署不受本季度已有检查限制",
    },
];

const DUTY: &str = "年度演示 a year's demonstration";
/// Officers of a department.
const OFFICERS: usize = 12;
/// Serials of the year's enterprises begin here; those of the story are smaller.
const FIRST_SERIAL: u32 = 600_000;

impl Department {
    /// Last part of its name.
    pub fn unit(&self) -> &'static str {
        self.organisation.trim_start_matches("organisations/")
    }

    /// Handler, reviewer and officers.
    pub fn people(&self) -> Vec<Person> {
        let mut people = vec![
            self.person("handler".to_owned(), "李静".to_owned(), Role::Handler),
            self.person("reviewer".to_owned(), "王强".to_owned(), Role::Reviewer),
        ];
        for nth in 1..=OFFICERS {
            let name = format!("{}{}", FAMILY[nth % FAMILY.len()], GIVEN[nth * 5 % GIVEN.len()]);
            let mut officer = self.person(format!("officer-{nth:02}"), name, Role::Officer);
            let mut districts: Vec<String> =
                DISTRICTS.iter().map(|district| district.code.as_str().to_owned()).collect();
            districts.sort();
            officer.user.certificate = Some(Certificate {
                number: format!("{}{:06}", self.certificates, 40_000 + nth),
                expire_date: "2099-12-31".to_owned(),
                districts,
                specialties: Vec::new(),
            });
            people.push(officer);
        }
        people
    }

    fn person(&self, duty: String, real_name: String, role: Role) -> Person {
        let user = User {
            username: format!("{}-{duty}", self.unit()),
            real_name,
            organisation: self.organisation.to_owned(),
            roles: vec![role as i32],
            ..User::default()
        };
        Person { user, duty: DUTY }
    }

    /// Its random-inspection list, under the usual headers.
    pub fn items_csv(&self) -> String {
        let mut text = String::from(
            "编号,抽查事项名称,抽查子项,抽查依据,抽查主体,抽查对象,抽查比例,抽查频次,抽查方式,检查人员要求,备注\n",
        );
        for (nth, part) in ["制度落实检查", "现场状况检查", "台账记录检查"].iter().enumerate() {
            text.push_str(&format!(
                "{},{}检查,{part},《开封市“互联网+监管”管理办法》,市级主管部门,企业,不低于3%,每年1次,现场检查,持有效执法证,\n",
                nth + 1,
                self.matter,
            ));
        }
        text
    }
}

/// The two of the bureau who bound the visits of all departments together, one proposing, the other publishing.
pub fn coordinators() -> Vec<Person> {
    let person = |duty: &str, real_name: &str| {
        let user = User {
            username: format!("bureau-{duty}"),
            real_name: real_name.to_owned(),
            organisation: BUREAU.to_owned(),
            roles: vec![Role::Coordinator as i32],
            ..User::default()
        };
        Person { user, duty: DUTY }
    };
    vec![person("handler", "吴清"), person("reviewer", "周正")]
}

/// Columns of [`register_csv`].
pub const COLUMNS: [&str; 6] = [
    "key=统一社会信用代码",
    "title=企业名称",
    "district=行政区划",
    "industry=行业代码",
    "address=地址",
    "status=登记状态",
];

/// The register that every department supervises: enterprises over all districts.
pub fn register_csv(subjects: u32) -> String {
    let mut text = String::from("企业名称,统一社会信用代码,行政区划,行业代码,地址,登记状态\n");
    for (nth, district) in (0..subjects).zip(DISTRICTS.iter().cycle()) {
        let code = CreditCode::generate(district.code, false, FIRST_SERIAL + nth);
        text.push_str(&format!(
            "开封市{}第{}实业有限公司,{code},{},2669,{}年度路{}号,在业\n",
            district.zh,
            nth + 1,
            district.code.as_str(),
            district.zh,
            nth + 1,
        ));
    }
    text
}

const FAMILY: [&str; 11] = ["张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马"];
const GIVEN: [&str; 9] = ["伟", "芳", "敏", "丽", "磊", "军", "洋", "艳", "杰"];
