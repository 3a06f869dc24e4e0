-- Agents and their versions, connections and how deliveries find them, conversations and contacts.

create table agent (
    tenant_id uuid not null,
    project_id uuid not null,
    agent_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    -- What the designer shows: the next version.
    draft jsonb not null,
    draft_updated_at timestamptz not null default now(),
    -- The version conversations get; null: never published.
    published_version integer,
    created_at timestamptz not null default now(),
    primary key (tenant_id, agent_id),
    unique (tenant_id, project_id, name),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade
);
call protect('agent');
grant select, insert, update, delete on agent to konstruct_app;

-- Immutable: a run is pinned to the version it began with.
create table agent_version (
    tenant_id uuid not null,
    agent_id uuid not null,
    version integer not null check (version > 0),
    config jsonb not null,
    published_by text not null,
    published_at timestamptz not null default now(),
    primary key (tenant_id, agent_id, version),
    foreign key (tenant_id, agent_id) references agent (tenant_id, agent_id) on delete cascade
);
call protect('agent_version');
grant select, insert on agent_version to konstruct_app;

create table connection (
    tenant_id uuid not null,
    project_id uuid not null,
    connection_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    channel text not null,
    agent_id uuid not null,
    -- The channel's own name for what is connected: Slack's workspace, for instance.
    external_id text not null check (length(external_id) between 1 and 200),
    app_id text not null default '',
    settings jsonb not null default '{}',
    -- Set by the operator's `apply`: its base URL may lie in a private network.
    private_allowed boolean not null default false,
    enabled boolean not null default true,
    -- The last thing that went wrong with it, in words for the tenant's people; null: nothing.
    problem text,
    problem_at timestamptz,
    -- The last delivery its secret verified, to the minute; null: none yet.
    last_event_at timestamptz,
    -- The last delivery for it that its secret did not verify, since the last one that it did; null: none. Anybody can
    -- make one.
    misfit_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (tenant_id, connection_id),
    unique (tenant_id, name),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade,
    foreign key (tenant_id, agent_id) references agent (tenant_id, agent_id) deferrable
);
call protect('connection');
grant select, insert, update, delete on connection to konstruct_app;

-- Which organisation a channel's installation belongs to, among those that know its secret: whoever proves it first.
-- Two organisations with different secrets for one workspace id are two claims; a delivery's signature tells them apart.
-- A secret of the organisation's own tells the app already, so `app_id` is empty beside its fingerprint; for an app
-- that organisations share it is the other way round, so that its secret may change under standing claims.
create table route_claim (
    channel text not null,
    app_id text not null,
    external_id text not null,
    secret_fingerprint bytea not null,
    tenant_id uuid not null references organisation on delete cascade,
    -- When the secret first verified a delivery; null: never yet. Whoever was first is tried first.
    verified_at timestamptz,
    primary key (channel, app_id, external_id, secret_fingerprint),
    unique (channel, app_id, external_id, secret_fingerprint, tenant_id)
);
create index route_claim_by_installation on route_claim (channel, external_id);
call protect('route_claim');
call admit_system('route_claim');
grant select, insert, delete, update (verified_at) on route_claim to konstruct_app;
grant select on route_claim to konstruct_system;

-- Read before a delivery's signature is verified: which connections might be meant.
create table route (
    tenant_id uuid not null,
    connection_id uuid not null,
    channel text not null,
    app_id text not null,
    external_id text not null,
    secret_fingerprint bytea not null,
    primary key (tenant_id, connection_id),
    foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id) on delete cascade,
    foreign key (channel, app_id, external_id, secret_fingerprint, tenant_id)
        references route_claim (channel, app_id, external_id, secret_fingerprint, tenant_id) deferrable
);
create index route_by_channel on route (channel, external_id, tenant_id);
call protect('route');
call admit_system('route');
grant select, insert, update, delete on route to konstruct_app;
grant select on route to konstruct_system;

-- A channel's app that several organisations share: the operator gives its secrets once. Installation-wide.
create table channel_app (
    channel text not null,
    app_id text not null,
    key_id text not null,
    nonce bytea not null,
    sealed bytea not null,
    updated_at timestamptz not null default now(),
    primary key (channel, app_id)
);
grant select, insert, update, delete on channel_app to konstruct_system;

create table contact (
    tenant_id uuid not null references organisation on delete cascade,
    contact_id uuid not null,
    display_name text not null default '',
    created_at timestamptz not null default now(),
    primary key (tenant_id, contact_id)
);
call protect('contact');
grant select, insert, update, delete on contact to konstruct_app;

-- One person on one channel, as the channel knows them.
create table contact_identity (
    tenant_id uuid not null,
    channel text not null,
    -- Within what the id is unique: Slack's workspace, the web connection.
    scope text not null,
    external_id text not null,
    contact_id uuid not null,
    -- When the channel was last asked for the person's name; null: never.
    named_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (tenant_id, channel, scope, external_id),
    foreign key (tenant_id, contact_id) references contact (tenant_id, contact_id) on delete cascade
);
create index contact_identity_of_contact on contact_identity (tenant_id, contact_id);
call protect('contact_identity');
grant select, insert, update, delete on contact_identity to konstruct_app;

create table conversation (
    tenant_id uuid not null,
    -- The id of its lane.
    conversation_id uuid not null,
    project_id uuid not null,
    connection_id uuid,
    agent_id uuid,
    contact_id uuid,
    channel text not null,
    -- The thread in the channel's own terms.
    thread jsonb not null,
    -- The beginning of its first message.
    title text not null default '',
    created_at timestamptz not null default now(),
    last_message_at timestamptz not null default now(),
    primary key (tenant_id, conversation_id),
    -- The lane refers to the project and goes with it: a second reference would cost a check a message and say no more.
    foreign key (tenant_id, conversation_id) references lane (tenant_id, lane_id) on delete cascade,
    foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id)
        on delete set null (connection_id),
    foreign key (tenant_id, agent_id) references agent (tenant_id, agent_id) on delete set null (agent_id),
    foreign key (tenant_id, contact_id) references contact (tenant_id, contact_id) on delete set null (contact_id)
);
create index conversation_newest on conversation (tenant_id, last_message_at desc, conversation_id desc);
call protect('conversation');
grant select, insert, update, delete on conversation to konstruct_app;

-- What a person said about an earlier message of theirs: a correction or a withdrawal, applied when it is read.
create table amendment (
    tenant_id uuid not null,
    conversation_id uuid not null,
    message_id uuid not null,
    at timestamptz not null default now(),
    -- null: withdrawn
    text text,
    primary key (tenant_id, conversation_id, message_id),
    foreign key (tenant_id, conversation_id) references lane (tenant_id, lane_id) on delete cascade
);
call protect('amendment');
grant select, insert, update, delete on amendment to konstruct_app;
