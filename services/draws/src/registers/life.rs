//! How a subject's life stands (存续状态, art. 13): only those in business are drawn, and whoever is left out of a draw is left
//! out for the precise reason.

use proto::qingtian::draws::v1::SubjectStatus;

/// Status of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Life {
    /// 在业: may be drawn.
    InBusiness,
    /// 歇业.
    Suspended,
    /// 注销.
    Deregistered,
    /// 吊销.
    Revoked,
    /// 迁出.
    MovedOut,
    /// Not in business; nobody knows how it came.
    NotInBusiness,
}

impl Life {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::InBusiness, Self::Suspended, Self::Deregistered, Self::Revoked, Self::MovedOut, Self::NotInBusiness];

    /// Whether it may be drawn.
    pub fn in_business(self) -> bool {
        match self {
            Self::InBusiness => true,
            Self::Suspended | Self::Deregistered | Self::Revoked | Self::MovedOut | Self::NotInBusiness => false,
        }
    }

    /// The name the contract, a change request and a draw's `left_out.tsv` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InBusiness => "IN_BUSINESS",
            Self::Suspended => "SUSPENDED",
            Self::Deregistered => "DEREGISTERED",
            Self::Revoked => "REVOKED",
            Self::MovedOut => "MOVED_OUT",
            Self::NotInBusiness => "NOT_IN_BUSINESS",
        }
    }

    /// The status called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|life| life.as_str() == name)
    }

    /// What the register keeps beside `in_business`.
    pub fn gone(self) -> &'static str {
        match self {
            Self::InBusiness | Self::NotInBusiness => "",
            Self::Suspended | Self::Deregistered | Self::Revoked | Self::MovedOut => self.as_str(),
        }
    }

    /// What the register keeps, read back. Its constraints let nothing else in.
    pub fn kept(in_business: bool, gone: &str) -> Self {
        if in_business { Self::InBusiness } else { Self::named(gone).unwrap_or(Self::NotInBusiness) }
    }

    /// The word of the register, which an import reads again.
    pub fn zh(self) -> &'static str {
        match self {
            Self::InBusiness => "在业",
            Self::Suspended => "歇业",
            Self::Deregistered => "注销",
            Self::Revoked => "吊销",
            Self::MovedOut => "迁出",
            Self::NotInBusiness => "不在业",
        }
    }

    /// For whoever comes too late.
    pub fn change(self) -> &'static str {
        match self {
            Self::InBusiness => "登记为在业 set in business",
            Self::Suspended => "登记为歇业 set suspended",
            Self::Deregistered => "登记为注销 set deregistered",
            Self::Revoked => "登记为吊销 set revoked",
            Self::MovedOut => "登记为迁出 set moved out",
            Self::NotInBusiness => "登记为不在业 set not in business",
        }
    }

    /// What the words of the registers say; none for a word nobody knows.
    pub fn word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|life| life.words().contains(&word))
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::InBusiness => &[
                "在业",
                "存续",
                "开业",
                "在营",
                "正常",
                "在册",
                "营业",
                "正常营业",
                "迁入",
                "存续（在营、开业、在册）",
                "存续(在营、开业、在册)",
                "在营（开业）企业",
                "IN_BUSINESS",
            ],
            Self::Suspended => &["歇业", "已歇业", "SUSPENDED"],
            Self::Deregistered => &["注销", "已注销", "吊销已注销", "吊销，已注销", "DEREGISTERED"],
            Self::Revoked => &["吊销", "已吊销", "吊销未注销", "吊销，未注销", "REVOKED"],
            Self::MovedOut => &["迁出", "已迁出", "MOVED_OUT"],
            Self::NotInBusiness => {
                &["停业", "撤销", "清算", "关闭", "停业清算", "责令关闭", "不在业", "NOT_IN_BUSINESS"]
            }
        }
    }

    /// As the contract shows it.
    pub fn message(self) -> SubjectStatus {
        match self {
            Self::InBusiness => SubjectStatus::InBusiness,
            Self::Suspended => SubjectStatus::Suspended,
            Self::Deregistered => SubjectStatus::Deregistered,
            Self::Revoked => SubjectStatus::Revoked,
            Self::MovedOut => SubjectStatus::MovedOut,
            Self::NotInBusiness => SubjectStatus::NotInBusiness,
        }
    }

    /// As asked for; none for what is not given, and for what is unknown.
    pub fn asked(status: i32) -> Option<Self> {
        match SubjectStatus::try_from(status) {
            Ok(SubjectStatus::InBusiness) => Some(Self::InBusiness),
            Ok(SubjectStatus::Suspended) => Some(Self::Suspended),
            Ok(SubjectStatus::Deregistered) => Some(Self::Deregistered),
            Ok(SubjectStatus::Revoked) => Some(Self::Revoked),
            Ok(SubjectStatus::MovedOut) => Some(Self::MovedOut),
            Ok(SubjectStatus::NotInBusiness) => Some(Self::NotInBusiness),
            Ok(SubjectStatus::Unspecified) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_kept_written_and_read_back_as_itself() {
        for life in Life::ALL {
            assert_eq!(Life::kept(life.in_business(), life.gone()), life);
            assert_eq!(Life::word(life.zh()), Some(life));
            assert_eq!(Life::word(life.as_str()), Some(life));
            assert_eq!(Life::asked(life.message() as i32), Some(life));
            // A reason of the protocol's left_out.tsv.
            assert!(life.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
        }
        assert_eq!((Life::asked(0), Life::asked(99), Life::word("不详"), Life::word("")), (None, None, None, None));
    }

    #[test]
    fn every_word_belongs_to_one_status() {
        let words: Vec<_> = Life::ALL.iter().flat_map(|life| life.words()).collect();
        let distinct: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len());
    }
}
