//! What a draw can be checked with: the recheck in the visitor's browser, fingerprints to keep, files to take home.

use maud::{Markup, html};

use super::facts::Facts;
use crate::{reader::Reader, words};

/// The large button, and what to do without script.
pub fn recheck(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let has_log = facts.public.log_lines > 0;
    html! {
        section #recheck-part aria-labelledby="recheck-title" {
            h2 #recheck-title { (lang.t("亲自复核", "Recheck it yourself")) }
            p.scripted { (lang.t(
                "按下按钮，您的浏览器会下载证据包，在您自己的设备上把整个抽查重算一遍，逐项告诉您是否相符。",
                "Press the button: your browser downloads the evidence, computes the whole draw again on your own device, and tells you check by check whether it agrees.",
            )) }
            (in_part(reader, facts))
            section #recheck aria-label=(lang.t("复核", "Recheck")) data-bundle={ "/v1/public/draws/" (facts.number) "/evidence" }
                data-log=[has_log.then(|| format!("/v1/public/draws/{}/log", facts.number))] data-log-head=[has_log.then(|| format!("/v1/public/draws/{}/log/head", facts.number))]
                data-jwks="/.well-known/jwks.json" data-demo=(facts.is_demonstration()) data-lang=(if lang.is_zh() { "zh" } else { "en" }) {
                button #recheck-start.call type="button" { (lang.t("亲自复核这次抽查", "Recheck this draw yourself")) }
            }
            noscript {
                p.notice {
                    (lang.t("您的浏览器没有启用脚本。可以下载证据包和公钥，用命令复核：", "Scripts are off in your browser. Download the evidence and the keys, and check by command:"))
                    br;
                    a href={ "/v1/public/draws/" (facts.number) "/evidence" } { (lang.t("证据包", "evidence")) } " · "
                    a href="/.well-known/jwks.json" { (lang.t("公钥", "keys")) }
                    br;
                    code { "qingtian verify draws-" (facts.number) ".tar.gz --jwks jwks.json" @if facts.is_demonstration() { " --demo" } }
                }
            }
            p { a href={ "/draws/" (facts.number) "/recipe" } { (lang.t("不用我们的任何程序，怎样用 sha256sum、sort、awk 复核这次抽查", "How to check this draw with sha256sum, sort and awk, without any program of ours")) } }
        }
    }
}

/// Of a draw that withholds files: what a recheck cannot check, and why; what it checks all the same.
fn in_part(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let of_file = [
        ("subjects.tsv", lang.t(
            "入池名单与声明的指纹和树根是否一致；各层抽中的是不是号最小的；各层门槛",
            "that the register is the one stated, by fingerprint and root of its tree; that the smallest tickets of each stratum were drawn; the thresholds",
        )),
        ("left_out.tsv", lang.t("未入池名单与指纹是否一致；有没有人既不在池中也没有写明原因", "that the left-out list is the one stated; that nobody disappeared without a reason")),
        ("officers.tsv", lang.t("执法人员名单与指纹是否一致；检查组是不是按规则派出的", "that the officers are those stated; that teams were placed by the rules")),
        ("experts.tsv", lang.t("专家名单与指纹是否一致；专家是不是按规则派出的", "that the experts are those stated; that they were placed by the rules")),
        ("exclusions.tsv", lang.t("回避名单与指纹是否一致；检查组是否避开了申报的利害关系", "that the recusals are those stated; that teams kept to them")),
    ];
    html! {
        @if let Some(withheld) = &facts.withheld {
            div.notice {
                p { strong { (lang.t("这次抽查只能“部分核实”，不会显示“核实无误”。", "This draw can be verified in part only; a recheck never says “verified”.")) } " " (lang.t("依法不公开：", "Withheld by law: ")) (withheld.basis) (lang.t("。因此公众不能核对：", ". So the public cannot check:")) }
                ul { @for (file, what) in of_file.iter().filter(|(file, _)| facts.is_withheld(file)) { li { code { (file) } (lang.t("：", ": ")) (what) (lang.t("。", ".")) } } }
                p { (lang.t(
                    "仍然核对：声明、承诺、各方随机数、种子、每个中签号、结果的指纹和全部签名。企业可凭一次性查询码核对自己的一行；审计部门可以取得全部文件，完整复核。",
                    "Checked all the same: statement, commitment, entries, seed, every ticket drawn, the result's fingerprint and all signatures. A firm checks its own line by its one-time code; auditors get every file and check the whole.",
                )) }
            }
        }
    }
}

