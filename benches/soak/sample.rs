//! Samples of the process's memory and open files, and their growth.

use std::time::Instant;

/// One sample of this process.
pub struct Sample {
    /// Seconds since the start.
    pub at: f64,
    /// Resident memory, in megabytes.
    pub memory: f64,
    /// The number of open files.
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

/// The rise of the least-squares line through these samples, from the first to the last.
pub fn growth(samples: &[Sample], value: fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (at_mean, held_mean) = (mean(|sample| sample.at), mean(value));
    let covariance = samples.iter().map(|sample| (sample.at - at_mean) * (value(sample) - held_mean)).sum::<f64>();
    let variance = samples.iter().map(|sample| (sample.at - at_mean).powi(2)).sum::<f64>();
    let span = samples.last().map_or(0.0, |last| last.at) - samples.first().map_or(0.0, |first| first.at);
    if variance > 0.0 { covariance / variance * span } else { 0.0 }
}
