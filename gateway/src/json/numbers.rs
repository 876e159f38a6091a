//! Numbers as proto3 JSON writes them, with or without quotes: read exactly or refused, never rounded or cut off. Fractions and
//! exponents are allowed for whole numbers too, as long as the value is whole: `1e2`, `3.0`.

/// Digits of the largest whole number of any field.
const DIGITS_MAX: usize = 20;

const NOT_A_NUMBER: &str = "must be a number";
const OUT_OF_RANGE: &str = "not a number of this field's range";

/// The parts of a JSON number.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    /// With the exponents that do not fit taken for the largest there is.
    exponent: i64,
}

/// Splits a text by the grammar of RFC 8259: no plus in front, no leading zeros, digits on both sides of the point.
fn parts(text: &str) -> Option<Parts<'_>> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(whole) || (whole.len() > 1 && whole.starts_with('0')) || !fraction.is_none_or(digits) {
        return None;
    }
    let exponent = match exponent {
        None => 0,
        Some(text) => {
            let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
            if !digits(plain) {
                return None;
            }
            let size = plain.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
            if text.starts_with('-') { -size } else { size }
        }
    };
    Some(Parts { negative, whole, fraction: fraction.unwrap_or_default(), exponent })
}

/// Whether a text is a number of JSON.
pub fn is_number(text: &str) -> bool {
    parts(text).is_some()
}

/// A whole number that fits the field. Errors: a sentence for the client.
pub fn integer<T: TryFrom<i128>>(text: &str) -> Result<T, String> {
    let parts = parts(text).ok_or(NOT_A_NUMBER)?;
    let digits = [parts.whole, parts.fraction].concat();
    // Zeros in front say nothing, zeros behind only move the point.
    let moved = digits.trim_end_matches('0');
    // A text is far shorter than 2^40 characters.
    let shift = parts.exponent - parts.fraction.len() as i64 + (digits.len() - moved.len()) as i64;
    let digits = moved.trim_start_matches('0');
    if digits.is_empty() {
        return T::try_from(0).map_err(|_| OUT_OF_RANGE.to_owned());
    }
    let zeros = usize::try_from(shift).map_err(|_| "must be a whole number")?;
    if digits.len().saturating_add(zeros) > DIGITS_MAX {
        return Err(OUT_OF_RANGE.to_owned());
    }
    let value: i128 = format!("{digits}{}", "0".repeat(zeros)).parse().map_err(|_| OUT_OF_RANGE)?;
    T::try_from(if parts.negative { -value } else { value }).map_err(|_| OUT_OF_RANGE.to_owned())
}

/// A floating-point number, rounded to the nearest the field holds; too large for any is refused. Errors: a sentence for the
/// client.
pub fn double(text: &str) -> Result<f64, String> {
    float(text, f64::INFINITY, f64::NAN, |number| number.is_finite())
}

/// As [`double`], for the shorter kind.
pub fn single(text: &str) -> Result<f32, String> {
    float(text, f32::INFINITY, f32::NAN, |number| number.is_finite())
}

fn float<T>(text: &str, infinity: T, nan: T, is_finite: impl Fn(&T) -> bool) -> Result<T, String>
where
    T: std::str::FromStr + std::ops::Neg<Output = T>,
{
    match text {
        "NaN" => Ok(nan),
        "Infinity" => Ok(infinity),
        "-Infinity" => Ok(-infinity),
        _ if is_number(text) => text.parse().ok().filter(is_finite).ok_or_else(|| OUT_OF_RANGE.to_owned()),
        _ => Err(NOT_A_NUMBER.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_are_read_exactly_in_every_spelling() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("-0.00e9", 0),
            ("0e999999999999999999999", 0),
            ("1e2", 100),
            ("1.50E+1", 15),
            ("1200e-2", 12),
            ("100000.000", 100_000),
            ("9007199254740993", 9_007_199_254_740_993),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9.223372036854775807e18", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer::<i64>(text), Ok(number), "{text}");
        }
        assert_eq!(integer::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(integer::<u32>("-0"), Ok(0));
    }

    #[test]
    fn what_does_not_fit_is_refused_rather_than_cut_off() {
        for text in [
            "9223372036854775808",
            "9223372036854775808.0",
            "9.3e18",
            "1e999999999999999999999",
            "-9223372036854775809",
        ] {
            assert_eq!(integer::<i64>(text), Err(OUT_OF_RANGE.to_owned()), "{text}");
        }
        assert!(integer::<u64>("18446744073709551616").is_err() && integer::<u64>("-1").is_err());
        assert!(integer::<i32>("2147483648").is_err() && integer::<u32>("4294967296").is_err());
        for text in ["0.5", "1e-1", "9007199254740992.5", "1e-999999999999999999999"] {
            assert!(integer::<i64>(text).unwrap_err().contains("whole"), "{text}");
        }
        for text in
            ["", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x1", " 1", "1 ", "1_0", "NaN", "--1", "1e1.0", "½"]
        {
            assert_eq!(integer::<i64>(text), Err(NOT_A_NUMBER.to_owned()), "{text}");
        }
    }

    #[test]
    fn floating_point_numbers_have_three_words_and_no_overflow() {
        assert!(double("NaN").unwrap().is_nan());
        assert_eq!((double("Infinity"), single("-Infinity")), (Ok(f64::INFINITY), Ok(f32::NEG_INFINITY)));
        assert_eq!((double("-1.25e2"), double("1e-999"), single("0.1")), (Ok(-125.0), Ok(0.0), Ok(0.1)));
        for text in ["1e999", "-1e999", "1.8e308"] {
            assert!(double(text).is_err(), "{text}");
        }
        assert!(single("3.5e38").is_err() && single("3.4028234e38").is_ok());
        for text in ["inf", "nan", "infinity", "+1", "1.", "", "-", "-NaN"] {
            assert!(double(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(number in any::<i64>(), natural in any::<u64>(), real in any::<f64>(), short in any::<f32>()) {
            prop_assert_eq!(integer::<i64>(&number.to_string()), Ok(number));
            prop_assert_eq!(integer::<u64>(&natural.to_string()), Ok(natural));
            if real.is_finite() {
                prop_assert_eq!(double(&format!("{real:e}")), Ok(real));
            }
            if short.is_finite() {
                prop_assert_eq!(single(&format!("{short:e}")), Ok(short));
            }
        }

        #[test]
        fn the_grammar_is_that_of_json(text in "[-+0-9.eE]{0,8}") {
            let json: Result<serde_json::Number, _> = serde_json::from_str(&text);
            let overflows = json.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert_eq!(is_number(&text), json.is_ok() || overflows);
        }
    }
}
