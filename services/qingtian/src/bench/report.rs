//! What a bench comes to: cases with their bounds, and the machine they were measured on.
//!
//! A bound is the most or the least a value may be. What could not be measured here is told as skipped, never left out.

use std::{fmt, time::Duration};

use serde_json::{Value, json};

/// How far a value may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    /// The number.
    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Self::AtMost(number) | Self::AtLeast(number) => number,
        }
    }

    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::AtMost(_) => "most",
            Self::AtLeast(_) => "least",
        };
        write!(f, "at {word} {}", self.number())
    }
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What was measured, the same in every run: `reveal.10000000`.
    pub name: String,
    /// The figure; none where it was skipped, and `said` tells why.
    pub value: Option<f64>,
    /// What it is counted in: `ratio`, `exponent`, `bytes`.
    pub unit: &'static str,
    /// How far it may go; none where it is only told.
    pub bound: Option<Bound>,
    /// What was measured over what, for people.
    pub said: String,
}

impl Case {
    /// Whether the value is within its bound. Without a bound it is; skipped it is neither within nor without.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        let value = self.value?;
        Some(self.bound.is_none_or(|bound| bound.holds(value)))
    }
}

/// Where a bench ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Name of the processor.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: usize,
    pub memory_bytes: u64,
    /// Release of the kernel.
    pub system: String,
    /// Processes that wanted to run, in the minute before the bench: above 0 the machine was not quiet.
    pub load: String,
    /// `release`, or `debug`, whose figures say nothing about the product.
    pub build: &'static str,
}

impl Machine {
    /// This machine; what it does not tell is empty or 0.
    #[must_use]
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |path: &str, name: &str| {
            let text = read(path);
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: kib(&field("/proc/meminfo", "MemTotal")),
            system: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

/// Bytes of a figure such as `24576 kB`.
fn kib(text: &str) -> u64 {
    text.strip_suffix("kB").and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// The most memory this process ever held at once, in bytes (`VmHWM`).
///
/// # Errors
/// The system does not tell.
pub fn memory_peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let bytes = line.map(|text| kib(text.trim())).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| anyhow::anyhow!("/proc/self/status tells no VmHWM"))
}

/// The same thing done several times.
#[derive(Debug, Clone, Default)]
pub struct Runs(Vec<Duration>);

impl Runs {
    pub fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Seconds of the middle run; of two middle ones their mean.
    #[must_use]
    pub fn median_secs(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
            (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => (*below + *above).as_secs_f64() / 2.0,
            (_, Some(one)) => one.as_secs_f64(),
            (_, None) => f64::NAN,
        }
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = |found: Option<&Duration>| found.map_or(f64::NAN, Duration::as_secs_f64);
        let (least, most) = (secs(self.0.iter().min()), secs(self.0.iter().max()));
        write!(f, "{:.4} s ({least:.4} to {most:.4}, {} runs)", self.median_secs(), self.0.len())
    }
}

/// What a bench comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Name of the bench.
    pub bench: &'static str,
    pub machine: Machine,
    pub cases: Vec<Case>,
}

