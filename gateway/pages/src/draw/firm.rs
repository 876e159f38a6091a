//! A firm looks itself up: in the pool or not and why, its ticket against its threshold, and how to compute both by hand.

use kit::codes::{CodeError, SubjectKey};
use maud::{Markup, html};
use proto::qingtian::portal::v1::{LookUpSubjectRequest, Standing, SubjectStanding};

use super::facts::Facts;
use crate::{
    ask,
    failure::Refused,
    reader::{Lang, Reader},
    words,
};

/// What the portal knows of the firm that was asked for, if one was.
pub async fn ask(reader: &Reader, facts: &Facts) -> Option<Result<SubjectStanding, Refused>> {
    let subject = reader.get("firm");
    if subject.is_empty() || !facts.is_public() || facts.is_withheld("subjects.tsv") {
        return None;
    }
    let request = LookUpSubjectRequest { draw: facts.public.name.clone(), subject: subject.to_owned() };
    Some(ask::look_up_subject(reader, request).await)
}

/// The form, and the answer.
pub fn show(reader: &Reader, facts: &Facts, answer: Option<Result<SubjectStanding, Refused>>) -> Markup {
    let lang = reader.lang;
    let wrong = match &answer {
        Some(Err(refused)) => Some(refusal(reader, refused)),
        // Nobody is told to be out of scope for a slip of the pen.
        Some(Ok(standing)) if not_found(standing) => malformed(reader.get("firm")).map(|slip| slip.sentence(lang)),
        Some(Ok(_)) | None => None,
    };
    html! {
        section #firm class=[answer.is_none().then_some("unasked")] aria-labelledby="firm-title" {
            h2 #firm-title { (lang.t("查一家企业", "Look a firm up")) }
            @if facts.is_withheld("subjects.tsv") {
                p { (lang.t(
                    "入池名单依法不公开，这里不能查询。企业凭抽查单位送达的一次性查询码，可以取得自己的一行和证明。",
                    "The pool is withheld by law, so nothing can be looked up here. A firm gets its own line and proof by a one-time code handed to it.",
                )) }
                (with_code(reader, facts))
            } @else if !facts.is_public() {
                p.quiet { (lang.t("结果公布之后可以在这里查询。", "Firms can be looked up here once the result is public.")) }
            } @else {
                form.search action={ (reader.path()) "#firm" } {
                    label for="firm-key" { (lang.t("统一社会信用代码或企业全称", "Credit code, or the registered name in full")) }
                    @if let Some(wrong) = &wrong { p.wrong #firm-wrong { (wrong) } }
                    div.row {
                        input #firm-key name="firm" value=(reader.get("firm")) maxlength="200" autocomplete="off" required
                            aria-describedby=[wrong.as_ref().map(|_| "firm-wrong")] aria-invalid=[wrong.as_ref().map(|_| "true")];
                        button { (lang.t("查询", "Look up")) }
                    }
                }
                @if let (Some(Ok(standing)), None) = (&answer, &wrong) { (result(reader, facts, standing)) }
                (with_code(reader, facts))
            }
        }
    }
}

/// Where a firm takes its own line home.
fn with_code(reader: &Reader, facts: &Facts) -> Markup {
    html! {
        p { a href={ "/draws/" (facts.number) "/own-line" } { (reader.lang.t("有一次性查询码：取得本户凭证", "With a one-time code: get a firm's own line")) } }
    }
}

fn not_found(standing: &SubjectStanding) -> bool {
    matches!(standing.standing(), Standing::NotInScope | Standing::Unspecified)
}

/// What keeps a text that was meant as a code from being one.
#[derive(Debug, PartialEq, Eq)]
enum Slip {
    Space,
    Form(CodeError),
}

impl Slip {
    fn sentence(&self, lang: Lang) -> String {
        match (self, lang.is_zh()) {
            (Self::Space, true) => "代码中间有空格，请去掉空格再查。".to_owned(),
            (Self::Space, false) => "There is a space within the code: take it out and look again.".to_owned(),
            (Self::Form(error), true) => error.zh(),
            (Self::Form(error), false) => format!("This is not a correct code: {error}."),
        }
    }
}

/// Digits from which on a text without any letter of a name is meant as a code: those of its district.
const CODE_DIGITS_MIN: usize = 6;

/// What is wrong with the form of a code; nothing with a name, or with a code as it should be.
fn malformed(asked: &str) -> Option<Slip> {
    // Full-width digits, letters and the ideographic space come from Chinese keyboards.
    let of_code =
        |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "-:/._".contains(c) || ('０'..='ｚ').contains(&c);
    let digits = asked.chars().filter(|c| c.is_ascii_digit() || ('０'..='９').contains(c)).count();
    if digits < CODE_DIGITS_MIN || !asked.chars().all(of_code) {
        return None;
    }
    if asked.contains(char::is_whitespace) {
        return Some(Slip::Space);
    }
    let text = if asked.contains(':') { asked.to_owned() } else { asked.to_ascii_uppercase() };
    SubjectKey::from_register(&text).err().map(Slip::Form)
}

