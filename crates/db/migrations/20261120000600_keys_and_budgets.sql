-- Keys for the gateway of model calls, and what calls may cost.

create table virtual_key (
    tenant_id uuid not null references organisation on delete cascade,
    key_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    -- Whose calls it makes; null: the organisation's.
    project_id uuid,
    -- How it begins, to tell keys apart, and what it is found by.
    prefix text not null,
    key_hash bytea not null,
    -- Names of the groups it may ask; none: all.
    model_groups text[] not null default '{}',
    -- null: no bound
    requests_per_minute bigint check (requests_per_minute > 0),
    tokens_per_minute bigint check (tokens_per_minute > 0),
    -- As in the audit: user:<id>, key:<id>, operator:<id> or system.
    created_by text not null,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    -- Now and then, not at every call.
    last_used_at timestamptz,
    primary key (tenant_id, key_id),
    unique (tenant_id, name),
    unique (key_hash),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade
);
call protect('virtual_key');
call admit_system('virtual_key');
grant select, insert, delete on virtual_key to konstruct_app;
grant update (name, project_id, prefix, key_hash, model_groups, requests_per_minute, tokens_per_minute, disabled_at)
    on virtual_key to konstruct_app;
grant select (tenant_id, key_id, name, project_id, key_hash, model_groups, requests_per_minute, tokens_per_minute,
              disabled_at, last_used_at) on virtual_key to konstruct_system;
grant update (last_used_at) on virtual_key to konstruct_system;

-- What the calls of a day or a month may cost. It covers calls that have all of the project, agent and key it names;
-- one that names none covers all of the organisation's.
create table budget (
    tenant_id uuid not null references organisation on delete cascade,
    budget_id uuid not null,
    project_id uuid,
    agent_id uuid,
    key_id uuid,
    period text not null check (period in ('day', 'month')),
    -- Billionths of a US dollar, as all amounts here.
    amount bigint not null check (amount >= 0),
    -- The model group to ask instead where it is used up; null: calls are refused.
    fallback_group text,
    -- What becomes of calls while the database is away and nothing is left of what the node had been granted.
    when_unavailable text not null default 'refuse' check (when_unavailable in ('refuse', 'allow')),
    -- Percents of it at which people are told.
    alerts integer[] not null default '{}',
    created_at timestamptz not null default now(),
    primary key (tenant_id, budget_id),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade,
    foreign key (tenant_id, agent_id) references agent (tenant_id, agent_id) on delete cascade,
    foreign key (tenant_id, key_id) references virtual_key (tenant_id, key_id) on delete cascade
);
create unique index budget_one_a_period on budget (tenant_id, project_id, agent_id, key_id, period)
    nulls not distinct;
call protect('budget');
call admit_system('budget');
grant select, insert, update, delete on budget to konstruct_app;
grant select (tenant_id, budget_id, amount, alerts) on budget to konstruct_system;

-- One day or month of a budget: what has been granted to nodes, which never passes the budget, and what of it is settled.
create table budget_window (
    tenant_id uuid not null,
    budget_id uuid not null,
    begins date not null,
    granted bigint not null default 0,
    settled bigint not null default 0,
    -- How often anything was granted, and how often nodes were asked to give back what they don't need.
    grants bigint not null default 0,
    recalls bigint not null default 0,
    primary key (tenant_id, budget_id, begins),
    foreign key (tenant_id, budget_id) references budget (tenant_id, budget_id) on delete cascade
);
call protect('budget_window');
call admit_system('budget_window');
grant select on budget_window to konstruct_app;
grant select, insert, update, delete on budget_window to konstruct_system;

-- What one node holds of it. All are sums since the node began: of `granted`, `settled` has been spent for good and
-- `reserved` is promised to calls under way. What a node that is gone still held stays granted: it may have been spent.
create table budget_lease (
    tenant_id uuid not null,
    budget_id uuid not null,
    begins date not null,
    -- The ledger that holds it: one a process.
    holder uuid not null,
    node_id uuid not null,
    granted bigint not null default 0,
    settled bigint not null default 0,
    reserved bigint not null default 0,
    -- The last of the window's recalls that the holder has followed.
    answered bigint not null default 0,
    primary key (tenant_id, budget_id, begins, holder),
    foreign key (tenant_id, budget_id, begins) references budget_window (tenant_id, budget_id, begins)
        on delete cascade
);
-- What nodes that are gone may have left.
create index budget_lease_held on budget_lease (node_id) where granted > settled;
call protect('budget_lease');
call admit_system('budget_lease');
grant select on budget_lease to konstruct_app;
grant select, insert, update, delete on budget_lease to konstruct_system;

-- That a share of a budget was used up, once a window.
create table budget_alert (
    tenant_id uuid not null,
    budget_id uuid not null,
    begins date not null,
    percent integer not null,
    at timestamptz not null default now(),
    primary key (tenant_id, budget_id, begins, percent),
    foreign key (tenant_id, budget_id, begins) references budget_window (tenant_id, budget_id, begins)
        on delete cascade
);
call protect('budget_alert');
call admit_system('budget_alert');
grant select on budget_alert to konstruct_app;
grant select, insert on budget_alert to konstruct_system;
