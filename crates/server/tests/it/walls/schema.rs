//! What the catalogue says about tables: their columns, the references between them, and an order to fill them in.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub sql_type: String,
    /// The values a check of the form `in (...)` leaves; empty: any.
    pub choices: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Reference {
    pub to: String,
    /// Own column and the other table's, in pairs.
    pub pairs: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub references: Vec<Reference>,
    /// Of the primary key.
    pub key: Vec<String>,
    pub partitions: Vec<String>,
}

impl Table {
    pub fn of_tenant(&self) -> bool {
        self.columns.iter().any(|column| column.name == "tenant_id")
    }

    /// Names of a reference's own columns but the tenant.
    pub fn referring(&self) -> impl Iterator<Item = (&Reference, Vec<&(String, String)>)> {
        self.references
            .iter()
            .map(|reference| {
                (reference, reference.pairs.iter().filter(|(own, _)| own != "tenant_id").collect::<Vec<_>>())
            })
            .filter(|(_, pairs)| !pairs.is_empty())
    }
}

/// Every table but partitions and the migrations' own, parents before children.
pub async fn tables(admin: &mut PgConnection) -> Vec<Table> {
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
           and relname <> '_sqlx_migrations' order by 1",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let mut tables = Vec::new();
    for name in names {
        tables.push(table(admin, name).await);
    }
    in_order(tables)
}

async fn table(admin: &mut PgConnection, name: String) -> Table {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum",
    )
    .bind(&name)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let checks: Vec<String> = sqlx::query_scalar(
        "select pg_get_constraintdef(oid) from pg_constraint where contype = 'c' and conrelid = $1::regclass",
    )
    .bind(&name)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let columns = columns
        .into_iter()
        .map(|(name, sql_type)| {
            let choices = checks.iter().find_map(|check| choices(check, &name)).unwrap_or_default();
            Column { name, sql_type, choices }
        })
        .collect();
    let references: Vec<(String, Vec<String>, Vec<String>)> = sqlx::query_as(
        "select confrelid::regclass::text,
                array(select attname::text from unnest(conkey) with ordinality k(n, i)
                      join pg_attribute on attrelid = conrelid and attnum = k.n order by k.i),
                array(select attname::text from unnest(confkey) with ordinality k(n, i)
                      join pg_attribute on attrelid = confrelid and attnum = k.n order by k.i)
         from pg_constraint where contype = 'f' and conrelid = $1::regclass",
    )
    .bind(&name)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let references =
        references.into_iter().map(|(to, own, other)| Reference { to, pairs: own.into_iter().zip(other).collect() });
    let references = references.collect();
    let key = sqlx::query_scalar(
        "select attname::text from pg_constraint cross join unnest(conkey) n
         join pg_attribute on attrelid = conrelid and attnum = n
         where conrelid = $1::regclass and contype = 'p'",
    )
    .bind(&name)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let partitions = sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits where inhparent = $1::regclass order by 1",
    )
    .bind(&name)
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    Table { name, columns, references, key, partitions }
}

/// `CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))` -> the two, for `status`.
fn choices(check: &str, column: &str) -> Option<Vec<String>> {
    let (_, list) = check.split_once(&format!("({column} = ANY (ARRAY["))?;
    let (list, _) = list.split_once(']')?;
    Some(list.split(',').filter_map(|choice| Some(choice.split('\'').nth(1)?.to_owned())).collect())
}

fn in_order(mut left: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::new();
    let mut placed = BTreeSet::new();
    while !left.is_empty() {
        let (ready, waiting): (Vec<Table>, Vec<Table>) = left.into_iter().partition(|table| {
            table.references.iter().all(|reference| reference.to == table.name || placed.contains(&reference.to))
        });
        assert!(!ready.is_empty(), "references in a circle: {waiting:?}");
        placed.extend(ready.iter().map(|table| table.name.clone()));
        ordered.extend(ready);
        left = waiting;
    }
    ordered
}
