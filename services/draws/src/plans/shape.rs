//! What else a plan may say of its draws (art. 15, 16, 18): experts beside the officers, files the law forbids to publish, and
//! the day before which nobody outside may know who is visited.

use chrono::NaiveDate;
use kit::{
    error::{Reason, Refusal, Result},
    workdays::Calendar,
};
use lottery::{
    frozen::{SUBJECTS, TABLES},
    rules,
};
use proto::qingtian::draws::v1 as pb;
use serde::{Deserialize, Serialize};

use super::{classes, content::text};

/// Experts with one team at the most.
const EXPERTS_MAX: u32 = 50;
/// Characters of a published basis.
const BASIS_CHARS_MAX: usize = 500;
/// Working days after the last inspection by which results are public (art. 18): a list is not kept back any longer.
const RESULT_DAYS: u16 = 10;

/// All of it, as stored with the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// Experts beside the officers.
    pub experts: Experts,
    /// What is not published.
    pub withheld: Option<Withholding>,
    /// When the result is.
    pub publish_after: Option<PublishAfter>,
    /// Why a register divided by credit class is published all the same; empty: it is not.
    pub register_basis: String,
    /// Version of the settings by credit class it was drafted under; empty without classes.
    pub class_setting: String,
}

impl Shape {
    /// Parses what a drafter sent.
    ///
    /// # Errors
    /// `INVALID` with the field.
    pub fn parse(plan: &pb::Plan, stratification: pb::Stratification, end: Option<NaiveDate>) -> Result<Self> {
        let withheld = withholding(plan.withheld.as_ref())?;
        Ok(Self {
            experts: experts(plan.experts.as_ref())?,
            publish_after: publish_after(plan.publish_after.as_ref(), end)?,
            register_basis: register_basis(&plan.register_basis, stratification, withheld.as_ref())?,
            class_setting: if classes::divides(stratification) { plan.class_setting.clone() } else { String::new() },
            withheld,
        })
    }

    /// Writes it into the message of its plan.
    pub fn show(&self, plan: &mut pb::Plan) {
        let experts = &self.experts;
        plan.experts = (experts.count > 0).then(|| pb::ExpertPart {
            count: i32::try_from(experts.count).unwrap_or(i32::MAX),
            specialty: experts.specialty.clone().unwrap_or_default(),
        });
        plan.withheld =
            self.withheld.as_ref().map(|one| pb::Withholding { basis: one.basis.clone(), files: one.files.clone() });
        plan.publish_after = self
            .publish_after
            .as_ref()
            .map(|one| pb::PublishAfter { basis: one.basis.clone(), date: one.date.to_string() });
        plan.register_basis.clone_from(&self.register_basis);
        plan.class_setting.clone_from(&self.class_setting);
    }

