//! What services and their acts are called in Chinese; English is made of the contract's own names.

use crate::reader::Lang;

const CHAPTERS: [(&str, &str, &str); 16] = [
    ("portal.v1.Portal", "公众服务", "The public portal"),
    ("draws.v1.Plans", "检查计划", "Plans"),
    ("draws.v1.Draws", "抽查（抽签）", "Draws"),
    ("draws.v1.Visits", "检查任务", "Visits"),
    ("draws.v1.Registers", "名录库", "Registers"),
    ("draws.v1.RegisterChanges", "名录变更复核", "Changes of registers"),
    ("draws.v1.People", "执法人员与利害关系", "Officers and interests"),
    ("draws.v1.Experts", "专家名录库", "Experts"),
    ("draws.v1.Recusals", "回避", "Recusals"),
    ("draws.v1.Proofs", "本户凭证", "Proofs for a firm"),
    ("draws.v1.Witnesses", "见证", "Witnesses"),
    ("catalog.v1.Catalog", "监管事项", "Supervision items"),
    ("catalog.v1.ItemUploads", "监管事项续传", "Resumable uploads of items"),
    ("draws.v1.Uploads", "名录续传", "Resumable uploads of registers"),
    ("identity.v1.Identity", "用户与机构", "People and organisations"),
    ("session.v1.Sessions", "网页登录", "Signing in to the web"),
];

const VERBS: [(&str, &str); 50] = [
    ("RequestLift", "申请解除"),
    ("RejectLift", "驳回解除"),
    ("EndOldSecret", "停用旧密钥"),
    ("Create", "新建"),
    ("Get", "读取"),
    ("List", "列出"),
    ("Update", "修改"),
    ("Delete", "删除"),
    ("Submit", "提交"),
    ("Return", "退回"),
    ("Publish", "公布"),
    ("Preview", "预览"),
    ("Import", "导入"),
    ("Export", "导出"),
    ("Download", "下载"),
    ("Search", "搜索"),
    ("State", "声明"),
    ("Add", "提交"),
    ("Report", "录入"),
    ("Abandon", "放弃"),
    ("Approve", "批准"),
    ("Reject", "驳回"),
    ("Uphold", "准予"),
    ("Freeze", "冻结"),
    ("Unfreeze", "解冻"),
    ("Rotate", "更换"),
    ("Retire", "停用"),
    ("Issue", "签发"),
    ("Redeem", "查询"),
    ("Open", "打开"),
    ("Set", "设置"),
    ("Change", "变更"),
    ("Declare", "申报"),
    ("Enter", "登记"),
    ("End", "结束"),
    ("Lift", "解除"),
    ("Ask", "申请"),
    ("Request", "申请"),
    ("SignIn", "登录"),
    ("SignOut", "退出登录"),
    ("Append", "续传"),
    ("Begin", "开始"),
    ("Cancel", "取消"),
    ("LookUp", "查询"),
    ("Read", "订阅"),
    ("Stream", "传送"),
    ("File", "申报"),
    ("Make", "申报"),
    ("Take", "登记"),
    ("Withdraw", "撤回"),
];

