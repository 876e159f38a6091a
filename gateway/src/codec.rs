//! Messages as bytes, so that one client calls every rpc, and answers as proto3 JSON by the rpc's descriptor.

use bytes::{Buf as _, BufMut as _, Bytes};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::error::{Fault, Result};
use crate::json;

/// Passes encoded messages on as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Writes an encoded answer as JSON, with `field` only that field of it. See [`json`].
pub fn to_json(output: &MessageDescriptor, field: Option<&FieldDescriptor>, encoded: Bytes) -> Result<Vec<u8>> {
    let message = DynamicMessage::decode(output.clone(), encoded).map_err(Fault::internal)?;
    let mut text = Vec::with_capacity(1024);
    write_json(&message, field, &mut text)?;
    Ok(text)
}

/// As [`to_json`], of a message that has been read, behind what is written already.
pub fn write_json(message: &DynamicMessage, field: Option<&FieldDescriptor>, text: &mut Vec<u8>) -> Result<()> {
    let written = match field {
        None => json::write(message, text),
        Some(field) => json::write_field(message, field, text),
    };
    written.map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use proto::qingtian::access::v1::Role;
    use proto::qingtian::identity::v1::{AccessToken, User};

    #[test]
    fn an_answer_is_proto3_json_with_defaults_written_out() {
        let user = User { name: "users/1".into(), roles: vec![Role::Handler as i32, 99], ..Default::default() };
        let output = proto::POOL.get_message_by_name("qingtian.identity.v1.User").unwrap();
        let json = to_json(&output, None, user.encode_to_vec().into()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["realName"], "");
        assert_eq!(json["roles"], serde_json::json!(["ROLE_HANDLER", 99]));
        assert_eq!(json["state"], "USER_STATE_UNSPECIFIED");
        assert!(json.get("certificate").is_none(), "a message that is not set has no member");
    }

    #[test]
    fn times_are_rfc_3339_and_big_numbers_are_text() {
        let output = proto::POOL.get_message_by_name("qingtian.identity.v1.AccessToken").unwrap();
        let time = prost_types::Timestamp { seconds: 1_795_392_000, nanos: 0 };
        let token = AccessToken { token: "t".into(), expire_time: Some(time) };
        let json = to_json(&output, None, token.encode_to_vec().into()).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"token":"t","expireTime":"2026-11-23T00:00:00Z"}"#);
        let output = proto::POOL.get_message_by_name("qingtian.common.v1.Import").unwrap();
        let import = proto::qingtian::common::v1::Import { rows: 1 << 60, ..Default::default() };
        let json: serde_json::Value =
            serde_json::from_slice(&to_json(&output, None, import.encode_to_vec().into()).unwrap()).unwrap();
        assert_eq!(json["rows"], "1152921504606846976");
    }

    #[test]
    fn one_field_may_be_the_answer() {
        let output = proto::POOL.get_message_by_name("qingtian.identity.v1.OpenSignInResponse").unwrap();
        let answer = proto::qingtian::identity::v1::OpenSignInResponse {
            sign_in: "s".into(),
            token: Some(AccessToken { token: "t".into(), expire_time: None }),
            ..Default::default()
        };
        let field = |name: &str| output.get_field_by_name(name).unwrap();
        let json = to_json(&output, Some(&field("token")), answer.encode_to_vec().into()).unwrap();
        assert_eq!(json, br#"{"token":"t"}"#);
        let json = to_json(&output, Some(&field("sign_in")), answer.encode_to_vec().into()).unwrap();
        assert_eq!(json, br#""s""#);
    }

    #[test]
    fn bytes_that_are_no_message_are_our_failure_not_the_clients() {
        let output = proto::POOL.get_message_by_name("qingtian.identity.v1.User").unwrap();
        let fault = to_json(&output, None, Bytes::from_static(b"\xff\xff")).unwrap_err();
        assert_eq!(fault.http().as_u16(), 500);
    }
}
