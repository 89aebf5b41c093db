//! The shape of a manifest is also a JSON Schema, drawn from the same declarations that read it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::wire::manifest::Manifest;

/// The JSON Schema (2020-12) of a manifest.
///
/// It says what one member may be. That a name exists, that a mapping fits and that there is no cycle is for
/// [`Catalog::new`](crate::plan::catalog::Catalog::new) to say.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Manifest>().to_value()
}
