-- Organisations, who belongs to them, and how people and programs prove who they are.

create table organisation (
    tenant_id uuid primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    display_name text not null check (length(display_name) between 1 and 200),
    status text not null default 'active' check (status in ('active', 'suspended')),
    -- Its share of the turns when tenants compete for workers.
    weight integer not null default 1 check (weight between 1 and 100),
    -- How many of its runs may be under way at once over all nodes; null: no bound of its own.
    max_running integer check (max_running > 0),
    created_at timestamptz not null default now()
);
call protect('organisation');
call admit_system('organisation');
grant select on organisation to konstruct_app;
grant update (display_name) on organisation to konstruct_app;
grant select, insert, update, delete on organisation to konstruct_system;

create table project (
    tenant_id uuid not null references organisation on delete cascade,
    project_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    created_at timestamptz not null default now(),
    primary key (tenant_id, project_id),
    unique (tenant_id, name)
);
call protect('project');
call admit_system('project');
grant select, insert, update, delete on project to konstruct_app;
grant select, insert on project to konstruct_system;

-- The built-in roles (owner, admin, member, viewer) are rows too, so that an organisation's own roles may join them.
create table role (
    tenant_id uuid not null references organisation on delete cascade,
    name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
    -- The role whose rights it begins with; null for the built-in ones, whose rights the code's matrix gives.
    inherits text,
    grants text[] not null default '{}',
    primary key (tenant_id, name),
    foreign key (tenant_id, inherits) references role (tenant_id, name)
);
call protect('role');
call admit_system('role');
grant select on role to konstruct_app;
grant select, insert on role to konstruct_system;

-- People are global: one person may belong to several organisations. No grant to konstruct_app.
create table users (
    user_id uuid primary key,
    email text not null check (length(email) between 3 and 254 and email = lower(email)),
    display_name text not null default '' check (length(display_name) <= 200),
    password_hash text,
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index users_email on users (email);
grant select, insert, update, delete on users to konstruct_system;

-- Who runs the installation: an identity beside any membership.
create table operator (
    user_id uuid primary key references users on delete cascade,
    created_at timestamptz not null default now()
);
grant select, insert, delete on operator to konstruct_system;

create table membership (
    tenant_id uuid not null references organisation on delete cascade,
    membership_id uuid not null,
    user_id uuid not null references users on delete cascade,
    -- null: the whole organisation
    project_id uuid,
    role text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, membership_id),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade,
    -- Deferrable, here and elsewhere where one row of an organisation holds another: they all go in one transaction.
    foreign key (tenant_id, role) references role (tenant_id, name) deferrable
);
create unique index membership_one_grant on membership (tenant_id, user_id, project_id) nulls not distinct;
create index membership_of_user on membership (user_id);
call protect('membership');
call admit_system('membership');
grant select, insert, update, delete on membership to konstruct_app;
grant select, insert, update, delete on membership to konstruct_system;

-- A role that waits for whoever holds the link; a membership begins when they accept it.
create table invitation (
    tenant_id uuid not null references organisation on delete cascade,
    invitation_id uuid not null,
    email text not null check (length(email) between 3 and 254 and email = lower(email)),
    -- null: the whole organisation
    project_id uuid,
    -- Looked up again at the acceptance; a role that is gone by then gives nothing.
    role text not null,
    -- Whose rights it stands on, as in the audit: user:<id>, key:<id>, operator:<id> or system.
    invited_by text not null,
    -- Of what the link carries, which is shown once.
    token_hash bytea not null,
    state text not null default 'pending' check (state in ('pending', 'accepted', 'revoked')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (tenant_id, invitation_id),
    unique (tenant_id, token_hash),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade
);
-- So that no forgotten link lets somebody in again who was removed.
create unique index invitation_one_pending on invitation (tenant_id, email, project_id) nulls not distinct
    where state = 'pending';
create index invitation_by_expiry on invitation (expires_at);
call protect('invitation');
call admit_system('invitation');
grant select, insert, update (state) on invitation to konstruct_app;
-- To forget those that expired, and nothing else.
grant select (expires_at), delete on invitation to konstruct_system;

-- One signed-in client. Its refresh tokens form a family: reuse of an old one revokes the session.
create table session (
    session_id uuid primary key,
    user_id uuid not null references users on delete cascade,
    user_agent text not null default '',
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text
);
create index session_of_user on session (user_id);
grant select, insert, update, delete on session to konstruct_system;

create table refresh_token (
    token_hash bytea primary key,
    session_id uuid not null references session on delete cascade,
    issued_at timestamptz not null default now(),
    used_at timestamptz
);
create index refresh_token_of_session on refresh_token (session_id);
grant select, insert, update, delete on refresh_token to konstruct_system;

-- A key speaks for its organisation; found by the hash of what the caller shows.
create table api_key (
    key_id uuid primary key,
    organisation_id uuid not null references organisation on delete cascade,
    created_by uuid references users on delete set null,
    name text not null check (length(name) between 1 and 100),
    prefix text not null,
    key_hash bytea not null unique,
    role text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    foreign key (organisation_id, role) references role (tenant_id, name) deferrable
);
create index api_key_of_organisation on api_key (organisation_id, created_at);
grant select, insert, update, delete on api_key to konstruct_system;

-- Failed log-ins, to slow guessing down; one row an address or an account.
create table login_failure (
    subject_hash bytea primary key,
    failures integer not null,
    blocked_until timestamptz,
    last_at timestamptz not null default now()
);
grant select, insert, update, delete on login_failure to konstruct_system;

create table secret (
    tenant_id uuid not null references organisation on delete cascade,
    secret_id uuid not null,
    -- What it belongs to (a connection, a provider) and under which name.
    owner_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    -- AES-256-GCM: which master key sealed it, the nonce and the sealed bytes; bound to tenant, owner and name.
    key_id text not null,
    nonce bytea not null,
    sealed bytea not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, secret_id),
    unique (tenant_id, owner_id, name)
);
call protect('secret');
grant select, insert, update, delete on secret to konstruct_app;

create table audit_entry (
    tenant_id uuid not null references organisation on delete cascade,
    entry_id uuid not null,
    at timestamptz not null default now(),
    -- user:<id>, key:<id>, operator:<id> or system
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null default '{}',
    primary key (tenant_id, entry_id)
);
create index audit_entry_newest on audit_entry (tenant_id, at desc, entry_id desc);
call protect('audit_entry');
grant select, insert on audit_entry to konstruct_app;

-- What the operator did to the installation, where no organisation is the object (any more).
create table operator_audit_entry (
    entry_id uuid primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null default '{}'
);
grant select, insert on operator_audit_entry to konstruct_system;
