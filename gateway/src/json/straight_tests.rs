use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, MapKey, Value};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::codec;

/// Both ways of writing a message; none where it is refused.
fn both(descriptor: &MessageDescriptor, encoded: &[u8]) -> (Option<String>, Option<String>) {
    let text = |json: Vec<u8>| String::from_utf8(json).unwrap();
    let slow = codec::to_json(descriptor, None, encoded.to_vec().into()).ok().map(text);
    let mut json = Vec::new();
    let straight = Printer::new(descriptor).print(encoded, &mut json).ok().map(|()| text(json));
    (slow, straight)
}

fn scalar(kind: &Kind, rng: &mut StdRng, depth: usize) -> Value {
    let number = if rng.random() { rng.random::<u64>() } else { rng.random_range(0..3) };
    match kind {
        Kind::Double => Value::F64(f64::from_bits(number)),
        Kind::Float => Value::F32(f32::from_bits(number as u32)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number as i64),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number),
        Kind::Bool => Value::Bool(number % 2 == 1),
        Kind::String => Value::String(["", "a\"\\\n\u{1}", "开封 <&> \u{2028}😀"][number as usize % 3].to_owned()),
        Kind::Bytes => Value::Bytes(number.to_be_bytes().to_vec().into()),
        Kind::Enum(_) => Value::EnumNumber((number % 12) as i32),
        Kind::Message(inner) => Value::Message(message(inner, rng, depth + 1)),
    }
}

fn message(descriptor: &MessageDescriptor, rng: &mut StdRng, depth: usize) -> DynamicMessage {
    let mut made = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let is_deep = depth > 3 && matches!(field.kind(), Kind::Message(_));
        if is_deep || rng.random_range(0..3) == 0 {
            continue;
        }
        let kind = field.kind();
        let value = if field.is_map() {
            let entry = kind.as_message().unwrap();
            let key = match scalar(&entry.map_entry_key_field().kind(), rng, depth) {
                Value::Bool(key) => MapKey::Bool(key),
                Value::I32(key) => MapKey::I32(key),
                Value::I64(key) => MapKey::I64(key),
                Value::U32(key) => MapKey::U32(key),
                Value::U64(key) => MapKey::U64(key),
                Value::String(key) => MapKey::String(key),
                other => panic!("{other:?} is no key"),
            };
            Value::Map([(key, scalar(&entry.map_entry_value_field().kind(), rng, depth))].into())
        } else if field.is_list() {
            Value::List((0..rng.random_range(0..4)).map(|_| scalar(&kind, rng, depth)).collect())
        } else {
            scalar(&kind, rng, depth)
        };
        made.set_field(&field, value);
    }
    made
}

fn pools() -> [DescriptorPool; 2] {
    [proto::POOL.clone(), crate::fixtures::routes().0]
}

#[test]
fn every_message_of_the_contract_is_written_as_the_other_way() {
    let mut rng = StdRng::seed_from_u64(7);
    for pool in pools() {
        for descriptor in pool.all_messages().filter(|message| !message.is_map_entry()) {
            for _ in 0..20 {
                let encoded = message(&descriptor, &mut rng, 0).encode_to_vec();
                let (slow, straight) = both(&descriptor, &encoded);
                assert_eq!(slow, straight, "{} {}", descriptor.full_name(), hex::encode(&encoded));
            }
        }
    }
}

#[test]
fn messages_put_together_or_cut_are_read_as_the_other_way_reads_them() {
    let mut rng = StdRng::seed_from_u64(8);
    let mut written = 0;
    for descriptor in pools().iter().flat_map(DescriptorPool::all_messages).filter(|message| !message.is_map_entry()) {
        for _ in 0..10 {
            // The last value counts, messages and lists grow, members of a choice replace each other.
            let one = message(&descriptor, &mut rng, 0).encode_to_vec();
            let two = message(&descriptor, &mut rng, 0).encode_to_vec();
            let mut encoded = [one.as_slice(), &[0xf8, 0x7f, 1], &two].concat();
            let (slow, straight) = both(&descriptor, &encoded);
            assert_eq!(slow, straight, "{} {}", descriptor.full_name(), hex::encode(&encoded));
            written += usize::from(slow.is_some());
            encoded.truncate(rng.random_range(0..=encoded.len()));
            let (slow, straight) = both(&descriptor, &encoded);
            assert_eq!(slow, straight, "{} {}", descriptor.full_name(), hex::encode(&encoded));
        }
    }
    assert!(written > 1_000, "{written}");
}

proptest! {
    #[test]
    fn bytes_that_are_no_message_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for name in ["qingtian.portal.v1.PublicDraw", "google.rpc.Status", "qingtian.draws.v1.Plan"] {
            let descriptor = proto::POOL.get_message_by_name(name).unwrap();
            let (slow, straight) = both(&descriptor, &bytes);
            prop_assert!(straight.is_none() || straight == slow, "{:?} {:?}", slow, straight);
        }
    }
}
