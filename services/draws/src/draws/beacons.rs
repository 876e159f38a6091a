//! The demonstration's lottery: minutes ahead on the real clock, so that a newcomer sees a whole draw. Its numbers come from
//! the operating system's generator, once an issue, and only where draws are signed under a demonstration key.

use anyhow::Context;
use rand::{TryRng, rngs::SysRng};

const RED_MAX: u8 = 33;
const REDS: usize = 6;
const BLUE_MAX: u8 = 16;

/// Draws an issue's numbers: six distinct red ones from 01 to 33, ascending, and a blue one from 01 to 16.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn draw_numbers() -> anyhow::Result<String> {
    let mut balls: Vec<u8> = (1..=RED_MAX).collect();
    let mut reds = Vec::with_capacity(REDS);
    while reds.len() < REDS {
        // Below 33 and at least 28: a u8 always.
        let bound = u8::try_from(balls.len()).context("more balls than fit a byte")?;
        reds.push(balls.swap_remove(usize::from(below(bound)?)));
    }
    reds.sort_unstable();
    let blue = below(BLUE_MAX)? + 1;
    let numbers: Vec<String> = reds.iter().chain([&blue]).map(|number| format!("{number:02}")).collect();
    Ok(numbers.join(" "))
}

/// A number below `bound`, every one as likely: bytes above the last whole multiple are thrown away.
fn below(bound: u8) -> anyhow::Result<u8> {
    let fair = u8::MAX - u8::MAX % bound;
    loop {
        let mut byte = [0];
        SysRng.try_fill_bytes(&mut byte).context("the operating system's random generator failed")?;
        if byte[0] < fair {
            return Ok(byte[0] % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lottery::beacon::Beacon;

    #[test]
    fn numbers_have_the_lotterys_form_and_every_ball_comes_up() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let value = draw_numbers().unwrap();
            Beacon::LotteryDemo { issue: 1 }.check_value(&value).unwrap();
            seen.extend(value[..17].split(' ').map(str::to_owned));
        }
        // A given ball is missing from 1,000 issues with probability (27/33)^1000, which is below 10^-87.
        assert_eq!(seen.len(), 33);
    }
}
