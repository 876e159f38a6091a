//! What a declaration may say (art. 16). Pure.

use chrono::{Datelike, NaiveDate};
use kit::error::{Reason, Refusal, Result};

/// The year a day belongs to.
pub fn year_of(day: NaiveDate) -> i32 {
    day.year()
}

/// Checks the year of a declaration.
///
/// # Errors
/// `DECLARATION_OF_ANOTHER_YEAR`.
pub fn check_year(year: i32, today: NaiveDate) -> Result<()> {
    if year == year_of(today) {
        return Ok(());
    }
    Err(Refusal::new(Reason::DeclarationOfAnotherYear).with("year", year_of(today)))
}

/// What a person says, beside what is known of him.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub person: &'a str,
    /// There are no interests.
    pub none: bool,
    /// The conflicts that stand are confirmed.
    pub confirms: bool,
    /// How many are added.
    pub additions: usize,
}

impl Said<'_> {
    /// Checks it against how many conflicts stand: nobody declares none while excluded, leaves out what is known, or says nothing.
    ///
    /// # Errors
    /// `DECLARATION_CONTRADICTS`, `INVALID`.
    pub fn check(&self, standing: usize) -> Result<()> {
        if self.none && (self.confirms || self.additions > 0) {
            let problem = "既申报“无”又列出利害关系，请二者取一 / either none or a list";
            return Err(Refusal::invalid("none", problem));
        }
        if standing > 0 && !self.confirms {
            let refusal = Refusal::new(Reason::DeclarationContradicts);
            return Err(refusal.with("person", self.person).with("n", standing));
        }
        if !self.none && standing + self.additions == 0 {
            let problem = "请申报“无”，或列出利害关系 / declare none, or name the interests";
            return Err(Refusal::invalid("none", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_says_all_that_stands_or_none() {
        let said = |none, confirms, additions| Said { person: "4102-001", none, confirms, additions };
        let reason = |said: Said<'_>, standing| said.check(standing).err().map(|refusal| refusal.reason());
        assert_eq!(reason(said(true, false, 0), 0), None);
        assert_eq!(reason(said(false, false, 1), 0), None);
        assert_eq!(reason(said(false, true, 0), 2), None);
        assert_eq!(reason(said(false, true, 3), 2), None);
        assert_eq!(reason(said(true, false, 0), 1), Some(Reason::DeclarationContradicts));
        assert_eq!(reason(said(false, false, 1), 1), Some(Reason::DeclarationContradicts));
        assert_eq!(reason(said(false, false, 0), 0), Some(Reason::Invalid));
        assert_eq!(reason(said(false, true, 0), 0), Some(Reason::Invalid));
        assert_eq!(reason(said(true, true, 0), 0), Some(Reason::Invalid));
        assert_eq!(reason(said(true, false, 1), 0), Some(Reason::Invalid));
    }

    #[test]
    fn only_this_years_interests_are_declared() {
        let today = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        assert!(check_year(2026, today).is_ok());
        assert!(check_year(2025, today).is_err() && check_year(2027, today).is_err());
    }
}
