//! JSON-RPC 2.0 over text messages.
//!
//! The encoding is text and not JSON, because text that is no JSON has an answer here.

use wherry::{close, App, Conn, Encoding, Endpoint, Message, Result, Value};

wherry::export!(App::new().endpoint("/rpc", Rpc));

struct Rpc;

impl Endpoint for Rpc {
    type State = ();

    const ENCODING: Encoding = Encoding::Text;

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        let mut session = Session::default();
        if let Some(answer) = session.handle(message.text()?) {
            conn.send_json(&answer)?;
        }
        if session.over {
            conn.close(close::NORMAL, "")?;
        }
        Ok(())
    }
}

/// An error of the protocol: its code and its standard message.
type Fault = (i64, &'static str);

const PARSE_ERROR: Fault = (-32700, "Parse error");
const INVALID_REQUEST: Fault = (-32600, "Invalid Request");
const METHOD_NOT_FOUND: Fault = (-32601, "Method not found");
const INVALID_PARAMS: Fault = (-32602, "Invalid params");

/// What a message has led to.
#[derive(Default)]
struct Session {
    /// The connection is to be closed, behind the answers.
    over: bool,
}

impl Session {
    /// Returns the answer to a message: to one request, or to a batch.
    fn handle(&mut self, text: &str) -> Option<Value> {
        match Value::parse(text) {
            Err(_) => Some(failed(PARSE_ERROR, Value::Null)),
            Ok(Value::Array(batch)) if batch.is_empty() => Some(failed(INVALID_REQUEST, Value::Null)),
            Ok(Value::Array(batch)) => {
                let answers: Vec<Value> = batch.iter().filter_map(|request| self.one(request)).collect();
                (!answers.is_empty()).then_some(Value::Array(answers))
            }
            Ok(request) => self.one(&request),
        }
    }

    /// Returns the answer to a request; a notification, which has no id, gets none.
    fn one(&mut self, request: &Value) -> Option<Value> {
        let id = request.get("id");
        let method = match request.get("method").and_then(Value::as_str) {
            Some(method) if is_request(request) => method,
            _ => return Some(failed(INVALID_REQUEST, id.filter(|id| is_id(id)).cloned().unwrap_or(Value::Null))),
        };
        let result = self.call(method, request.get("params"));
        let id = id?.clone();
        Some(match result {
            Ok(result) => answer("result", result, id),
            Err(fault) => failed(fault, id),
        })
    }

    fn call(&mut self, method: &str, params: Option<&Value>) -> Result<Value, Fault> {
        match method {
            "add" => add(params).ok_or(INVALID_PARAMS),
            "echo" => Ok(params.cloned().unwrap_or(Value::Null)),
            "close" => {
                self.over = true;
                Ok(Value::Null)
            }
            _ => Err(METHOD_NOT_FOUND),
        }
    }
}

fn add(params: Option<&Value>) -> Option<Value> {
    match params?.as_array()? {
        [a, b] => a.as_i64()?.checked_add(b.as_i64()?).map(Value::Int),
        _ => None,
    }
}

/// Whether all of it but the method is as it has to be.
fn is_request(request: &Value) -> bool {
    request.get("jsonrpc").and_then(Value::as_str) == Some("2.0")
        && matches!(request.get("params"), None | Some(Value::Array(_) | Value::Object(_)))
        && request.get("id").map_or(true, is_id)
}

fn is_id(id: &Value) -> bool {
    matches!(id, Value::Null | Value::String(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_))
}

fn failed((code, message): Fault, id: Value) -> Value {
    answer("error", Value::object([("code", Value::Int(code)), ("message", message.into())]), id)
}

fn answer(kind: &str, value: Value, id: Value) -> Value {
    Value::object([("jsonrpc", Value::from("2.0")), (kind, value), ("id", id)])
}
