//! How a draw works and how anybody checks one.

use axum::response::Response;
use maud::html;

use crate::{frame, frame::Head, picture, reader::Reader};

/// `/about`.
pub async fn page(reader: Reader) -> Response {
    let lang = reader.lang;
    let title = lang.t("怎样抽签，怎样复核", "How a draw works, and how to check it");
    let body = html! {
        h1 { (title) }
        p.lead { (lang.t(
            "检查谁、由谁去查，由机器随机抽取（办法第十条、第十五条）。这里不要求您相信机器：抽查用到的一切都会公布，任何人都可以重算。",
            "Who is inspected, and by whom, is drawn by machine (art. 10 and 15). You need not believe the machine: everything a draw used is published, and anybody can compute it again.",
        )) }
        (picture::draw(lang))
        h2 { (lang.t("一次抽查的五步", "The five steps of a draw")) }
        ol.how {
            li { strong { (lang.t("声明。", "State. ")) } (lang.t(
                "入池企业名单、未入池名单和原因、执法人员名单、回避申报和规则一次定稿，连同一个秘密数，各自的指纹写进声明，签名公布。从此改动任何一个字，指纹都会对不上。",
                "The list of firms, those left out and why, the officers, the recusals and the rules are fixed at once. Their fingerprints, and that of a secret number, go into a signed statement. A single changed letter would show.",
            )) }
            li { strong { (lang.t("提交随机数。", "Contribute. ")) } (lang.t(
                "至少有一个抽查单位以外的单位，在看到声明之后各给一个数，例如当众掷的骰子。每方一次，提交即公开。",
                "At least one body outside the drawing unit gives a number after it has seen the statement: dice rolled in public, for instance. Once each, public at once.",
            )) }
            li { strong { (lang.t("等公共随机数。", "Wait for the beacon. ")) } (lang.t(
                "声明时就指定好将来某一期福利彩票或 drand 的某一轮作为公共随机数，截止之后才会产生，谁也预知不了。不用公共随机数的，必须公布理由。",
                "The statement names a future lottery issue or public random beacon, which comes to exist only after entries have closed. A draw without one says why.",
            )) }
            li { strong { (lang.t("揭示。", "Reveal. ")) } (lang.t(
                "揭示秘密数，全部合起来算出种子，种子和企业代码算出每户的号。每一层里号最小的若干户被抽中，再按号和已派次数派出执法人员。到时自动进行，不能重来；过时未揭示，这次抽查作废并永远留档。",
                "The secret is opened; with all numbers it gives the seed, and with a firm's code the firm's ticket. In each stratum the smallest tickets are drawn, and officers are assigned by ticket and load. It runs by itself and cannot be repeated; a draw not revealed in time has failed, for ever and in public.",
            )) }
            li { strong { (lang.t("公布。", "Publish. ")) } (lang.t(
                "全部材料打成一个证据包供下载。不预先告知的检查，名单在检查之后公布，但指纹当时就公布。",
                "Everything is packed into one evidence bundle. For unannounced visits the list comes after the visits, but its fingerprint at once.",
            )) }
        }
        h2 { (lang.t("三种复核办法，互不依赖", "Three ways to check, none trusting the others")) }
        ol.how {
            li { strong { (lang.t("在您的浏览器里。", "In your browser. ")) } (lang.t(
                "打开任何一次已公布的抽查，按“亲自复核这次抽查”。计算在您自己的设备上进行，一项一项显示结果。",
                "Open any published draw and press “Recheck this draw yourself”. Your own device computes, and shows each check as it passes.",
            )) }
            li { strong { (lang.t("用命令。", "By command. ")) } (lang.t("下载证据包和公钥，运行 ", "Download the bundle and the keys, and run "))
                code { "qingtian verify BUNDLE --jwks FILE" } (lang.t("。演示抽查另加 ", ". For demonstration draws add ")) code { "--demo" } (lang.t("。", ".")) }
            li { strong { (lang.t("不用我们的任何程序。", "Without any program of ours. ")) } (lang.t(
                "只用 sha256sum、sort、awk 等通用工具。每次抽查都有一页写好真实数值的复核步骤。",
                "With sha256sum, sort and awk alone. Each draw has a page of steps with its real values filled in.",
            )) }
        }
        h2 { (lang.t("企业怎样查自己", "How a firm looks itself up")) }
        p { (lang.t(
            "在抽查页面输入统一社会信用代码或企业全称，就能看到：是否入池、为什么没有入池、自己的号、所在层的门槛和证明。号不高于门槛即被抽中。",
            "On the page of a draw, type the credit code or the registered name in full: you see whether it was in the pool, why not, its ticket, its stratum's threshold, and a proof. It was drawn exactly when its ticket is not above the threshold.",
        )) }
        h2 { (lang.t("抽签不能保证什么", "What a draw does not show")) }
        p { (lang.t(
            "复核证明的是：名单和规则定下之后，没有人挑选过结果。名单本身是否完整，要看未入池名单和各单位的名录库；公共随机数的值，请到来源处核对。",
            "A recheck proves that nobody chose the result once lists and rules were fixed. Whether the list itself is complete is seen from those left out and from the registers; compare the beacon's value with its source.",
        )) }
    };
    frame::page(
        &reader,
        Head { title, trail: &[("/about", lang.t("怎样抽签", "How it works"))], ..Head::default() },
        body,
    )
}
