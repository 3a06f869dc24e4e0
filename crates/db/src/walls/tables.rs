use sqlx::PgConnection;

use super::Breach;
use super::lists::{GLOBAL, SYSTEM, names};
use crate::Error;

/// What PostgreSQL makes of the policy that `protect` puts up.
const CANONICAL: &str = "(tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))";

/// Tables that belong to no tenant and are not known to, and the reverse: names on a list that no table has.
pub(super) async fn unknown(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with found as (
               select c.oid, c.relname::text as name,
                      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
                              and a.attnotnull and a.atttypid = 'uuid'::regtype) as of_tenant
               from pg_class c
               where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition)
           select name as "object!", 'belongs to no tenant, and is not on the list of tables that may' as "fault!"
           from found where not of_tenant and name <> all ($1)
           union all
           select name, 'belongs to a tenant, and is on the list of tables that do not'
           from found where of_tenant and name = any ($1)
           union all
           select listed, 'is on a list and does not exist'
           from unnest($1 || $2) listed where listed not in (select name from found) and listed <> '_sqlx_migrations'"#,
        &names(GLOBAL),
        &names(SYSTEM)
    )
    .fetch_all(conn)
    .await?)
}

/// Tables and partitions of tenants without row-level security, or with one that does not bind their owner.
pub(super) async fn unwalled(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select c.relname::text as "object!",
                  case when c.relrowsecurity then 'row-level security is not forced on its owner'
                       else 'row-level security is off' end as "fault!"
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
           where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
             and not (c.relrowsecurity and c.relforcerowsecurity)"#
    )
    .fetch_all(conn)
    .await?)
}

/// Policies that are missing, or are not to the letter one of the two there are.
pub(super) async fn policies(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with tenant_table as (
               select c.oid, c.relname::text as name,
                      coalesce((select p.relname from pg_inherits i join pg_class p on p.oid = i.inhparent
                                where i.inhrelid = c.oid), c.relname)::text as root
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
               where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace),
           policy as (
               select p.polrelid, p.polname::text as name,
                      p.polname = 'tenant' and p.polroles = array['konstruct_app'::regrole::oid] and p.polpermissive
                          and p.polcmd = '*' and pg_get_expr(p.polqual, p.polrelid) = $1
                          and pg_get_expr(p.polwithcheck, p.polrelid) = $1 as for_tenant,
                      p.polname = 'system' and p.polroles = array['konstruct_system'::regrole::oid] and p.polpermissive
                          and p.polcmd = '*' and pg_get_expr(p.polqual, p.polrelid) = 'true'
                          and pg_get_expr(p.polwithcheck, p.polrelid) = 'true' as for_system
               from pg_policy p)
           select t.name as "object!", 'has no policy for its tenant' as "fault!"
           from tenant_table t
           where not exists (select from policy p where p.polrelid = t.oid and p.for_tenant)
           union all
           select t.name, 'has no policy for the system login, and is on the list of tables that have'
           from tenant_table t
           where t.root = any ($2) and not exists (select from policy p where p.polrelid = t.oid and p.for_system)
           union all
           select t.name, 'lets the system login through, and is not on the list of tables that do'
           from tenant_table t
           where t.root <> all ($2) and exists (select from policy p where p.polrelid = t.oid and p.for_system)
           union all
           select p.polrelid::regclass::text, 'has a policy that is not canonical: ' || p.name
           from policy p where not coalesce(p.for_tenant or p.for_system, false)"#,
        CANONICAL,
        &names(SYSTEM)
    )
    .fetch_all(conn)
    .await?)
}

/// What is neither a table nor an index: views that look with their owner's eyes, copies without walls, and the like.
pub(super) async fn other_relations(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select c.relname::text as "object!", 'is a view without security_invoker' as "fault!"
           from pg_class c
           where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
             and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on'], false)
           union all
           select c.relname::text,
                  case c.relkind when 'm' then 'is a materialised view: it has no row-level security'
                                 when 'f' then 'is a foreign table: it has no row-level security'
                                 else 'is a sequence: its values tell of other tenants' end
           from pg_class c
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('m', 'f', 'S')
           union all
           select c.relname::text, 'has the rule ' || r.rulename
           from pg_rewrite r join pg_class c on c.oid = r.ev_class
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           union all
           select n.nspname::text, 'is a schema nobody has thought of'
           from pg_namespace n
           where n.nspname not in ('public', 'information_schema') and n.nspname !~ '^pg_'"#
    )
    .fetch_all(conn)
    .await?)
}
