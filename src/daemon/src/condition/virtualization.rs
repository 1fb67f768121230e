//! Which container or virtual machine this is, if any. The names are systemd's.
use super::{Unjudged, files};
use gitproc_unit::value::parse_bool;

pub fn virtualization(parameter: &str) -> Result<bool, Unjudged> {
    if parameter == "private-users" {
        return has_private_users();
    }
    let container = container()?;
    // A container counts, whatever it runs on.
    let found = container.clone().or_else(machine);
    Ok(match (parse_bool(parameter), parameter) {
        (Ok(wanted), _) => found.is_some() == wanted,
        (Err(_), "vm") => found.is_some() && container.is_none(),
        (Err(_), "container") => container.is_some(),
        (Err(_), id) => found.as_deref() == Some(id),
    })
}

// ── Containers ──────────────────────────────────────────────────────────────────────────────

/// Containers that tell their name; any other name is `container-other`.
const CONTAINERS: [&str; 9] = [
    "lxc",
    "lxc-libvirt",
    "systemd-nspawn",
    "docker",
    "podman",
    "rkt",
    "wsl",
    "proot",
    "pouch",
];

/// The container that this is.
pub fn container() -> Result<Option<String>, Unjudged> {
    let named = |name: &str| Ok(Some(name.to_owned()));
    if files::exist("/proc/vz") && !files::exist("/proc/bc") {
        return named("openvz");
    }
    let kernel = files::line("/proc/sys/kernel/osrelease").unwrap_or_default();
    if kernel.contains("Microsoft") || kernel.contains("WSL") {
        return named("wsl");
    }
    if tracer().is_some_and(|name| name.starts_with("proot")) {
        return named("proot");
    }
    for path in ["/run/host/container-manager", "/run/systemd/container"] {
        let said = files::required(path)?.unwrap_or_default();
        let name = said.lines().next().unwrap_or_default();
        if !name.is_empty() {
            return Ok(known(name));
        }
    }
    if let Some(name) = told_to_the_first_process().filter(|name| !name.is_empty()) {
        return Ok(known(&name));
    }
    Ok(by_files().map(str::to_owned).or_else(by_cgroups))
}

fn known(name: &str) -> Option<String> {
    let other = || "container-other".to_owned();
    match CONTAINERS.contains(&name) {
        true => Some(name.to_owned()),
        // Images say `oci` wherever they run.
        false if name == "oci" => by_files().map(|_| other()),
        false => Some(other()),
    }
}

/// Left by container managers; podman's comes first, since it may have docker's as well.
fn by_files() -> Option<&'static str> {
    let marks = [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")];
    let found = marks.iter().find(|(path, _)| files::exist(path));
    found.map(|(_, name)| *name)
}

/// In a cgroup namespace the root shows what only other cgroups have.
fn by_cgroups() -> Option<String> {
    if !files::exist("/proc/self/ns/cgroup") {
        return None;
    }
    let inside = match super::cgroup::is_unified() {
        Err(_) => false,
        Ok(true) => {
            let there = |name: &str| files::exist(format!("/sys/fs/cgroup/{name}"));
            // Kernels without `features` have no `cgroup.type` either.
            let old = !files::exist("/sys/kernel/cgroup/features");
            there("cgroup.events") && (there("cgroup.type") || old)
        }
        Ok(false) => {
            files::exist("/sys/fs/cgroup/systemd")
                && !files::exist("/sys/fs/cgroup/systemd/release_agent")
        }
    };
    inside.then(|| "container-other".to_owned())
}

/// The program that traces us.
fn tracer() -> Option<String> {
    let status = files::bytes("/proc/self/status")?;
    let status = String::from_utf8_lossy(&status);
    let field = |line: &str| Some(line.strip_prefix("TracerPid:")?.trim().to_owned());
    let pid = status.lines().find_map(field).filter(|pid| pid != "0")?;
    files::line(format!("/proc/{pid}/comm"))
}