    /// Refuses a plan whose result would be public already: whoever is drawn after that day is announced at once.
    ///
    /// # Errors
    /// `PUBLISH_DAY_PAST` (art. 18).
    pub fn check_day(&self, today: NaiveDate) -> Result<()> {
        match &self.publish_after {
            Some(after) if after.date <= today => {
                Err(Refusal::new(Reason::PublishDayPast).with("date", after.date).with("today", today))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Experts placed with each team; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experts {
    /// How many.
    pub count: u32,
    /// Specialty the first must have.
    pub specialty: Option<String>,
}

/// Frozen files that are not published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withholding {
    /// Legal basis, published.
    pub basis: String,
    /// Names of tables, sorted, at least one.
    pub files: Vec<String>,
}

/// The day on which the result of unannounced visits becomes public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishAfter {
    /// Legal basis, published.
    pub basis: String,
    /// The day, in Kaifeng.
    pub date: NaiveDate,
}

impl From<&Experts> for rules::Experts {
    fn from(experts: &Experts) -> Self {
        Self { count: u64::from(experts.count), specialty: experts.specialty.clone() }
    }
}

impl From<&Withholding> for rules::Withheld {
    fn from(withholding: &Withholding) -> Self {
        Self { basis: withholding.basis.clone(), files: withholding.files.clone() }
    }
}

impl From<&PublishAfter> for rules::PublishAfter {
    fn from(after: &PublishAfter) -> Self {
        Self { basis: after.basis.clone(), date: after.date.format("%Y-%m-%d").to_string() }
    }
}

/// A published legal basis: at least two characters.
fn basis(field: &str, given: &str) -> Result<String> {
    let basis = text(field, given, BASIS_CHARS_MAX)?;
    if basis.chars().count() < 2 {
        return Err(Refusal::invalid(field, "须写明法律依据，将随计划公布 / name the legal basis; it is published"));
    }
    Ok(basis)
}

/// Reads the experts wanted.
///
/// # Errors
/// `INVALID`.
fn experts(given: Option<&pb::ExpertPart>) -> Result<Experts> {
    let Some(given) = given else { return Ok(Experts::default()) };
    let count = u32::try_from(given.count).ok().filter(|count| *count <= EXPERTS_MAX);
    let count = count.ok_or_else(|| {
        Refusal::invalid("experts.count", format!("每组 0 至 {EXPERTS_MAX} 名专家 / 0 to {EXPERTS_MAX} experts a team"))
    })?;
    let specialty = (!given.specialty.is_empty()).then(|| given.specialty.clone());
    if let Some(specialty) = &specialty {
        if !lottery::names::is_name(specialty.as_bytes()) {
            let problem = format!("专长“{specialty}”应为字母、数字 / specialty: 1 to 64 of 0-9A-Za-z:/._-");
            return Err(Refusal::invalid("experts.specialty", problem));
        }
        if count == 0 {
            let problem = "没有专家，不应要求专长 / no experts are wanted, so none needs a specialty";
            return Err(Refusal::invalid("experts.specialty", problem));
        }
    }
    Ok(Experts { count, specialty })
}

/// Reads what is not published.
///
/// # Errors
/// `INVALID` for files without basis, a basis without files, and files no draw has.
fn withholding(given: Option<&pb::Withholding>) -> Result<Option<Withholding>> {
    let Some(given) = given else { return Ok(None) };
    if given.files.is_empty() && given.basis.trim().is_empty() {
        return Ok(None);
    }
    let mut files = given.files.clone();
    files.sort();
    if let Some(file) = files.iter().find(|file| !TABLES.contains(&file.as_str())) {
        let known = TABLES.join(", ");
        return Err(Refusal::invalid("withheld.files", format!("“{file}”不是可不公开的文件 / not one of {known}")));
    }
    if let Some(twice) = files.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Refusal::invalid("withheld.files", format!("“{}”重复 / twice", twice[0])));
    }
    if files.is_empty() {
        let problem = "写了依据，但没有选择不公开的文件 / a basis, but no file to withhold";
        return Err(Refusal::invalid("withheld.files", problem));
    }
    Ok(Some(Withholding { basis: basis("withheld.basis", &given.basis)?, files }))
}

/// Reads from which day the result is public. Visits are unannounced only while nobody knows who is visited, so the day comes
/// after the last inspection; and not later than results are due (art. 18).
///
/// # Errors
/// `INVALID`.
fn publish_after(given: Option<&pb::PublishAfter>, end: Option<NaiveDate>) -> Result<Option<PublishAfter>> {
    let Some(given) = given else { return Ok(None) };
    if given.date.is_empty() && given.basis.trim().is_empty() {
        return Ok(None);
    }
    let date = super::content::day("publish_after.date", &given.date)?.ok_or_else(|| {
        Refusal::invalid("publish_after.date", "写了依据，但没有公布日期 / a basis, but no day of publication")
    })?;
    let basis = basis("publish_after.basis", &given.basis)?;
    if let Some(end) = end {
        if date <= end {
            let problem = format!(
                "须在最后一次检查（{end}）之后，否则检查不再是不预先告知 / must come after the last inspection, {end}"
            );
            return Err(Refusal::invalid("publish_after.date", problem));
        }
        let due = Calendar::official().due(end, RESULT_DAYS).date;
        if date > due {
            let problem = format!(
                "抽查结束后 {RESULT_DAYS} 个工作日内应当公开（第十八条），至迟 {due} / results are due within {RESULT_DAYS} \
                 working days of the end (art. 18): {due} at the latest"
            );
            return Err(Refusal::invalid("publish_after.date", problem));
        }
    }
    Ok(Some(PublishAfter { basis, date }))
}

/// Reads why the register of a plan by credit class is published all the same; empty when it is not.
///
/// # Errors
/// `INVALID` where there is nothing to decide, or both are said; and where a register by class is neither withheld nor allowed.
fn register_basis(given: &str, stratification: pb::Stratification, withheld: Option<&Withholding>) -> Result<String> {
    let by_class = classes::divides(stratification);
    let withholds = withheld.is_some_and(|withheld| withheld.files.iter().any(|file| file == SUBJECTS));
    if given.trim().is_empty() {
        if by_class && !withholds {
            let problem = "按信用风险分类抽取的，名录（subjects.tsv）默认不公开；要公开须写明依据 / a register divided by credit class \
                           is withheld unless a basis allows its publication";
            return Err(Refusal::invalid("register_basis", problem));
        }
        return Ok(String::new());
    }
    if !by_class {
        let problem = "只有按信用风险分类抽取的计划才需要 / only plans divided by credit class need it";
        return Err(Refusal::invalid("register_basis", problem));
    }
    if withholds {
        let problem = "名录已列为不公开，不能同时写明公开依据 / the register is withheld; it cannot be published too";
        return Err(Refusal::invalid("register_basis", problem));
    }
    basis("register_basis", given)
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
