use sqlx::PgConnection;

use super::Breach;
use super::lists::{APP_ON_GLOBAL, GLOBAL, UNREAD_BY_SYSTEM, names};
use crate::Error;

/// Rights that lie outside row-level security, rights of everybody, of strangers, and on partitions.
pub(super) async fn on_tables(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with granted as (
               select c.oid, c.relispartition, a.grantee, a.privilege_type, c.relowner
               from pg_class c cross join lateral aclexplode(c.relacl) a
               where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
               union all
               select c.oid, c.relispartition, a.grantee, a.privilege_type, c.relowner
               from pg_class c join pg_attribute t on t.attrelid = c.oid cross join lateral aclexplode(t.attacl) a
               where c.relnamespace = 'public'::regnamespace),
           named as (
               select oid::regclass::text as name, relispartition, lower(privilege_type) as privilege,
                      case when grantee = 0 then 'public' else pg_get_userbyid(grantee)::text end as grantee
               from granted where grantee <> relowner)
           select distinct name as "object!",
                  case when grantee not in ('konstruct_app', 'konstruct_system') then 'grants ' || privilege || ' to ' || grantee
                       when relispartition then 'is a partition and grants ' || privilege || ' to ' || grantee
                       else 'grants ' || privilege || ' to ' || grantee || ', which row-level security does not bind'
                  end as "fault!"
           from named
           where grantee not in ('konstruct_app', 'konstruct_system') or relispartition
              or privilege not in ('select', 'insert', 'update', 'delete')
           union all
           select coalesce(d.defaclnamespace::regnamespace::text, 'database'), 'grants rights on what is made later'
           from pg_default_acl d
           union all
           select 'schema public', 'lets ' || grantee || ' make objects in it'
           from unnest(array['konstruct_app', 'konstruct_system']) grantee
           where has_schema_privilege(grantee, 'public', 'create')"#
    )
    .fetch_all(conn)
    .await?)
}

/// What `konstruct_app` may do where no policy binds it.
pub(super) async fn on_global_tables(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select global as "object!", 'belongs to no tenant and grants ' || privilege || ' to konstruct_app' as "fault!"
           from unnest($1::text[]) global cross join unnest(array['select', 'insert', 'update', 'delete']) privilege
           where to_regclass(global) is not null
             and (has_table_privilege('konstruct_app', to_regclass(global), privilege)
                  or privilege <> 'delete' and has_any_column_privilege('konstruct_app', to_regclass(global), privilege))
             and global || ' ' || privilege <> all ($2)"#,
        &names(GLOBAL),
        &names(APP_ON_GLOBAL)
    )
    .fetch_all(conn)
    .await?)
}

/// Tenants' words that the system login can read.
pub(super) async fn reading_what_system_may_not(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select place as "object!",
                  case when a.attname is null then 'is on a list and does not exist'
                       else 'can be read by konstruct_system' end as "fault!"
           from unnest($1::text[]) place
           left join pg_attribute a on a.attrelid = to_regclass(split_part(place, '.', 1))
                                   and a.attname = split_part(place, '.', 2)
           where a.attname is null or has_column_privilege('konstruct_system', a.attrelid, a.attname, 'select')"#,
        &names(UNREAD_BY_SYSTEM)
    )
    .fetch_all(conn)
    .await?)
}
