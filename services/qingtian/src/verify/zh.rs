//! The report in Chinese (`qingtian verify --lang zh`): what each check is called and what it proves. What is wrong, or why a
//! check could not be made, is told by [`lottery`] in English and put beside it as it is.

use lottery::verify::{Check, Note, Report, Verdict};

/// Name of a check, and what it proves where it holds.
fn check(id: &str) -> (&'static str, &'static str) {
    match id {
        "archive" => ("证据包齐全", "包里恰好是规定的文件，不多、不少、不重复"),
        "format" => ("文件格式", "每个字节都是唯一合法的写法"),
        "statement" => ("抽查前的声明", "就是抽查之前公布的那一份，时间和计划都对得上"),
        "digest" => ("名单和规则未改动", "自声明以后一个字节也没有改"),
        "commitment" => ("秘密数未更换", "秘密数在声明时就已锁定，没有换过"),
        "merkle" => ("名单的树根", "与声明一致，企业可以凭它证明自己在名单里"),
        "subjects" => ("名单的户数", "与声明一致，没有一户既入池又被排除"),
        "rules" => ("抽查规则", "配额恰好覆盖每一层，参与人里有抽查单位以外的人"),
        "entries" => ("各方给出的随机数", "每一方恰好给了一个，没有遗漏、添加或调换"),
        "beacon_signature" => ("公共随机数的签名", "确实是 drand 这一轮的签名，没有第二个值能通过"),
        "seed" => ("种子", "由声明、秘密数和各方的随机数算出"),
        "strata" => ("各层的数量和门槛", "每一层多少户、抽多少户、门槛多少，都已重算"),
        "selection" => ("抽中的对象", "恰好是号最小的那些"),
        "teams" => ("检查组", "谁去检查哪一户，由种子重算得出"),
        "result_digest" => ("结果文件未改动", "公布的结果就是签名时的结果"),
        "time" => ("时间先后", "先截止收数，再揭示，没有超过期限"),
        "signature" => ("数字签名", "由公布的密钥签名"),
        "log_format" => ("变动日志的格式", "可以逐行读出"),
        "log_chain" => ("变动日志环环相扣", "每一行都指明前一行，第一行指明抽取结果"),
        "log_act" => ("人员变动", "由谁接替按抽签规则算出，没有人能挑选"),
        "log_head" => ("变动日志的签名", "签到最后一行为止"),
        "line_format" => ("企业自己的一行：格式", "可以读出"),
        "line_statement" => ("企业自己的一行：声明", "属于这一次抽查"),
        "line_proof" => ("企业自己的一行：凭据", "这一行在名单里，与声明的树根一致"),
        "line_ticket" => ("企业自己的一行：号", "由种子和代码算出"),
        "line_drawn" => ("企业自己的一行：抽没抽中", "与公布的结果一致"),
        "kept_statement" => ("您保存的声明", "与证据包里的相同"),
        "kept_signature" => ("您保存的签名", "由公布的密钥签名"),
        _ => ("", ""),
    }
}

/// What a note is about.
fn about(id: &str) -> &'static str {
    match id {
        "statement" => "请与抽查之前公布、由第三方保存的声明指纹核对",
        "beacon" => "请到公共随机数的来源处核对",
        "beacon_waived" => "这次抽查没有使用公共随机数",
        "replaces" => "这次抽查接替作废的一次",
        "follows" => "这次抽查补充另一次",
        "demonstration" => "这是演示，不是真实的抽查",
        "publish_after" => "依法推迟公布",
        "withheld" => "依法不公开的文件",
        "log" => "抽取之后的人员变动",
        "no_experts" => "有检查组没有专家",
        "strata_none" => "有的层一户也不抽",
        "strata_all" => "有的层全部抽中",
        "no_choice" => "有的户候选人恰好够用，没有选择余地",
        "no_team" => "有的户组不成检查组",
        _ => "提示",
    }
}

/// One line of the report.
fn line(one: &Check) -> String {
    let outcome = match one.ok {
        Some(true) => "通过  ",
        Some(false) => "不符  ",
        None => "未检查",
    };
    let (name, proves) = check(one.id);
    let name = if name.is_empty() { one.id } else { name };
    let file = one.file.as_ref().map_or_else(String::new, |file| format!(" {file}"));
    match one.ok {
        Some(true) if !proves.is_empty() => format!("{outcome}  {name}{file}（{}）：{proves}", one.id),
        _ => format!("{outcome}  {name}{file}（{}）：{}", one.id, one.message),
    }
}

fn note(one: &Note) -> String {
    format!("提示：{}（{}）", about(one.id), one.message)
}

/// The whole report as text.
pub fn text(report: &Report) -> String {
    let mut lines = vec![report.draw_id.clone().unwrap_or_else(|| "不知道是哪一次抽查".to_owned()), String::new()];
    lines.extend(report.checks.iter().map(line));
    if !report.notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(report.notes.iter().map(note));
    lines.push(String::new());
    let count = |wanted: Option<bool>| report.checks.iter().filter(|one| one.ok == wanted).count();
    lines.push(match report.verdict {
        Verdict::Verified => format!("复核通过：{} 项全部相符。", report.checks.len()),
        Verdict::Partly => format!("部分通过：能检查的都相符，{} 项没有检查（见上面“未检查”）。", count(None)),
        Verdict::NotVerified => format!("复核不通过：{} 项不符。", count(Some(false))),
        Verdict::Unreadable => "无法读取：这不是证据包。".to_owned(),
    });
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use lottery::{
        testing::{Draw, Shape, jwks},
        verify::{GivenLog, Options, verify, verify_with_log},
    };

    use super::*;

    #[test]
    fn every_check_of_a_draw_and_its_log_has_a_chinese_name() {
        let keys = jwks();
        let options = Options { jwks: Some(&keys), demo: true, ..Options::default() };
        let bundle = Draw::random(7, &Shape::default()).unwrap().bundle().unwrap();
        let log = GivenLog { lines: b"1\n", head: Some(b"{}"), visits: None };
        for report in [
            verify(&bundle[..], &options),
            verify_with_log(&bundle[..], &options, Some(&log)),
            verify(&b"no"[..], &options),
        ] {
            assert!(report.checks.iter().all(|one| !check(one.id).0.is_empty()), "{:#}", report.to_json());
            let said = text(&report);
            let verdict = match report.verdict {
                Verdict::Verified => "复核通过",
                Verdict::Partly => "部分通过",
                Verdict::NotVerified => "复核不通过",
                Verdict::Unreadable => "无法读取",
            };
            assert!(said.lines().last().unwrap().starts_with(verdict), "{said}");
            // What is wrong is told whole, in the words of whoever found it.
            assert!(report.checks.iter().filter(|one| one.ok == Some(false)).all(|one| said.contains(&one.message)));
        }
    }
}
