use sqlx::PgConnection;

use super::Breach;
use super::lists::{REFERENCES_IN, REFERENCES_OUT, UNIQUE_OVER_TENANTS, names};
use crate::Error;

/// References between tenant tables that do not carry the tenant: PostgreSQL checks them without row-level security.
pub(super) async fn references(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with reference as (
               select k.conrelid, k.conname::text as name, k.confdeltype, k.confdelsetcols, k.conkey,
                      own.attnum as own_tenant,
                      exists (select from unnest(k.conkey, k.confkey) as pair(own_column, other_column)
                              where pair.own_column = own.attnum and pair.other_column = other.attnum) as carries_tenant
               from pg_constraint k
               join pg_attribute own on own.attrelid = k.conrelid and own.attname = 'tenant_id'
               join pg_attribute other on other.attrelid = k.confrelid and other.attname = 'tenant_id'
               where k.contype = 'f' and k.conparentid = 0)
           select conrelid::regclass::text as "object!", 'refers to another tenant table without its tenant: ' || name as "fault!"
           from reference where not carries_tenant
           union all
           select conrelid::regclass::text, 'would lose its tenant when what it refers to goes: ' || name
           from reference
           where confdeltype in ('n', 'd') and own_tenant = any (coalesce(confdelsetcols, conkey))"#
    )
    .fetch_all(conn)
    .await?)
}

/// References from a tenant table to one without a tenant, or the reverse, that nobody has thought of.
pub(super) async fn references_over_the_wall(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with reference as (
               select k.conrelid::regclass::text as own, k.confrelid::regclass::text as other,
                      exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'tenant_id') as from_tenant,
                      exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attname = 'tenant_id') as to_tenant
               from pg_constraint k where k.contype = 'f')
           select own as "object!", 'refers to ' || other || ', over the wall' as "fault!"
           from reference
           where from_tenant and not to_tenant and own || ' ' || other <> all ($1)
              or to_tenant and not from_tenant and own || ' ' || other <> all ($2)"#,
        &names(REFERENCES_OUT),
        &names(REFERENCES_IN)
    )
    .fetch_all(conn)
    .await?)
}

/// Unique indexes that tell one tenant what another has.
pub(super) async fn unique_indexes(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select i.indrelid::regclass::text as "object!",
                  'has a unique index that does not begin with its tenant: ' || x.relname as "fault!"
           from pg_index i
           join pg_class x on x.oid = i.indexrelid
           join pg_class c on c.oid = i.indrelid
           join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'tenant_id'
           where i.indisunique and i.indkey[0] <> a.attnum and c.relnamespace = 'public'::regnamespace
             and x.relname <> all ($1)
           union all
           select c.relname::text, 'has an exclusion constraint, which looks over all tenants'
           from pg_constraint k join pg_class c on c.oid = k.conrelid where k.contype = 'x'
           union all
           select listed, 'is on a list and does not exist'
           from unnest($1) listed where to_regclass(listed) is null"#,
        &names(UNIQUE_OVER_TENANTS)
    )
    .fetch_all(conn)
    .await?)
}
