//! A row for every table, made up from its columns' types. A table it cannot fill fails the test.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::run;
use super::schema::{Column, Table};

/// Column -> value as text; `None` is null.
pub type Row = BTreeMap<String, Option<String>>;

/// One tenant's rows, by table.
pub struct Seeded {
    pub tenant: Uuid,
    pub rows: BTreeMap<String, Row>,
}

/// Gives a new tenant one row in every table.
pub async fn seed(admin: &mut PgConnection, tables: &[Table]) -> Seeded {
    let mut seeded = Seeded { tenant: Uuid::now_v7(), rows: BTreeMap::new() };
    for table in tables {
        let row = fresh_row(table, &seeded);
        // A table may hold one row alone, which the migrations have written.
        if table.of_tenant() || !table.columns.iter().any(|column| column.name == "only_row") {
            run(admin, insert(&table.name, &row, table)).await.unwrap_or_else(|error| {
                panic!("the generator cannot fill {}: {error}; teach it how", table.name);
            });
        }
        seeded.rows.insert(table.name.clone(), row);
    }
    seeded
}

/// A row that stands nowhere yet, referring to the tenant's rows.
pub fn fresh_row(table: &Table, seeded: &Seeded) -> Row {
    let mut row: Row =
        table.columns.iter().map(|column| (column.name.clone(), Some(value(column, seeded.tenant)))).collect();
    for reference in &table.references {
        let Some(parent) = seeded.rows.get(&reference.to).filter(|_| reference.to != table.name) else {
            // To itself: nobody stands above the first row.
            for (own, _) in reference.pairs.iter().filter(|(own, _)| own != "tenant_id") {
                row.insert(own.clone(), None);
            }
            continue;
        };
        for (own, other) in &reference.pairs {
            row.insert(own.clone(), parent[other].clone());
        }
    }
    row
}

/// `insert into table (...) values (...)`.
pub fn insert(name: &str, row: &Row, table: &Table) -> String {
    let columns: Vec<&str> = row.keys().map(String::as_str).collect();
    let values: Vec<String> = row
        .iter()
        .map(|(column, value)| {
            let sql_type = &table.columns.iter().find(|found| found.name == *column).expect("its column").sql_type;
            literal(value.as_deref(), sql_type)
        })
        .collect();
    format!("insert into {name} ({}) values ({})", quoted(&columns), values.join(", "))
}

pub fn literal(value: Option<&str>, sql_type: &str) -> String {
    value.map_or("null".to_owned(), |value| format!("'{}'::{sql_type}", value.replace('\'', "''")))
}

fn quoted(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
}

fn value(column: &Column, tenant: Uuid) -> String {
    if column.name == "tenant_id" {
        return tenant.to_string();
    }
    if let Some(choice) = column.choices.first() {
        return choice.clone();
    }
    let fresh = Uuid::now_v7().simple().to_string();
    match column.sql_type.as_str() {
        "uuid" => Uuid::now_v7().to_string(),
        // Small letters and digits, a letter first: every name's pattern takes it.
        "text" => format!("r{}", &fresh[4..]),
        "text[]" | "integer[]" | "bigint[]" => "{}".to_owned(),
        "bytea" => format!("\\x{fresh}"),
        "jsonb" => "{}".to_owned(),
        "boolean" => "true".to_owned(),
        "date" => "today".to_owned(),
        "timestamp with time zone" => "now".to_owned(),
        "integer" | "bigint" | "smallint" => "1".to_owned(),
        numeric if numeric.starts_with("numeric") => "1".to_owned(),
        other => panic!("the generator knows no value for {} {other}; teach it one", column.name),
    }
}
