do $$
declare
    wanted text;
begin
    perform pg_advisory_xact_lock(hashtext('konstruct roles'));
    foreach wanted in array array['konstruct_owner', 'konstruct_app', 'konstruct_system'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I %s', wanted, case wanted when 'konstruct_owner' then 'nologin' else 'login' end);
        end if;
    end loop;
    if not pg_has_role(current_user, 'konstruct_owner', 'member') then
        execute format('grant konstruct_owner to %I', current_user);
    end if;
    execute format('grant create on database %I to konstruct_owner', current_database());
    alter schema public owner to konstruct_owner;
end $$;
