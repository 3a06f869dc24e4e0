//! What processes cost, as the kernel tells: `/proc`.

use std::collections::HashMap;
use std::fs;

/// The kernel's clock tick, `USER_HZ`: 100 a second on every architecture Linux has.
const TICK_MS: f64 = 10.0;

/// Milliseconds of CPU that the processes below `root` (and it) have used, those that have ended and were waited for
/// included, without what is below the roots in `without`.
pub(crate) fn cpu_ms(root: i32, without: &[i32]) -> f64 {
    let processes = all();
    tree(root, without, &processes).iter().map(|pid| processes[pid].ticks as f64 * TICK_MS).sum()
}

/// Milliseconds of CPU of this process alone.
pub(crate) fn own_cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
    [11, 12].iter().filter_map(|index| fields.get(*index)?.parse::<f64>().ok()).sum::<f64>() * TICK_MS
}

/// Kibibytes: resident, and proportional (what is shared is counted once over all who share it).
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) processes: usize,
}

pub(crate) fn memory(root: i32, without: &[i32]) -> Memory {
    let processes = all();
    let mut sum = Memory::default();
    for pid in tree(root, without, &processes) {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let field = |name: &str| -> u64 {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        sum.rss += field("Rss:");
        sum.pss += field("Pss:");
        sum.processes += 1;
    }
    sum
}

/// The load average of the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

struct Process {
    parent: i32,
    ticks: u64,
}

fn all() -> HashMap<i32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, read(pid)?))).collect()
}

fn read(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, blanks and brackets included.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    // utime, stime, cutime, cstime.
    let ticks: i64 = [11, 12, 13, 14].into_iter().filter_map(number).sum();
    Some(Process { parent: number(1)? as i32, ticks: ticks as u64 })
}

fn tree(root: i32, without: &[i32], processes: &HashMap<i32, Process>) -> Vec<i32> {
    let mut found = Vec::new();
    let mut ahead = vec![root];
    while let Some(pid) = ahead.pop() {
        if processes.contains_key(&pid) && !without.contains(&pid) {
            found.push(pid);
            ahead.extend(processes.iter().filter(|(_, process)| process.parent == pid).map(|(child, _)| *child));
        }
    }
    found
}
