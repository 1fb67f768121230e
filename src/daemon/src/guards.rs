//! The guards of a service's cgroup: programs that the kernel asks about devices and packets.
use crate::devices;
use gitproc_core::guards::{binds, devices as device, interfaces, packets};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::ExecStep;
use gitproc_sys::bpf::{Question, guard};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::Unit;
use std::os::fd::AsFd;
use std::sync::Arc;

/// One guard: for which directive, what it is asked, what it answers.
struct Guard {
    directive: &'static str,
    question: Question,
    program: Vec<u8>,
}

/// Sets up what the unit asks for. The error is for the start: a service that asks for a guard must
/// not run without.
/// The slices around it have their say too, as they are defined at the start.
pub fn set(unit: &Unit, slices: &[Arc<Unit>], cgroup: &UnitCgroup) -> Result<(), Failure> {
    let guards = wanted(unit, slices);
    let Some(first) = guards.first() else {
        return Ok(());
    };
    let failed = |directive: &str, detail: String, errno: i32| Failure {
        step: ExecStep::Cgroup,
        errno,
        detail: format!("{detail} for {directive}="),
    };
    let no_group = |detail, errno| failed(first.directive, detail, errno);
    let payload = cgroup.payload_fd();
    let payload = payload.map_err(|error| no_group(error.to_string(), error.errno()))?;
    let payload = payload.ok_or_else(|| no_group("there is no v2 cgroup".to_owned(), 0))?;
    guards.iter().try_for_each(|wanted| {
        guard(payload.as_fd(), wanted.question, &wanted.program)
            .map_err(|error| failed(wanted.directive, error.to_string(), error.errno()))
    })
}

fn wanted(unit: &Unit, slices: &[Arc<Unit>]) -> Vec<Guard> {
    let units = || slices.iter().map(|slice| &**slice).chain([unit]);
    // Each has to allow a device; networks are one list.
    let devices = units().filter_map(device::wanted).map(|rules| Guard {
        directive: "DevicePolicy",
        question: Question::Device,
        program: device::program(&devices::allowed(&rules)),
    });
    let networks = packets::wanted(units());
    let packets = networks.iter().flat_map(|networks| {
        [
            (Question::Ingress, packets::Direction::Ingress),
            (Question::Egress, packets::Direction::Egress),
        ]
        .map(|(question, direction)| Guard {
            directive: "IPAddressDeny",
            question,
            program: packets::program(networks, direction),
        })
    });
    let interfaces = units().filter_map(interfaces::wanted).flat_map(|wanted| {
        let numbers = wanted.names.iter();
        let numbers: Vec<u32> = numbers.filter_map(|name| number_of(name)).collect();
        [Question::Ingress, Question::Egress].map(|question| Guard {
            directive: "RestrictNetworkInterfaces",
            question,
            program: interfaces::program(&numbers, wanted.allow),
        })
    });
    let binds = units().filter_map(binds::wanted).flat_map(|wanted| {
        [Question::Bind4, Question::Bind6].map(|question| Guard {
            directive: "SocketBindDeny",
            question,
            program: binds::program(&wanted),
        })
    });
    devices
        .chain(packets)
        .chain(interfaces)
        .chain(binds)
        .collect()
}

/// Of an interface that there is.
fn number_of(interface: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(interface).ok()
}