/// Why the portal could not look it up, said beside the field.
fn refusal(reader: &Reader, refused: &Refused) -> String {
    let text = match refused.reason.as_str() {
        "INVALID" => reader.lang.t(
            "请填写18位统一社会信用代码、名录中的编号，或登记的企业全称。",
            "Type the 18 characters of the credit code, the key in the register, or the registered name in full.",
        ),
        _ => refused.sentence(reader.lang),
    };
    text.to_owned()
}

fn result(reader: &Reader, facts: &Facts, standing: &SubjectStanding) -> Markup {
    let lang = reader.lang;
    let asked = reader.get("firm");
    let name = if standing.title.is_empty() { asked } else { &standing.title };
    let (class, sentence) = match standing.standing() {
        Standing::Drawn => ("answer drawn", lang.t("被抽中。", "was drawn.")),
        Standing::NotDrawn => ("answer", lang.t("已入池，没有抽中。", "was in the pool and was not drawn.")),
        Standing::LeftOut => (
            "answer",
            lang.t("在计划范围内，但没有入池。", "is within the plan's scope, but was left out of the pool."),
        ),
        Standing::NotInScope | Standing::Unspecified => {
            ("answer", lang.t("不在这次抽查的范围内。", "is not within the scope of this draw."))
        }
    };
    let in_pool = !standing.ticket.is_empty();
    html! {
        div class=(class) role="status" {
            p { strong { (name) } " " (sentence) }
            @if standing.standing() == Standing::LeftOut {
                p { (lang.t("原因：", "Reason: ")) (words::left_out(lang, &standing.left_out_reason)) }
            }
            @if standing.standing() == Standing::NotInScope {
                p.meta { (lang.t("请核对代码是否抄对；用名称查询时须与登记的全称一致。", "Check the code; a name must be the registered one in full.")) }
            }
            @if in_pool {
                dl.hashes {
                    dt { (lang.t("代码", "Key")) } dd { code { (standing.key) } }
                    dt { (lang.t("层", "Stratum")) } dd { (words::stratum(lang, &standing.stratum, facts.on)) }
                    dt { (lang.t("号", "Ticket")) } dd { code.hash { (standing.ticket) } }
                    dt { (lang.t("本层门槛", "Threshold of the stratum")) }
                    dd { @if standing.threshold.is_empty() { (lang.t("本层没有抽取", "nobody is drawn in this stratum")) } @else { code.hash { (standing.threshold) } } }
                    @if !standing.officers.is_empty() {
                        dt { (lang.t("检查组（执法证号）", "Team (certificate numbers)")) } dd { (standing.officers.join(lang.t("、", ", "))) }
                    }
                }
                p { (lang.t("号按十六进制从左到右比较，不高于门槛即抽中。自己算一遍：", "Compare from the left; drawn exactly when the ticket is not above the threshold. Compute it yourself:")) }
                pre { code { "printf '%s\\nsubject\\n%s\\n' " (facts.draw.seed) " " (standing.key) " | sha256sum" } }
                @if !standing.merkle_root.is_empty() { (proof(reader, standing)) }
            }
        }
    }
}

fn proof(reader: &Reader, standing: &SubjectStanding) -> Markup {
    let lang = reader.lang;
    html! {
        details {
            summary { (lang.t("入池证明（RFC 6962）", "Proof of having been in the pool (RFC 6962)")) }
            p { (lang.t(
                "这一行和下面的摘要逐级合成声明里的树根，证明抽签前就已入池，并且在这一层。",
                "This line and the digests below combine, level by level, to the root in the statement: it was in the pool, in this stratum, before the draw.",
            )) }
            p { (lang.t("subjects.tsv 第 ", "subjects.tsv, line ")) (standing.leaf_index + 1) (lang.t(" 行", "")) }
            ol { @for digest in &standing.proof { li { code.hash { (digest) } } } }
            p { (lang.t("树根 ", "Root ")) code.hash { (standing.merkle_root) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use kit::codes::{CreditCode, DistrictCode};

    use super::*;

    #[test]
    fn a_slip_in_a_code_is_told_and_a_name_or_a_right_code_is_not_a_slip() {
        let code = CreditCode::generate(DistrictCode::parse("410202").unwrap(), false, 7).to_string();
        let lower = code.to_ascii_lowercase();
        for right in [code.as_str(), &lower, "开封第7食品有限公司", "开封410202食品", "3M", "site:410202-1", ""]
        {
            assert_eq!(malformed(right), None, "{right}");
        }
        assert_eq!(malformed(&code[..17]), Some(Slip::Form(CodeError::Length { expected: 18, found: 17 })));
        assert_eq!(malformed(&format!("{} {}", &code[..8], &code[8..])), Some(Slip::Space));
        assert_eq!(malformed(&format!("{}　{}", &code[..8], &code[8..])), Some(Slip::Space));
        let last = if code.ends_with('0') { "1" } else { "0" };
        let swapped = format!("{}{last}", &code[..17]);
        assert!(matches!(malformed(&swapped), Some(Slip::Form(CodeError::CheckDigit { .. }))));
        assert!(matches!(malformed(&code.replace("410202", "４10202")), Some(Slip::Form(_))));
        assert!(matches!(malformed("reg:410202000000000"), Some(Slip::Form(_))));
    }
}
