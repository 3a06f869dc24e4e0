-- The two roles the server logs in as, and the one way a table is walled off between tenants.
-- Runs as the owner role `konstruct_owner`, which the migration command makes and which cannot log in.

revoke all on schema public from public;
grant usage on schema public to konstruct_app, konstruct_system;

-- Puts up the canonical wall around a tenant table: what `konstruct_app` sees and writes is the tenant set in
-- the transaction, nothing else. The sub-select makes PostgreSQL evaluate the setting once a statement; the cast
-- fails on a setting that is missing or empty, so a forgotten tenant is an error, never a row.
create procedure protect(entity regclass) language plpgsql set search_path = public, pg_temp as $$
begin
    execute format('alter table %s enable row level security', entity);
    execute format('alter table %s force row level security', entity);
    execute format(
        'create policy tenant on %s for all to konstruct_app '
        'using (tenant_id = (select current_setting(''app.tenant_id'')::uuid)) '
        'with check (tenant_id = (select current_setting(''app.tenant_id'')::uuid))',
        entity);
end $$;

-- Lets `konstruct_system` (routing, the committers, dispatch, identity) through the wall of a table on the written
-- list of the catalogue test; what it may do there is narrowed by grants, column by column.
create procedure admit_system(entity regclass) language plpgsql set search_path = public, pg_temp as $$
begin
    execute format('create policy system on %s for all to konstruct_system using (true) with check (true)', entity);
end $$;
