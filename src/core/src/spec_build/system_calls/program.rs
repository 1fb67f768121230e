//! From a filter to a program of the classic BPF machine, by a compiler of such filters.
use super::arch::Arch;
use super::{Action, Filter, Rule, Test};
use crate::spec::CallProgram;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where the compiler looks at the architecture: it compares, and ends with this instruction where
/// another one calls.
const ARCH_COMPARED: usize = 1;
const ARCH_DIFFERS: usize = 2;
/// SECCOMP_RET_ALLOW of seccomp(2).
const ALLOW: u32 = 0x7fff_0000;
/// SECCOMP_RET_ERRNO with ENOSYS.
const NO_SUCH_CALL: u32 = 0x0005_0000 | 38;

/// The programs of a filter for one architecture, which let all others pass.
///
/// The kernel takes the strictest answer of all programs, and the newest of equal ones. So each
/// error has a program of its own, and they come before the list of what is allowed, which alone may
/// forbid to load more.
pub(super) fn of(filter: &Filter, arch: Arch) -> Vec<CallProgram> {
    let actions: BTreeSet<Action> = filter.rules.iter().map(|rule| rule.action).collect();
    let apart = actions
        .into_iter()
        .filter(|action| *action != Action::Allow && *action != filter.default);
    let mut programs: Vec<CallProgram> = apart
        .filter_map(|action| {
            let rules = filter.rules.iter().filter(|rule| rule.action == action);
            let table = table(rules, arch);
            let some = !table.is_empty();
            some.then(|| compiled(filter.directive, table, Action::Allow, action, arch))
        })
        .collect();
    if filter.default != Action::Allow {
        let rules = filter.rules.iter();
        let table = table(rules.filter(|rule| rule.action != filter.default), arch);
        programs.push(compiled(
            filter.directive,
            table,
            filter.default,
            Action::Allow,
            arch,
        ));
    }
    programs
}

/// Kills whatever calls as another architecture.
pub(super) fn only(arch: Arch) -> CallProgram {
    let none = BTreeMap::new();
    let compiled = compile(none, Action::Allow, Action::Kill, arch);
    named("SystemCallArchitectures=", compiled)
}

/// Calls of x32 (a way of calling x86-64 that hardly any kernel has switched on) have the same
/// architecture and numbers of their own, which no filter knows: none of them goes through.
pub(super) fn without_x32(directive: &str) -> CallProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    /// Offsets in `struct seccomp_data`.
    const NUMBER: u32 = 0;
    const ARCH: u32 = 4;
    const X32: u32 = 0x4000_0000;
    let instructions = vec![
        (LOAD_WORD, 0, 0, ARCH),
        (JUMP_IF_EQUAL, 0, 3, Arch::X86_64.audit()),
        (LOAD_WORD, 0, 0, NUMBER),
        (JUMP_IF_AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, NO_SUCH_CALL),
        (RETURN, 0, 0, ALLOW),
    ];
    CallProgram {
        directive: directive.to_owned(),
        instructions,
    }
}

type Table = BTreeMap<i64, Vec<SeccompRule>>;

/// Rules by number of their call, of those that the architecture has. A call without tests needs
/// no further rule.
fn table<'a>(rules: impl Iterator<Item = &'a Rule>, arch: Arch) -> Table {
    let mut table = Table::new();
    let mut always = BTreeSet::new();
    for rule in rules {
        let Some(number) = arch.number(rule.call) else {
            continue;
        };
        let entry = table.entry(number).or_default();
        if rule.tests.is_empty() || always.contains(&number) {
            always.insert(number);
            entry.clear();
            continue;
        }
        let conditions = rule.tests.iter().map(|(argument, test)| {
            let (operator, value) = match *test {
                Test::Equal(value) => (SeccompCmpOp::Eq, value),
                Test::Differs(value) => (SeccompCmpOp::Ne, value),
                Test::Above(value) => (SeccompCmpOp::Gt, value),
                Test::Bits(mask, value) => (SeccompCmpOp::MaskedEq(mask), value),
            };
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator, value)
                .expect("a call has six arguments")
        });
        entry.push(SeccompRule::new(conditions.collect()).expect("there are tests"));
    }
    table
}

fn compiled(
    directive: &str,
    table: Table,
    default: Action,
    action: Action,
    arch: Arch,
) -> CallProgram {
    named(directive, compile(table, default, action, arch))
}

/// The compiler knows one architecture of each kind of machine, and kills all others; here they are
/// let pass, since each has programs of its own.
fn compile(table: Table, default: Action, action: Action, arch: Arch) -> BpfProgram {
    let known = TargetArch::x86_64;
    let only_arch = table.is_empty() && action == Action::Kill && default == Action::Allow;
    let filter = SeccompFilter::new(table, kernels(default), kernels(action), known)
        .expect("the two actions differ");
    let mut program = BpfProgram::try_from(filter).expect("no unit names thousands of calls");
    assert_eq!(program[ARCH_COMPARED].k, Arch::X86_64.audit());
    program[ARCH_COMPARED].k = arch.audit();
    if !only_arch {
        program[ARCH_DIFFERS].k = ALLOW;
    }
    program
}

fn kernels(action: Action) -> SeccompAction {
    match action {
        Action::Allow => SeccompAction::Allow,
        Action::Log => SeccompAction::Log,
        Action::Errno(number) => SeccompAction::Errno(number.unsigned_abs()),
        Action::Kill => SeccompAction::KillProcess,
    }
}

fn named(directive: &str, program: BpfProgram) -> CallProgram {
    let whole = |instruction: &sock_filter| {
        let sock_filter { code, jt, jf, k } = *instruction;
        (code, jt, jf, k)
    };
    CallProgram {
        directive: directive.to_owned(),
        instructions: program.iter().map(whole).collect(),
    }
}
