//! What the kernel says of a running process.

use std::time::Duration;

pub struct Memory {
    pub resident_mb: f64,
    /// Without pages of files, which the kernel can drop and processes share.
    pub own_mb: f64,
    pub peak_mb: f64,
    pub threads: u64,
}

pub fn memory(pid: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let number = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says it");
        line.trim_start_matches(':').split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
    };
    let megabytes = |name: &str| number(name) as f64 * 1024.0 / 1e6;
    Memory { resident_mb: megabytes("VmRSS"), own_mb: megabytes("RssAnon"), peak_mb: megabytes("VmHWM"), threads: number("Threads") }
}

/// Time on a processor, of all threads, to the nanosecond.
pub fn cpu(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let of_thread = |path: std::path::PathBuf| -> u64 {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(threads.filter_map(|entry| Some(of_thread(entry.ok()?.path()))).sum())
}
