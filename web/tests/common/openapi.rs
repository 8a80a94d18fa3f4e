//! Holds responses against the OpenAPI document that is served.

use bytes::Bytes;
use serde_json::{Value, json};
use warp::http::Response;

use super::site::{TestSite, header, json_of};

/// The OpenAPI document.
pub(crate) struct OpenApi(pub(crate) Value);

impl OpenApi {
    /// Fetches the document.
    pub(crate) async fn of(site: &TestSite) -> Self {
        OpenApi(json_of(&site.get("/api/v1/openapi.json", "*/*").await))
    }

    /// Follows a reference.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    /// Asserts that a response to an operation is one that the document describes.
    pub(crate) fn check(&self, method: &str, path: &str, response: &Response<Bytes>) {
        let status = response.status().as_u16().to_string();
        let of_status = &self.0["paths"][path][method]["responses"][&status];
        assert!(of_status.is_object(), "{method} {path}: {status} is not described");
        let content = &self.resolved(of_status)["content"];
        let content_type = header(response, "content-type").split(';').next().unwrap();
        if content.is_null() {
            assert!(response.body().is_empty(), "{method} {path}: {status} has a body");
            return;
        }
        let media = &content[content_type];
        assert!(media.is_object(), "{method} {path}: {status} has the type {content_type:?}");
        if content_type != "text/event-stream" {
            self.check_value(&media["schema"], &json_of(response), &format!("{method} {path}: {status}"));
        }
    }

    /// Asserts that a value has a schema of the document.
    fn check_value(&self, schema: &Value, value: &Value, place: &str) {
        let mut whole = json!({ "allOf": [schema] });
        whole["components"] = self.0["components"].clone();
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{place}: {}\n{value:#}", faults.join("\n"));
    }

    /// Returns whether a value has the schema of a name.
    pub(crate) fn is(&self, name: &str, value: &Value) -> bool {
        let mut whole = json!({ "$ref": format!("#/components/schemas/{name}") });
        whole["components"] = self.0["components"].clone();
        jsonschema::draft202012::new(&whole).unwrap().is_valid(value)
    }
}
