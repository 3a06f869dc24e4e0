-- Model providers and the groups that agents name.

create table provider (
    tenant_id uuid not null references organisation on delete cascade,
    provider_id uuid not null,
    name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    wire text not null check (wire in ('openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama', 'builtin')),
    base_url text not null default '',
    -- Set by the operator's `apply`: its address may lie in a private network.
    private_allowed boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (tenant_id, provider_id),
    unique (tenant_id, name)
);
call protect('provider');
grant select, insert, update, delete on provider to konstruct_app;

create table model_group (
    tenant_id uuid not null references organisation on delete cascade,
    group_id uuid not null,
    name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    -- [{"provider": name, "model": name, "weight": number}], tried in this order unless `routing` says otherwise
    models jsonb not null,
    -- names of groups tried after it
    fallbacks text[] not null default '{}',
    -- strategy, retries, timeouts, and the group for simple work
    routing jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (tenant_id, group_id),
    unique (tenant_id, name)
);
call protect('model_group');
grant select, insert, update, delete on model_group to konstruct_app;