const NOUNS: [(&str, &str); 71] = [
    ("", ""),
    ("Plan", "检查计划"),
    ("Plans", "检查计划"),
    ("Draw", "抽查"),
    ("Draws", "抽查"),
    ("Drawn", "抽中名单"),
    ("Evidence", "证据包"),
    ("Withheld", "不予公开的内容"),
    ("Entry", "随机数"),
    ("Beacon", "公共随机数"),
    ("Visit", "检查任务"),
    ("Visits", "检查任务"),
    ("Subject", "检查对象"),
    ("Subjects", "检查对象"),
    ("SubjectRows", "检查对象"),
    ("SubjectStatus", "存续状态"),
    ("SubjectVersions", "检查对象历史"),
    ("Officers", "执法人员"),
    ("OwnOfficer", "本人"),
    ("OwnOfficers", "本人"),
    ("Conflict", "利害关系"),
    ("Conflicts", "利害关系"),
    ("ConflictLift", "利害关系解除"),
    ("Leave", "请假"),
    ("Leaves", "请假"),
    ("Declaration", "年度申报"),
    ("Declarations", "年度申报"),
    ("MissingDeclarations", "未申报人员"),
    ("Interests", "利害关系"),
    ("Expert", "专家"),
    ("Experts", "专家"),
    ("ExpertState", "专家在册状态"),
    ("Recusal", "回避申请"),
    ("Recusals", "回避申请"),
    ("RegisterChange", "名录变更"),
    ("RegisterChanges", "名录变更"),
    ("RegisterChangeRows", "名录变更的行"),
    ("Imports", "导入记录"),
    ("ImportReport", "导入问题报告"),
    ("ItemImports", "事项导入记录"),
    ("ItemImportReport", "事项导入问题报告"),
    ("Item", "监管事项"),
    ("Items", "监管事项"),
    ("User", "用户"),
    ("Users", "用户"),
    ("Certificate", "执法证"),
    ("Organisation", "机构"),
    ("Organisations", "机构"),
    ("MachineClient", "对接程序"),
    ("MachineClients", "对接程序"),
    ("MachineClientSecret", "对接程序密钥"),
    ("OldMachineClientSecret", "对接程序旧密钥"),
    ("Undeclared", "未申报人员"),
    ("OwnStanding", "本人情况"),
    ("WitnessEntry", "见证随机数"),
    ("Token", "对接令牌"),
    ("Me", "本人信息"),
    ("Password", "密码"),
    ("Session", "会话"),
    ("Overview", "首页数据"),
    ("Fairness", "公平性统计"),
    ("Statement", "抽签声明"),
    ("Log", "变更日志"),
    ("LogHead", "变更日志签名"),
    ("SigningKeys", "签名公钥"),
    ("ProofCode", "一次性查询码"),
    ("ProofCodes", "一次性查询码"),
    ("WitnessLink", "见证链接"),
    ("Upload", "上传会话"),
    ("Events", "事件"),
    ("Import", "导入记录"),
];

const ROLES: [(&str, &str, &str); 9] = [
    ("ROLE_PLATFORM_OPERATOR", "平台运行单位", "platform operator"),
    ("ROLE_SUPERVISION_OFFICE", "督查局", "supervision office"),
    ("ROLE_COORDINATOR", "牵头协调机构", "coordinator"),
    ("ROLE_DEPARTMENT_ADMIN", "部门管理员", "department administrator"),
    ("ROLE_HANDLER", "经办", "handler"),
    ("ROLE_REVIEWER", "审核", "reviewer"),
    ("ROLE_OFFICER", "执法人员", "officer"),
    ("ROLE_AUDITOR", "审计", "auditor"),
    ("ROLE_INTEGRATOR", "系统对接", "integrator"),
];

/// What a service is called; its own name where it has no other.
pub fn chapter(lang: Lang, name: &str) -> &str {
    let found = CHAPTERS.iter().find(|(known, ..)| *known == name);
    found.map_or(name, |(_, zh, en)| lang.t(zh, en))
}

/// What a role is called.
pub fn role(lang: Lang, name: &str) -> &str {
    ROLES.iter().find(|(known, ..)| *known == name).map_or(name, |(_, zh, en)| lang.t(zh, en))
}

/// `CreatePlan` as people say it: `新建检查计划`, `Create plan`.
pub fn act(lang: Lang, rpc: &str) -> String {
    if lang.is_zh() {
        let said = VERBS.iter().find_map(|(verb, zh)| {
            let noun = rpc.strip_prefix(verb)?;
            NOUNS.iter().find(|(known, _)| *known == noun).map(|(_, noun)| format!("{zh}{noun}"))
        });
        if let Some(said) = said {
            return said;
        }
    }
    let mut words = String::with_capacity(rpc.len() + 8);
    for (at, letter) in rpc.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_said_in_both_languages() {
        assert_eq!(act(Lang::Zh, "CreatePlan"), "新建检查计划");
        assert_eq!(act(Lang::En, "CreatePlan"), "Create plan");
        assert_eq!(act(Lang::Zh, "SignIn"), "登录");
        assert_eq!(act(Lang::Zh, "SignOut"), "退出登录");
        assert_eq!(act(Lang::Zh, "SomethingNew"), "Something new");
    }
}
