//! What a unit sets of the directives that no field of the model holds: each as a value of its own
//! kind, which shows as its property. Code that acts on one asks for it by the directive's name.
use crate::model::ExecCommand;
use crate::property::PropertyValue::{self, Bool};
use crate::table::{Body, Family, RowId, by_id, kept, shown_commands};
use crate::value::shape;
use crate::value::{
    AddressFamilies, AddressPrefix, Controllers, CpuSet, DeviceNumber, DeviceRule, Interfaces,
    SocketBind, SyscallArchitectures, SyscallFilter,
};
use std::collections::BTreeSet;

/// The value of one directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// What is as it shows.
    Plain(PropertyValue),
    /// `CPUAffinity=`, `AllowedCPUs=`, `NUMAMask=`.
    Cpus(CpuSet),
    /// `RestrictAddressFamilies=`.
    Families(AddressFamilies),
    /// `RestrictNetworkInterfaces=`.
    Interfaces(Interfaces),
    /// `IPAddressAllow=`, `IPAddressDeny=`.
    Networks(BTreeSet<AddressPrefix>),
    /// `SocketBindAllow=`, `SocketBindDeny=`.
    Sockets(Vec<SocketBind>),
    /// `DeviceAllow=`.
    Devices(Vec<DeviceRule>),
    /// Weights, bandwidths and latencies of devices.
    Rates(Vec<DeviceNumber>),
    /// `SystemCallFilter=`, `SystemCallLog=`; boxed, for it is large and rare.
    Calls(Box<SyscallFilter>),
    /// `SystemCallArchitectures=`.
    Architectures(SyscallArchitectures),
    /// `DisableControllers=`.
    Controllers(Controllers),
    /// What a socket executes.
    Commands(Vec<ExecCommand>),
}

impl From<PropertyValue> for Setting {
    fn from(value: PropertyValue) -> Setting {
        Setting::Plain(value)
    }
}

impl Setting {
    /// As systemd shows it.
    pub fn property(&self) -> PropertyValue {
        match self {
            Setting::Plain(value) => value.clone(),
            Setting::Cpus(set) => set.into(),
            Setting::Families(families) => families.into(),
            Setting::Interfaces(interfaces) => interfaces.into(),
            Setting::Networks(networks) => shape::list(networks),
            Setting::Sockets(rules) => shape::list(rules),
            Setting::Devices(rules) => shape::list(rules),
            Setting::Rates(rates) => shape::device_numbers(rates),
            Setting::Calls(filter) => filter.property(),
            Setting::Architectures(set) => set.property(),
            Setting::Controllers(set) => set.into(),
            Setting::Commands(commands) => {
                shown_commands(commands, |command| Bool(command.ignore_failure))
            }
        }
    }
}

/// The values that differ from systemd's default, by row of the directive table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(Vec<(RowId, Setting)>);

impl Settings {
    /// The value of a directive, such as `PrivateTmp` of [`Family::Exec`]: its default where the
    /// unit does not say otherwise.
    ///
    /// # Panics
    /// When no row is kept by that name: a slip in the code, not in the input.
    pub fn get(&self, family: Family, key: &str) -> &Setting {
        let (id, default) = kept(family, key).expect("the code names rows that are kept");
        self.by_id(id).unwrap_or(default)
    }

    /// The text of a directive that is one.
    pub fn text(&self, family: Family, key: &str) -> &str {
        match self.get(family, key) {
            Setting::Plain(value) => value.text(),
            _ => "",
        }
    }

    /// The number of a directive that is one; 0 of what is none.
    pub fn number(&self, family: Family, key: &str) -> u64 {
        match self.get(family, key) {
            Setting::Plain(value) => crate::table::number(value),
            _ => 0,
        }
    }

    /// The number of a directive that can be below 0; 0 of what is none.
    pub fn signed(&self, family: Family, key: &str) -> i32 {
        match self.get(family, key) {
            Setting::Plain(value) => crate::table::signed(value),
            _ => 0,
        }
    }

    /// The texts of a directive that is a list of bytes each; what is no UTF-8 is left out.
    pub fn byte_texts(&self, family: Family, key: &str) -> Vec<String> {
        let property = self.get(family, key).property();
        let items = property.items().iter().map(crate::table::bytes);
        items
            .filter_map(|item| String::from_utf8(item).ok())
            .collect()
    }

    /// The words of a directive that is a list of them.
    pub fn texts(&self, family: Family, key: &str) -> Vec<String> {
        let property = self.get(family, key).property();
        let texts = property.items().iter().map(PropertyValue::text);
        texts.map(str::to_owned).collect()
    }

    /// The bytes of a directive that is shown as such.
    pub fn bytes(&self, family: Family, key: &str) -> Vec<u8> {
        crate::table::bytes(&self.get(family, key).property())
    }

    /// Whether a flag is set.
    pub fn is_true(&self, family: Family, key: &str) -> bool {
        *self.get(family, key) == Setting::Plain(PropertyValue::Bool(true))
    }

    pub(crate) fn by_id(&self, id: RowId) -> Option<&Setting> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.0[at].1)
    }

    /// Takes the value of a directive out, to be put back once it is changed: a long list is not
    /// copied for each line that adds to it.
    pub(crate) fn take(&mut self, id: RowId, default: &Setting) -> Setting {
        match self.0.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => self.0.remove(at).1,
            Err(_) => default.clone(),
        }
    }

    /// Those that are set, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RowId, &Setting)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// Sets a directive by its name; see [`Settings::get`].
    pub(crate) fn set(&mut self, family: Family, key: &str, value: impl Into<Setting>) {
        let (id, default) = kept(family, key).expect("the code names rows that are kept");
        self.put(id, value.into(), default);
    }

    /// Forgets of values how they came about, which only further lines could tell: two units that
    /// mean the same are equal.
    pub(crate) fn forget_history(&mut self) {
        for (id, value) in std::mem::take(&mut self.0) {
            let mut value = value;
            match &mut value {
                Setting::Families(families) => families.settle(),
                Setting::Calls(filter) => filter.settle(),
                Setting::Plain(_)
                | Setting::Cpus(_)
                | Setting::Interfaces(_)
                | Setting::Networks(_)
                | Setting::Sockets(_)
                | Setting::Devices(_)
                | Setting::Rates(_)
                | Setting::Architectures(_)
                | Setting::Controllers(_)
                | Setting::Commands(_) => {}
            }
            if let Body::Kept { default, .. } = &by_id(id).body {
                self.put(id, value, default);
            }
        }
    }

    /// Sets a value; one that equals the default takes the setting away, so that two units that
    /// mean the same are equal.
    pub(crate) fn put(&mut self, id: RowId, value: Setting, default: &Setting) {
        let found = self.0.binary_search_by_key(&id, |(id, _)| *id);
        match (found, value == *default) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => self.0[at].1 = value,
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (id, value)),
        }
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Setting {
        Setting::Plain(text.into())
    }
}
