//! What the soak's process holds from moment to moment, and by how much that grows.

use std::time::Instant;

/// What this process holds at a moment: seconds since the beginning, megabytes of memory, and how many files are open.
pub struct Sample {
    pub at: f64,
    pub memory: f64,
    pub files: f64,
}

impl Sample {
    pub fn take(began: Instant) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory = line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0;
        let files = std::fs::read_dir("/proc/self/fd").unwrap().count() as f64;
        Self { at: began.elapsed().as_secs_f64(), memory, files }
    }
}

/// By how much the line climbs that fits these samples best, from the first to the last.
pub fn growth(samples: &[Sample], held: fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (at_mean, held_mean) = (mean(|sample| sample.at), mean(held));
    let above = samples.iter().map(|sample| (sample.at - at_mean) * (held(sample) - held_mean)).sum::<f64>();
    let below = samples.iter().map(|sample| (sample.at - at_mean).powi(2)).sum::<f64>();
    let span = samples.last().map_or(0.0, |last| last.at) - samples.first().map_or(0.0, |first| first.at);
    if below > 0.0 { above / below * span } else { 0.0 }
}
