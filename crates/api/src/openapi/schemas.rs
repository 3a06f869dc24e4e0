//! What the derived schemas do not say by themselves.

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, ObjectBuilder, SchemaType};
use utoipa::openapi::{Components, Ref, RefOr, Schema, Type};

/// Lists name their items, and answers promise the fields that they always have.
pub(super) fn complete(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let RefOr::T(schema) = schema else { continue };
        if let Some(item) = name.strip_prefix("List_") {
            name_items(schema, item);
        }
        promise(schema);
    }
}

fn name_items(list: &mut Schema, item: &str) {
    let Schema::Object(list) = list else { return };
    if let Some(RefOr::T(Schema::Array(items))) = list.properties.get_mut("items") {
        items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
    }
}

/// A field that may be null is always there in an answer. What a client sends is told apart by refusing unknown fields.
fn promise(schema: &mut Schema) {
    match schema {
        Schema::Object(object) if !refuses_unknown_fields(object) => {
            let nullable = object.properties.iter().filter(|(_, property)| is_nullable(property));
            let names: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
            for name in names {
                if !object.required.contains(&name) {
                    object.required.push(name);
                }
            }
        }
        Schema::AllOf(all) => {
            for part in &mut all.items {
                if let RefOr::T(part) = part {
                    promise(part);
                }
            }
        }
        _ => {}
    }
}

fn refuses_unknown_fields(object: &Object) -> bool {
    matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)))
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::Ref(_) => false,
        RefOr::T(Schema::Object(object)) => admits_null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => admits_null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => {
            let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)).build();
            one.items.contains(&RefOr::T(Schema::Object(null)))
        }
        RefOr::T(_) => false,
    }
}

fn admits_null(kind: &SchemaType) -> bool {
    match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    }
}
