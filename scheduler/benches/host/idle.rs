//! What a house costs that has nothing to do.

use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::house::House;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("a house with nothing to do, 20 s");
    let house = House::fresh();
    std::thread::sleep(Duration::from_secs(2));
    report(figures, house.pid());
}

/// Memory and processor time of a process over some seconds.
pub(crate) fn report(figures: &mut Figures, pid: u32) {
    let (began, before) = (Instant::now(), cpu_seconds(pid));
    std::thread::sleep(Duration::from_secs(20));
    let used = cpu_seconds(pid) - before;
    let share = used / began.elapsed().as_secs_f64() * 100.0;
    figures.number("resident memory", resident_mib(pid), "MiB", Some(50.0));
    figures.number("processor", share, "% of a core", Some(1.0));
}

pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a figure");
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .expect("a figure")
        .parse()
        .expect("a number");
    kib / 1_024.0
}

/// User and system time of a process so far.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().expect("fields");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = [11, 12]
        .iter()
        .map(|field| fields[*field].parse::<f64>().expect("ticks"))
        .sum();
    // The kernel reports to user space in hundredths of a second, whatever its own tick is.
    ticks / 100.0
}
