//! Memory and CPU of a process, from `/proc`.

use std::time::{Duration, Instant};

/// Ticks a second in `/proc/PID/stat`: fixed at 100 for user space on Linux.
const TICKS: f64 = 100.0;

/// What a process took while it was watched.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    /// Resident at the end.
    pub(crate) resident_mib: f64,
    /// Most resident at any time.
    pub(crate) peak_mib: f64,
    /// Cores kept busy on average.
    pub(crate) cores: f64,
}

/// A look at the whole machine that began at a certain time.
#[derive(Debug)]
pub(crate) struct Machine {
    since: Instant,
    busy: Duration,
}

impl Machine {
    /// Starts to watch; `None` if there is no `/proc`.
    pub(crate) fn start() -> Option<Self> {
        Some(Self { since: Instant::now(), busy: machine()? })
    }

    /// Cores kept busy by anything since.
    pub(crate) fn cores(&self) -> Option<f64> {
        let busy = machine()?.saturating_sub(self.busy);
        Some(busy.as_secs_f64() / self.since.elapsed().as_secs_f64().max(0.001))
    }
}

/// A look at a process that began at a certain time.
#[derive(Debug)]
pub(crate) struct Watch {
    pid: u32,
    since: Instant,
    cpu: Duration,
}

impl Watch {
    /// Starts to watch; `None` if there is no such process or no `/proc`.
    pub(crate) fn start(pid: u32) -> Option<Self> {
        let cpu = cpu(pid)?;
        // Resets VmHWM; refused for the process of another user, whose peak is then that of its life.
        let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
        Some(Self { pid, since: Instant::now(), cpu })
    }

    /// What it took since.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let busy = cpu(self.pid)?.saturating_sub(self.cpu);
        Some(Usage {
            resident_mib: mib(&status, "VmRSS:")?,
            peak_mib: mib(&status, "VmHWM:")?,
            cores: busy.as_secs_f64() / self.since.elapsed().as_secs_f64().max(0.001),
        })
    }
}

fn mib(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1_024.0)
}

/// CPU time of every process on the machine so far, from the first line of `/proc/stat`: user,
/// nice, system and what a hypervisor took away. Interrupts are left out: under load they are those
/// of the load's own network traffic.
fn machine() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.split_whitespace().skip(1).take(8).enumerate();
    let busy = fields.filter(|(place, _)| matches!(place, 0..=2 | 7));
    let ticks: f64 = busy.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).sum();
    Some(Duration::from_secs_f64(ticks / TICKS))
}

/// User and system time so far: fields 14 and 15, counted after the name, which may hold spaces.
fn cpu(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs_f64((user + system) / TICKS))
}