/// `container=` of the first process, where we may look.
fn told_to_the_first_process() -> Option<String> {
    let variables = files::bytes("/proc/1/environ")?;
    let value = |line: &[u8]| {
        let value = line.strip_prefix(b"container=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    variables.split(|byte| *byte == 0).find_map(value)
}

// ── Virtual machines ────────────────────────────────────────────────────────────────────────

/// What hypervisors call themselves to the processor's users.
const HYPERVISORS: [(&[u8; 12], &str); 9] = [
    (b"XenVMMXenVMM", "xen"),
    (b"KVMKVMKVM\0\0\0", "kvm"),
    (b"Linux KVM Hv", "kvm"),
    (b"TCGTCGTCGTCG", "qemu"),
    (b"VMwareVMware", "vmware"),
    (b"Microsoft Hv", "microsoft"),
    (b"bhyve bhyve ", "bhyve"),
    (b"QNXQVMBSQG\0\0", "qnx"),
    (b"ACRNACRNACRN", "acrn"),
];

/// What the firmware says who made the machine; the first that fits.
const MAKERS: [(&str, &str); 15] = [
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
    ("Apple Virtualization", "apple"),
];

const OTHER: &str = "vm-other";

/// The virtual machine that this is. The firmware's word comes first where it tells more than the
/// processor (machines on top of KVM), the processor's first elsewhere.
fn machine() -> Option<String> {
    let maker = by_maker();
    if let Some(name @ ("oracle" | "xen" | "amazon" | "parallels")) = maker {
        return Some(name.to_owned());
    }
    if is_user_mode_linux() {
        return Some("uml".to_owned());
    }
    let dom0 = files::exist("/proc/xen") && is_dom0();
    if files::exist("/proc/xen") && !dom0 {
        return Some("xen".to_owned());
    }
    let by_processor = by_processor();
    if dom0 {
        return by_processor.map(str::to_owned);
    }
    let words = [by_processor, maker, by_hypervisor_file(), by_device_tree()];
    let named = words.iter().flatten().find(|name| **name != OTHER);
    let other = words.iter().flatten().next();
    named.or(other).map(|name| (*name).to_owned())
}

fn by_processor() -> Option<&'static str> {
    let name = gitproc_sys::cpu::hypervisor()?;
    let known = HYPERVISORS
        .iter()
        .find(|(signature, _)| **signature == name);
    Some(known.map_or(OTHER, |(_, name)| name))
}

fn by_maker() -> Option<&'static str> {
    let fields = [
        "product_name",
        "sys_vendor",
        "board_vendor",
        "bios_vendor",
        "product_version",
    ];
    let found = fields.iter().find_map(|field| {
        let text = files::line(format!("/sys/class/dmi/id/{field}"))?;
        let maker = MAKERS.iter().find(|(prefix, _)| text.starts_with(prefix));
        maker.map(|(_, name)| *name)
    });
    match (found, says_virtual()) {
        // The same maker sells bare machines.
        (Some("amazon"), Some(false)) => None,
        (Some("amazon"), None) => {
            let product = files::line("/sys/class/dmi/id/product_name").unwrap_or_default();
            (!product.ends_with(".metal")).then_some("amazon")
        }
        (None, Some(true)) => Some(OTHER),
        (found, _) => found,
    }
}

/// The bit of SMBIOS (extension byte 2 of the BIOS characteristics) that says "virtual machine".
fn says_virtual() -> Option<bool> {
    let table = files::bytes("/sys/firmware/dmi/entries/0-0/raw")?;
    let long_enough = *table.get(1)? >= 20;
    table
        .get(19)
        .filter(|_| long_enough)
        .map(|byte| byte & 1 << 4 != 0)
}

fn is_user_mode_linux() -> bool {
    let text = files::bytes("/proc/cpuinfo").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let vendor = text
        .lines()
        .find_map(|line| line.strip_prefix("vendor_id\t: "));
    vendor.is_some_and(|vendor| vendor.starts_with("User Mode Linux"))
}

/// The first domain of Xen is the host itself.
fn is_dom0() -> bool {
    let features = files::line("/sys/hypervisor/properties/features");
    if let Some(bits) = features.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()) {
        return bits & 1 << 11 != 0;
    }
    let capabilities = files::line("/proc/xen/capabilities").unwrap_or_default();
    capabilities.split(',').any(|word| word == "control_d")
}

fn by_hypervisor_file() -> Option<&'static str> {
    match files::line("/sys/hypervisor/type")?.as_str() {
        "xen" => Some("xen"),
        _ => Some(OTHER),
    }
}

#[cfg(any(
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "powerpc64"
))]
fn by_device_tree() -> Option<&'static str> {
    let tree = "/proc/device-tree";
    let there = |name: &str| files::exist(format!("{tree}/{name}"));
    if let Some(kind) = files::line(format!("{tree}/hypervisor/compatible")) {
        return Some(match kind.trim_end_matches('\0') {
            "linux,kvm" => "kvm",
            kind if kind.contains("xen") => "xen",
            kind if kind.contains("vmware") => "vmware",
            _ => OTHER,
        });
    }
    if there("ibm,partition-name") && there("hmc-managed?") && !there("chosen/qemu,graphic-width") {
        return Some("powervm");
    }
    let mut entries = std::fs::read_dir(tree).ok()?.flatten();
    let qemu = entries.any(|entry| entry.file_name().to_string_lossy().contains("fw-cfg"));
    qemu.then_some("qemu")
}

/// Only some machines have one.
#[cfg(not(any(
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "powerpc64"
)))]
fn by_device_tree() -> Option<&'static str> {
    None
}

// ── User namespaces ─────────────────────────────────────────────────────────────────────────

/// Ids are mapped, so this is no user namespace of the host.
fn has_private_users() -> Result<bool, Unjudged> {
    for map in ["/proc/self/uid_map", "/proc/self/gid_map"] {
        let Some(text) = files::required(map)? else {
            continue;
        };
        let numbers: Vec<u32> = text
            .split_whitespace()
            .take(3)
            .filter_map(|word| word.parse().ok())
            .collect();
        if numbers != [0, 0, u32::MAX] {
            return Ok(true);
        }
    }
    let groups = files::required("/proc/self/setgroups")?.unwrap_or_default();
    Ok(groups.trim() == "deny")
}
