//! A curated table of list prices (`table.json`, with its sources and date).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::Price;

/// The day the table's facts are of.
pub static AS_OF: LazyLock<String> = LazyLock::new(|| TABLE.as_of.clone());

static TABLE: LazyLock<Table> = LazyLock::new(|| read().unwrap_or_default());

#[derive(Default)]
struct Table {
    as_of: String,
    rows: Vec<Row>,
    by_model: HashMap<String, Arc<Price>>,
}

#[derive(Deserialize)]
struct File {
    as_of: String,
    models: Vec<Row>,
}

/// A model's list price.
#[derive(Debug, Deserialize)]
pub struct Row {
    pub vendor: String,
    pub model: String,
    #[serde(flatten)]
    pub price: Arc<Price>,
}

/// Every row, as it stands in the table.
pub fn listed() -> &'static [Row] {
    &TABLE.rows
}

/// The list price of the model of exactly this name. Vendors' names differ, so the protocol that reaches it says nothing.
pub(super) fn find(model: &str) -> Option<&'static Arc<Price>> {
    TABLE.by_model.get(model)
}

fn read() -> Result<Table, serde_json::Error> {
    let File { as_of, models } = serde_json::from_str(include_str!("table.json"))?;
    let by_model = models.iter().map(|row| (row.model.clone(), Arc::clone(&row.price))).collect();
    Ok(Table { as_of, rows: models, by_model })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_names_each_model_once() {
        let table = read().unwrap();
        assert!(table.rows.len() >= 60);
        assert_eq!(table.by_model.len(), table.rows.len());
        assert!(table.rows.iter().all(|row| row.price.tariff.tiers.is_sorted_by_key(|tier| tier.above)));
        assert_eq!(table.as_of.len(), "2026-10-16".len());
    }
}