/// Digests and signatures, to be compared with what others kept.
pub fn fingerprints(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, draw) = (reader.lang, &facts.draw);
    // Whoever keeps these two keeps everything: the rest stands in what they are of.
    let whole = [
        (lang.t("声明 statement.json", "Statement, statement.json"), draw.statement.as_str()),
        (lang.t("证据包", "Evidence bundle"), draw.evidence_digest.as_str()),
    ];
    let mut rows = vec![
        (lang.t("秘密数的承诺", "Commitment to the secret"), facts.commitment.as_str()),
        (lang.t("入池名单的树根", "Root of the pool's tree"), facts.merkle_root.as_str()),
        (lang.t("种子", "Seed"), draw.seed.as_str()),
    ];
    rows.extend(facts.digests.iter().map(|(name, digest)| (name.as_str(), digest.as_str())));
    rows.push((lang.t("签名公钥编号", "Key of the signatures"), draw.kid.as_str()));
    rows.push((lang.t("声明的签名", "Signature of the statement"), draw.statement_signature.as_str()));
    rows.push((lang.t("随机数的签名", "Signature of the entries"), facts.public.entries_signature.as_str()));
    html! {
        section aria-labelledby="fingerprints" {
            h2 #fingerprints { (lang.t("指纹", "Fingerprints")) }
            p { (lang.t(
                "指纹是文件的 SHA-256 摘要：文件改动一个字，指纹就完全不同。请抄下或截图保存，日后核对。",
                "A fingerprint is a file's SHA-256 digest: change one letter, and it is another. Keep a copy to compare later.",
            )) }
            (digests(reader, facts, &whole))
            details.folded {
                summary { (lang.t("其余指纹：各份名单、种子、签名", "The other fingerprints: lists, seed, signatures")) }
                (digests(reader, facts, &rows))
            }
        }
    }
}

/// What is digested or signed, and its digest or signature; what there is not yet is left out.
fn digests(reader: &Reader, facts: &Facts, rows: &[(&str, &str)]) -> Markup {
    html! {
        dl.hashes {
            @for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (name) }
                dd { code.hash { (value) } @if facts.is_empty(name) { " " (reader.lang.t("空文件：一行也没有", "an empty file, without a line")) } }
            }
        }
    }
}

/// Files to take home.
pub fn downloads(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let api = format!("/v1/public/draws/{}", facts.number);
    html! {
        section aria-labelledby="downloads" {
            h2 #downloads { (lang.t("下载", "Downloads")) }
            ul {
                @if facts.is_public() {
                    li { a href={ (api) "/evidence" } { (lang.t("证据包（tar.gz", "Evidence bundle (tar.gz")) @if facts.public.evidence_size > 0 { (lang.t("，", ", ")) (size(facts.public.evidence_size)) } (lang.t("）", ")")) } }
                    li { a href={ "/draws/" (facts.number) "/drawn.csv" } { (lang.t("抽中名单和检查组（CSV 表格）", "Who was drawn, with teams (CSV)")) } }
                }
                @if facts.public.log_lines > 0 {
                    @if facts.is_public() { li { a href={ (api) "/log" } { (lang.t("人员变动日志（qingtian verify --log）", "Log of changes of teams (qingtian verify --log)")) } } }
                    li { a href={ (api) "/log/head" } { (lang.t("日志的签名头（qingtian verify --log-head）", "Signed head of that log (qingtian verify --log-head)")) } }
                }
                li { a href={ (api) "/statement" } { (lang.t("声明 statement.json（签名原文）", "Statement, statement.json, as signed")) } }
                li { a href={ "/draws/" (facts.number) "/rules.json" } { (lang.t("规则 rules.json", "Rules, rules.json")) } }
                li { a href="/.well-known/jwks.json" { (lang.t("签名公钥 jwks.json", "Public keys, jwks.json")) } }
                li { a href=(api) { (lang.t("本页数据（JSON）", "This page's data (JSON)")) } }
            }
        }
    }
}

/// Bytes as people read them.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", words::count(bytes / 1_024)),
        _ => format!("{}.{} MB", words::count(bytes / 1_048_576), bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!([1, 1_024, 1_572_864, 1_073_741_824].map(super::size), ["1 B", "1 KB", "1.5 MB", "1,024.0 MB"]);
    }
}
