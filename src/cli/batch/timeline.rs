//! When the steps of a run ran, as bars. Time in which no process worked on the run is left out. Pure.

use crate::batch::{RunPart, RunRecord, StepRecord};
use crate::cli::screen::terminal_text::{fit, width};

/// Columns of a bar.
const BAR: usize = 40;
/// Columns of the names.
const NAME_MAX: usize = 24;

const RUNS: char = '█';
const WAITS: char = '░';
const RESUMED: char = '┊';

/// The time that processes worked on a run, one after the other.
struct Axis {
    /// Begin of each process and of the next one's share, in milliseconds.
    parts: Vec<(i64, i64)>,
    total: i64,
}

/// The lines, one for each step that ran; empty if nothing is known.
pub(super) fn lines(record: &RunRecord) -> Vec<String> {
    let axis = Axis::new(&record.parts);
    let steps: Vec<&StepRecord> = record.step_records.iter().filter(|step| !step.spans.is_empty()).collect();
    let names = steps.iter().map(|step| width(&step.name.step)).max().unwrap_or_default().min(NAME_MAX);
    if axis.total <= 0 || steps.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = steps.iter().map(|step| line(&axis, step, names)).collect();
    let has_waits = steps.iter().any(|step| !step.waits.is_empty());
    let mut legend = Vec::new();
    legend.extend(has_waits.then(|| format!("{WAITS} waiting for the end of an outage")));
    legend.extend((record.parts.len() > 1).then(|| format!("{RESUMED} resumed")));
    if !legend.is_empty() {
        lines.push(format!("  {}  {}", " ".repeat(names), legend.join(", ")));
    }
    lines
}

fn line(axis: &Axis, step: &StepRecord, names: usize) -> String {
    let mut bar = [' '; BAR];
    let starts = axis.parts.iter().scan(0, |sum, (begin, end)| {
        let at = *sum;
        *sum += end - begin;
        Some(at)
    });
    starts.skip(1).for_each(|at| axis.fill(&mut bar, (at, at), RESUMED));
    let spans: Vec<(i64, i64)> =
        step.spans.iter().filter_map(|(from, to)| Some((axis.at(from)?, axis.at(to)?))).collect();
    spans.iter().for_each(|span| axis.fill(&mut bar, *span, RUNS));
    let mut waited = 0;
    for (from, ms, _) in &step.waits {
        let ms = i64::try_from(*ms).unwrap_or(i64::MAX);
        if let Some(from) = axis.at(from) {
            let to = from.saturating_add(ms).min(axis.total);
            axis.fill(&mut bar, (from, to), WAITS);
            waited += to - from;
        }
    }
    let from = spans.iter().map(|(from, _)| *from).min().unwrap_or_default();
    let to = spans.iter().map(|(_, to)| *to).max().unwrap_or_default();
    let wait = match (waited, step.waits.last()) {
        (1.., Some((_, _, connection))) => format!(", waited {} for {connection}", duration(waited)),
        _ => String::new(),
    };
    let name = fit(&step.name.step, names);
    let pad = " ".repeat(names.saturating_sub(width(&name)));
    let bar: String = bar.iter().collect();
    format!("  {name}{pad}  {bar}  {} to {}{wait}", duration(from), duration(to))
}

impl Axis {
    fn new(parts: &[RunPart]) -> Axis {
        let moments = parts.iter().filter_map(|part| Some((moment(&part.began)?, moment(&part.ended)?)));
        let parts: Vec<(i64, i64)> = moments.map(|(from, to)| (from, to.max(from))).collect();
        let total = parts.iter().map(|(from, to)| to - from).sum();
        Axis { parts, total }
    }

    /// The time of work before a moment.
    fn at(&self, text: &str) -> Option<i64> {
        let at = moment(text)?;
        Some(self.parts.iter().map(|(from, to)| at.clamp(*from, *to) - from).sum())
    }

    /// Fills the columns of a span; at least one.
    fn fill(&self, bar: &mut [char; BAR], (from, to): (i64, i64), with: char) {
        let column = |at: i64| usize::try_from(at.max(0) * BAR as i64 / self.total.max(1)).unwrap_or_default();
        let first = column(from).min(BAR - 1);
        let last = column(to.max(from)).clamp(first, BAR - 1);
        bar.iter_mut().take(last + 1).skip(first).for_each(|cell| *cell = with);
    }
}

fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// A duration for people, from milliseconds.
pub(super) fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..10_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10_000..120_000 => format!("{seconds} s"),
        120_000..7_200_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, BAR, RUNS, WAITS, duration};
    use crate::batch::RunPart;

    fn part(began: &str, ended: &str) -> RunPart {
        let time = |clock: &str| format!("2026-01-31T{clock}.000Z");
        RunPart { began: time(began), ended: time(ended), exit_code: None }
    }

    #[test]
    fn time_between_two_processes_is_left_out() {
        let axis = Axis::new(&[part("02:00:00", "02:10:00"), part("06:00:00", "06:10:00")]);
        assert_eq!(axis.total, 1_200_000);
        let at = |clock: &str| axis.at(&format!("2026-01-31T{clock}.000Z"));
        assert_eq!((at("02:05:00"), at("04:00:00"), at("06:05:00")), (Some(300_000), Some(600_000), Some(900_000)));
        let mut bar = [' '; BAR];
        axis.fill(&mut bar, (600_000, 1_200_000), RUNS);
        axis.fill(&mut bar, (0, 0), WAITS);
        assert_eq!(bar.iter().collect::<String>(), format!("{WAITS}{}{}", " ".repeat(19), RUNS.to_string().repeat(20)));
    }

    #[test]
    fn durations_are_for_people() {
        for (ms, text) in
            [(0, "0.0 s"), (1360, "1.3 s"), (45_000, "45 s"), (725_000, "12 min 5 s"), (7_800_000, "2 h 10 min")]
        {
            assert_eq!(duration(ms), text);
        }
    }
}
