-- What model calls cost, and what was called.

-- An organisation's own prices; where it has none, the product's table holds.
create table price (
    tenant_id uuid not null references organisation on delete cascade,
    price_id uuid not null,
    provider text not null,
    model text not null check (length(model) between 1 and 200),
    -- in the shape of the table that comes with the product (crates/llm/src/prices/table.json)
    price jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, price_id),
    unique (tenant_id, provider, model),
    foreign key (tenant_id, provider) references provider (tenant_id, name) on update cascade on delete cascade
);
call protect('price');
grant select, insert, update, delete on price to konstruct_app;

-- The log of model calls: one row a call, as whoever made it sees it, attempts and fallbacks included. Nothing in it
-- ever changes; it goes by the day.
create table model_call (
    tenant_id uuid not null,
    day date not null,
    call_id uuid not null,
    at timestamptz not null,
    -- the nil uuid: of nobody in particular
    key_id uuid not null,
    project_id uuid not null,
    agent_id uuid not null,
    conversation_id uuid not null,
    protocol text not null,
    -- empty: the call named its model itself
    model_group text not null,
    -- who answered, else who was asked last; empty: nobody was asked
    provider text not null,
    model text not null,
    outcome text not null check (outcome in ('answered', 'failed', 'refused', 'aborted')),
    -- in words for the tenant's people
    error text,
    -- null: the provider told none
    input_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    -- null: not known
    cost_nanos bigint,
    took_ms integer not null,
    -- null: nothing came
    first_token_ms integer,
    attempts integer not null,
    streamed boolean not null,
    cached boolean not null,
    primary key (tenant_id, day, call_id)
) partition by range (day);
call protect('model_call');
call admit_system('model_call');
grant select on model_call to konstruct_app;
grant insert, delete, select (tenant_id, day, call_id) on model_call to konstruct_system;

-- Sums of all calls by the hour, and the same by the day in UTC: every total is read from these, whole days from the
-- days. Counts of `latency` and `first_token` are by bucket: see `llm::usage::BUCKETS`.
create table usage_hour (
    tenant_id uuid not null references organisation on delete cascade,
    begins timestamptz not null,
    key_id uuid not null,
    project_id uuid not null,
    agent_id uuid not null,
    provider text not null,
    model text not null,
    outcome text not null check (outcome in ('answered', 'failed', 'refused', 'aborted')),
    requests bigint not null,
    -- of the requests, those whose cost is not known
    cost_unknown bigint not null,
    -- of the requests, those that were answered out of the cache
    cached bigint not null,
    input_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_nanos bigint not null,
    took_ms bigint not null,
    latency bigint[] not null,
    first_token bigint[] not null,
    -- With what a series by the hour tells: in the table an organisation's rows lie among everybody's, here side by side.
    primary key (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome)
        include (requests, cost_unknown, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
                 reasoning_tokens, cost_nanos)
-- Vacuumed often: the index alone answers where no row of a page is in doubt.
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
call protect('usage_hour');
call admit_system('usage_hour');
grant select on usage_hour to konstruct_app;
grant insert, update, delete, select on usage_hour to konstruct_system;

create table usage_day (
    like usage_hour including constraints,
    primary key (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome),
    foreign key (tenant_id) references organisation on delete cascade
);
call protect('usage_day');
call admit_system('usage_day');
grant select on usage_day to konstruct_app;
grant insert, update, delete, select on usage_day to konstruct_system;

-- How far a process's log has been written: what it writes again, not knowing whether it was committed, is known by it.
create table usage_flush (
    log_id uuid primary key,
    seq bigint not null,
    at timestamptz not null default now()
);
grant select, insert, update, delete on usage_flush to konstruct_system;

-- How long an organisation keeps the log of its calls; without a row, as long as the installation does.
create table usage_retention (
    tenant_id uuid not null primary key references organisation on delete cascade,
    keep_days integer not null check (keep_days between 1 and 3650)
);
call protect('usage_retention');
call admit_system('usage_retention');
grant select, insert, update, delete on usage_retention to konstruct_app;
grant select on usage_retention to konstruct_system;

-- Element by element; of arrays as long as the first.
create function add_counts(these bigint[], those bigint[]) returns bigint[] language sql immutable parallel safe
return (select array_agg(this + coalesce(that, 0) order by n) from unnest(these, those) with ordinality as t (this, that, n));
revoke all on function add_counts from public;
grant execute on function add_counts to konstruct_system;
