//! Values in the shape that systemd's properties give them.
use super::{
    AddressFamilies, AddressPrefix, Controllers, CpuSet, DeviceNumber, DeviceRule, Interfaces,
    SocketBind,
};
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::property::texts;

/// `ay`
pub(crate) fn bytes(bytes: &[u8]) -> PropertyValue {
    List(bytes.iter().map(|&byte| Unsigned(byte.into())).collect())
}

/// An array of what `T` is shown as.
pub(crate) fn list<'a, T: 'a>(items: impl IntoIterator<Item = &'a T>) -> PropertyValue
where
    PropertyValue: From<&'a T>,
{
    List(items.into_iter().map(PropertyValue::from).collect())
}

/// `aay`: `LogExtraFields=`.
pub(crate) fn log_fields(fields: &[String]) -> PropertyValue {
    List(fields.iter().map(|field| bytes(field.as_bytes())).collect())
}

/// `(st)`: a device and a number about it.
pub(crate) fn device_numbers(list: &[DeviceNumber]) -> PropertyValue {
    let pair = |(path, number): &DeviceNumber| List(vec![Text(path.clone()), Unsigned(*number)]);
    List(list.iter().map(pair).collect())
}

/// `ay`
impl From<&CpuSet> for PropertyValue {
    fn from(set: &CpuSet) -> PropertyValue {
        bytes(&set.to_bytes())
    }
}

/// `as`
impl From<&Controllers> for PropertyValue {
    fn from(set: &Controllers) -> PropertyValue {
        texts(set.names())
    }
}

/// `(bas)`
impl From<&AddressFamilies> for PropertyValue {
    fn from(families: &AddressFamilies) -> PropertyValue {
        List(vec![Bool(families.allow), texts(families.names())])
    }
}

/// `(bas)`
impl From<&Interfaces> for PropertyValue {
    fn from(interfaces: &Interfaces) -> PropertyValue {
        List(vec![Bool(interfaces.allow), texts(&interfaces.names)])
    }
}

/// `(iayu)`
impl From<&AddressPrefix> for PropertyValue {
    fn from(network: &AddressPrefix) -> PropertyValue {
        List(vec![
            Signed(network.family().into()),
            bytes(&network.bytes()),
            Unsigned(network.length().into()),
        ])
    }
}

/// `(ss)`
impl From<&DeviceRule> for PropertyValue {
    fn from(rule: &DeviceRule) -> PropertyValue {
        texts([&rule.device, &rule.access])
    }
}

/// `(iiqq)`
impl From<&SocketBind> for PropertyValue {
    fn from(rule: &SocketBind) -> PropertyValue {
        List(vec![
            Signed(rule.family.into()),
            Signed(rule.protocol.into()),
            Unsigned(rule.ports.into()),
            Unsigned(rule.first_port.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn values_take_systemds_shape() {
        let mut networks = std::collections::BTreeSet::new();
        assert_eq!(
            value::apply_address_prefixes(&mut networks, "10.0.0.0/8"),
            Ok(())
        );
        let ten = List([10, 0, 0, 0].map(Unsigned).into());
        let network = List(vec![Signed(2), ten, Unsigned(8)]);
        assert_eq!(list(&networks), List(vec![network]));

        let mut families = AddressFamilies::default();
        assert_eq!(families.apply("AF_UNIX"), Ok(()));
        let names = List(vec![Text("AF_UNIX".into())]);
        assert_eq!(
            PropertyValue::from(&families),
            List(vec![Bool(true), names])
        );

        let rule = value::parse_socket_bind("tcp:80-81").expect("a rule");
        let numbers = [Signed(0), Signed(6), Unsigned(2), Unsigned(80)];
        assert_eq!(PropertyValue::from(&rule), List(numbers.into()));

        let fields = log_fields(&["A=".into()]);
        assert_eq!(fields, List(vec![List(vec![Unsigned(65), Unsigned(61)])]));
    }
}
