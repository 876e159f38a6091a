//! What is wrong with a workbook as a whole, and with a cell of one.

/// Why a workbook is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the workbook is incomplete or damaged: {0}")]
    Broken(&'static str),
    #[error("the archive holds no workbook: {0}")]
    NotWorkbook(&'static str),
    #[error("the workbook carries macros")]
    Macros,
    #[error("the workbook is locked with a password")]
    Locked,
    #[error("the workbook is beyond what is read: {0}")]
    Excessive(&'static str),
    #[error("more than one worksheet holds something: {0:?}")]
    SeveralSheets(Vec<String>),
}

impl Fault {
    /// Stable UPPER_SNAKE.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Broken(_) => "WORKBOOK_BROKEN",
            Self::NotWorkbook(_) => "NOT_A_WORKBOOK",
            Self::Macros => "WORKBOOK_MACROS",
            Self::Locked => "WORKBOOK_LOCKED",
            Self::Excessive(_) => "WORKBOOK_EXCESSIVE",
            Self::SeveralSheets(_) => "SEVERAL_SHEETS",
        }
    }

    /// For the person who sent the file: what is wrong and what to do.
    pub fn zh(&self) -> String {
        match self {
            Self::Broken(_) => {
                "工作簿不完整或已损坏，可能没有传完；没有导入任何行。请在电子表格软件中打开检查，另存为 XLSX 后重新上传。".into()
            }
            Self::NotWorkbook(_) => "压缩包里没有 XLSX 工作簿。请在电子表格软件中另存为 XLSX 或 CSV（UTF-8）后重新上传。".into(),
            Self::Macros => "工作簿带有宏，不予读取。请另存为不含宏的 XLSX 或 CSV（UTF-8）后重新上传。".into(),
            Self::Locked => "工作簿设有打开密码。请去掉密码，另存为 XLSX 或 CSV（UTF-8）后重新上传。".into(),
            Self::Excessive(_) => {
                "工作簿解压后过大，或结构超出限制。请只保留要导入的数据（清除多余的空行、格式和图片），或另存为 CSV（UTF-8）后重新上传。".into()
            }
            Self::SeveralSheets(names) => format!(
                "有内容的工作表不止一个：{}。请只保留要导入的那一个（其余删除或隐藏）后重新上传。",
                names.join("、")
            ),
        }
    }
}

/// Why a cell has no value that could be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Formula,
    LongNumber,
    ErrorValue,
    NotANumber,
    NoSuchDate,
}

impl Flaw {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            // The same as for a text that begins like one.
            Self::Formula => "FORMULA",
            Self::LongNumber => "LONG_NUMBER",
            Self::ErrorValue => "ERROR_VALUE",
            Self::NotANumber => "NOT_A_NUMBER",
            Self::NoSuchDate => "NO_SUCH_DATE",
        }
    }

    pub(crate) fn zh(self, header: &str) -> String {
        match self {
            Self::Formula => format!("“{header}”是公式，请改为数值或文本（复制后选择性粘贴为值）。"),
            Self::LongNumber => format!(
                "“{header}”是超过15位的数字，电子表格只保留前15位，后面的位数可能已经丢失；请把该列设为文本格式后重新录入。"
            ),
            Self::ErrorValue => format!("“{header}”是错误值，请改正。"),
            Self::NotANumber => format!("“{header}”标为数字但不是数字，请重新录入。"),
            Self::NoSuchDate => format!("“{header}”标为日期但没有这一天，请重新录入。"),
        }
    }

    pub(crate) fn en(self) -> &'static str {
        match self {
            Self::Formula => "the cell is a formula; paste it as a value",
            Self::LongNumber => {
                "a number of more than 15 digits, of which a spreadsheet keeps 15; format the column as text and enter it again"
            }
            Self::ErrorValue => "the cell holds an error value",
            Self::NotANumber => "the cell is marked as a number and is none",
            Self::NoSuchDate => "the cell is marked as a date and there is no such day",
        }
    }
}
