use sqlx::PgConnection;

use super::Breach;
use super::lists::{DEFINERS, names};
use crate::Error;

/// The first minor of each major without a known way to read through row-level security (CVE-2025-8713 the latest).
const SAFE_MINORS: &[i32] = &[150_014, 160_010, 170_006];

/// Roles that could look past the walls.
pub(super) async fn roles(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with role as (
               select r.*, r.rolname in ('konstruct_app', 'konstruct_system') as login
               from pg_roles r where r.rolname in ('konstruct_app', 'konstruct_system', 'konstruct_owner')),
           fault as (
               select rolname, 'does not exist' as fault
               from unnest(array['konstruct_app', 'konstruct_system', 'konstruct_owner']) rolname
               where rolname not in (select role.rolname from role)
               union all select rolname, 'is a superuser' from role where rolsuper
               union all select rolname, 'bypasses row-level security' from role where rolbypassrls
               union all select rolname, 'may make roles' from role where rolcreaterole
               union all select rolname, 'may make databases' from role where rolcreatedb
               union all select rolname, 'may replicate' from role where rolreplication
               union all select rolname, 'owns tables and may log in' from role where not login and rolcanlogin
               union all select rolname, 'is a member of ' || pg_get_userbyid(m.roleid)
                         from role join pg_auth_members m on m.member = role.oid
               union all select rolname, 'owns ' || c.relname
                         from role join pg_class c on c.relowner = role.oid where login
               union all select rolname, 'owns the function ' || p.proname
                         from role join pg_proc p on p.proowner = role.oid where login)
           select rolname::text as "object!", fault as "fault!" from fault"#
    )
    .fetch_all(conn)
    .await?)
}

/// Functions that run with their owner's rights, and procedures anybody may call.
pub(super) async fn functions(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"with ours as (
               select p.oid, p.proname::text as name, p.prosecdef,
                      coalesce(p.proconfig @> array['search_path=public, pg_temp'], false) as fixed_path,
                      coalesce(p.proacl, acldefault('f', p.proowner)) as acl
               from pg_proc p
               where p.pronamespace = 'public'::regnamespace
                 and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e'))
           select name as "object!", 'runs with its owner''s rights and is not on the list of functions that do' as "fault!"
           from ours where prosecdef and name <> all ($1)
           union all
           select name, 'runs with its owner''s rights on a search path that is not fixed'
           from ours where prosecdef and not fixed_path
           union all
           select name, 'can be called by everybody'
           from ours where exists (select from aclexplode(acl) a where a.grantee = 0)
           union all
           select name, 'runs with its owner''s rights and can be called by konstruct_app'
           from ours where prosecdef and has_function_privilege('konstruct_app', oid, 'execute')
           union all
           select listed, 'is on a list and does not exist' from unnest($1) listed where listed not in (select name from ours)"#,
        &names(DEFINERS)
    )
    .fetch_all(conn)
    .await?)
}

/// Settings that would give a session a tenant it has not been given, or take its row-level security away.
pub(super) async fn settings(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    Ok(sqlx::query_as!(
        Breach,
        r#"select coalesce(pg_get_userbyid(nullif(s.setrole, 0))::text, 'every role') as "object!",
                  'is given a setting by default: ' || setting as "fault!"
           from pg_db_role_setting s cross join unnest(s.setconfig) setting
           where (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
             and setting ~ '^(app\.|row_security|role=|session_authorization|session_preload_libraries|search_path)'"#
    )
    .fetch_all(conn)
    .await?)
}

/// A server with a known way around row-level security.
pub(super) async fn server_version(conn: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    let version = sqlx::query_scalar!(r#"select current_setting('server_version_num')::int as "version!""#)
        .fetch_one(conn)
        .await?;
    let too_old =
        version < 150_000 || SAFE_MINORS.iter().any(|safe| version / 10_000 == safe / 10_000 && version < *safe);
    let fault = "has a known way to read through row-level security; install its newest minor version".to_owned();
    Ok(too_old
        .then(|| Breach { object: ["PostgreSQL ", &(version / 10_000).to_string()].concat(), fault })
        .into_iter()
        .collect())
}