impl Report {
    /// Whether every bound holds of what was measured.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.cases.iter().all(|case| case.holds() != Some(false))
    }

    /// `{"bench", "machine", "cases": [{"name", "value", "unit", "bound", "holds"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let case = |case: &Case| {
            let (name, unit, bound) = (&case.name, case.unit, case.bound.map(Bound::number));
            json!({"name": name, "value": case.value, "unit": unit, "bound": bound, "holds": case.holds()})
        };
        let machine = &self.machine;
        json!({
            "bench": self.bench,
            "machine": {
                "cpu": machine.cpu,
                "cores": machine.cores,
                "memory_bytes": machine.memory_bytes,
                "system": machine.system,
                "load": machine.load,
                "build": machine.build,
            },
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        let gib = machine.memory_bytes >> 30;
        let (cpu, cores, load, build) = (&machine.cpu, machine.cores, &machine.load, machine.build);
        writeln!(f, "bench {} on {cpu}, {cores} cores, {gib} GiB, load {load}, {build} build", self.bench)?;
        for case in &self.cases {
            let mark = match (case.bound, case.holds()) {
                (_, None) => "SKIPPED",
                (None, _) => "       ",
                (Some(_), Some(true)) => "holds  ",
                (Some(_), Some(false)) => "FAILS  ",
            };
            let value = case.value.map(|value| format!("{value:.3} {}", case.unit)).unwrap_or_default();
            let bound = case.bound.map(|bound| format!(", {bound}")).unwrap_or_default();
            writeln!(f, "{mark} {:<32} {value:>18}{bound}: {}", case.name, case.said)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, value: f64, bound: Option<f64>) -> Case {
        let bound = bound.map(Bound::AtMost);
        Case { name: name.to_owned(), value: Some(value), unit: "ratio", bound, said: String::new() }
    }

    #[test]
    fn a_report_has_exactly_the_members_that_others_read() {
        let cases = vec![case("told", 7.0, None), case("kept", 0.5, Some(0.5)), case("broken", 0.75, Some(0.5))];
        let mut report = Report { bench: "draw", machine: Machine::here(), cases };
        let json = report.to_json();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&json), ["bench", "cases", "machine"]);
        assert_eq!(
            json["cases"],
            json!([
                {"name": "told", "value": 7.0, "unit": "ratio", "bound": null, "holds": true},
                {"name": "kept", "value": 0.5, "unit": "ratio", "bound": 0.5, "holds": true},
                {"name": "broken", "value": 0.75, "unit": "ratio", "bound": 0.5, "holds": false},
            ])
        );
        assert!(!report.holds());
        report.cases.pop();
        assert!(report.holds());
    }

    #[test]
    fn the_median_is_the_middle_run() {
        let runs = |secs: &[u64]| Runs(secs.iter().map(|secs| Duration::from_secs(*secs)).collect());
        assert!(runs(&[]).median_secs().is_nan());
        assert!((runs(&[9, 1, 2]).median_secs() - 2.0).abs() < 1e-9);
        assert!((runs(&[9, 1, 2, 4]).median_secs() - 3.0).abs() < 1e-9);
        assert_eq!(runs(&[3, 1]).to_string(), "2.0000 s (1.0000 to 3.0000, 2 runs)");
    }

    #[test]
    fn a_value_that_is_no_number_holds_no_bound() {
        for bound in [Bound::AtMost(1.0), Bound::AtLeast(1.0)] {
            assert_eq!(Case { bound: Some(bound), ..case("empty", f64::NAN, None) }.holds(), Some(false));
        }
    }

    #[test]
    fn a_bound_may_be_the_least() {
        let least = |value| Case { bound: Some(Bound::AtLeast(0.6)), ..case("rate", value, None) };
        assert_eq!([0.59, 0.6, 7.0].map(|value| least(value).holds()), [false, true, true].map(Some));
    }

    #[test]
    fn what_was_skipped_is_told_and_fails_nothing() {
        let skipped = Case { value: None, said: "no peer".to_owned(), ..case("peer", 0.0, Some(1.0)) };
        let report = Report { bench: "draw", machine: Machine::here(), cases: vec![skipped] };
        assert!(report.holds());
        let told = json!([{"name": "peer", "value": null, "unit": "ratio", "bound": 1.0, "holds": null}]);
        assert_eq!(report.to_json()["cases"], told);
        let text = report.to_string();
        assert!(text.lines().any(|line| line.starts_with("SKIPPED peer") && line.ends_with("no peer")), "{text}");
    }

    #[test]
    fn this_machine_tells_what_it_is() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.memory_bytes > 1 << 20 && !machine.load.is_empty(), "{machine:?}");
        assert!(memory_peak_bytes().unwrap() > 1 << 20);
    }
}
