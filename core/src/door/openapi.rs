//! The OpenAPI document is the table of routes and the schemas of the wire, written down by the code itself.

mod shapes;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::door::routes::{Guard, ROUTES, Route};
use crate::wire::problem::Slug;

/// Where the written document says that the door is.
pub const WRITTEN_URL: &str = "http://127.0.0.1:2726";

/// The document as it was written down, for a door at `base_url`. Making it takes more code than all else that a door does.
#[must_use]
pub fn written(base_url: &str) -> String {
    let quoted = |url: &str| Value::String(url.to_string()).to_string();
    include_str!("openapi/document.json").replacen(&quoted(WRITTEN_URL), &quoted(base_url), 1)
}

/// The document, OpenAPI 3.1, for a door at `base_url`.
#[must_use]
pub fn document(base_url: &str) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator);
        paths
            .entry(route.path)
            .or_default()
            .insert(route.method.to_ascii_lowercase(), operation);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".into(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "arcoflow",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Triggers, callbacks and the ledger of one workspace.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": base_url }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": { "type": "http", "scheme": "bearer", "description": "An API key with the permission that the operation names." },
                "taskToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The task token of an envelope." }
            }
        }
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(route.name));
    operation.insert("summary".into(), json!(route.summary));
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), Value::Array(parameters));
    }
    let (request, answer) = shapes::of(route.name);
    if let Some(request) = request {
        let schema = request(generator);
        operation.insert("requestBody".into(), json!({ "required": !route.body_optional, "content": { "application/json": { "schema": schema } } }));
    }
    match route.guard {
        Guard::Open => operation.insert("security".into(), json!([])),
        Guard::Key(permission) => operation.insert(
            "security".into(),
            json!([{ "apiKey": [permission.as_str()] }]),
        ),
        Guard::Task => operation.insert("security".into(), json!([{ "taskToken": [] }])),
    };
    operation.insert(
        "responses".into(),
        Value::Object(responses(route, answer, generator)),
    );
    Value::Object(operation)
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    for (name, description) in route.query {
        parameters.push(json!({ "name": name, "in": "query", "required": false, "description": description, "schema": query_schema(route, name) }));
    }
    if route.method == "POST" && matches!(route.name, "triggerRun" | "rerunRun" | "tickSchedule") {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A repetition with the same key and body gets the answer of the first request, for 24 hours.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 256 }
        }));
    }
    parameters
}

/// What a query parameter may say; the bounds of each route stand in its description.
fn query_schema(route: &Route, name: &str) -> Value {
    match name {
        // These two go on after a number, the others after a name.
        "after" if matches!(route.name, "readLedger" | "listTaskInputs") => {
            json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })
        }
        "limit" => json!({ "type": "integer", "minimum": 0 }),
        "waitS" => json!({ "type": "integer", "minimum": 0, "maximum": 60 }),
        "offset" => json!({ "type": "integer", "minimum": 0 }),
        "attempt" => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        "open" => json!({ "type": "boolean" }),
        // Nothing is before every name, and a list of no kinds is one.
        "after" | "quiet" => json!({ "type": "string" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

fn responses(
    route: &Route,
    answer: Option<shapes::SchemaOf>,
    generator: &mut SchemaGenerator,
) -> Map<String, Value> {
    let mut responses = Map::new();
    let success = match answer {
        Some(schema) => {
            json!({ "description": "Done.", "content": { "application/json": { "schema": schema(generator) } } })
        }
        None => json!({ "description": "Done." }),
    };
    responses.insert(route.success.to_string(), success);
    if route.name == "deployManifest" {
        let answer = responses.get("201").cloned().unwrap_or_default();
        responses.insert("200".into(), answer);
    }
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for slug in common(route).iter().chain(route.refusals) {
        by_status
            .entry(slug.status())
            .or_default()
            .push(slug.as_str());
    }
    for (status, slugs) in by_status {
        let description = slugs
            .iter()
            .map(|slug| format!("`{slug}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        responses.insert(
            status.to_string(),
            json!({ "description": description, "content": content }),
        );
    }
    responses
}

/// What every route of a kind may refuse.
fn common(route: &Route) -> Vec<Slug> {
    let mut slugs = Vec::from([
        Slug::BadRequest,
        Slug::NotFound,
        Slug::MethodNotAllowed,
        Slug::UriTooLong,
        Slug::HeadersTooLarge,
        Slug::Internal,
        Slug::Unavailable,
    ]);
    if route.guard != Guard::Open {
        slugs.extend([
            Slug::Unauthorized,
            Slug::InvalidToken,
            Slug::InsufficientScope,
            Slug::RateLimited,
        ]);
    }
    if route.guard == Guard::Task {
        slugs.push(Slug::TokenExpired);
    }
    if !route.query.is_empty() || route.body_cap > 0 {
        slugs.push(Slug::ValidationFailed);
    }
    if route.body_cap > 0 {
        slugs.extend([
            Slug::MalformedJson,
            Slug::DuplicateKey,
            Slug::JsonLimitExceeded,
            Slug::BodyTooLarge,
            Slug::UnsupportedMediaType,
            Slug::RequestTimeout,
        ]);
    }
    slugs
}

/// RFC 9457, with the types that this door uses.
#[must_use]
pub fn problem_schema() -> Value {
    let types: Vec<String> = Slug::ALL
        .iter()
        .map(|slug| [crate::wire::problem::PROBLEM_BASE, slug.as_str()].concat())
        .collect();
    json!({
        "type": "object",
        "required": ["type", "title", "status", "instance"],
        "properties": {
            "type": { "type": "string", "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "instance": { "type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$" }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_document_is_the_one_that_the_code_makes() {
        for url in [WRITTEN_URL, "https://door.example/\"quoted\""] {
            let made = document(url).to_string();
            assert!(
                written(url) == made,
                "core/src/door/openapi/document.json is out of date; `cargo xtask docs` writes it"
            );
        }
    }
}
