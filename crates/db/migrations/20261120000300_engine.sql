-- The durable engine: what was acknowledged, who works on it, what was done, what leaves.

-- Nodes and the version of the configuration each of them acts upon.
create table node (
    node_id uuid primary key,
    version text not null,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null,
    -- Whether it answers model calls: the keys' limits are divided by the nodes that do.
    models boolean not null default false,
    config_seen bigint not null default 0
);
grant select, insert, update, delete on node to konstruct_system;

create table config_epoch (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null default 0
);
insert into config_epoch default values;
grant select, update on config_epoch to konstruct_app, konstruct_system;

-- The claimable unit: work of one lane is done one at a time and in order. A conversation is one kind of lane.
-- The hot mutable row: nothing but `ready_at` and `owner` is indexed beside the key.
create table lane (
    tenant_id uuid not null,
    lane_id uuid not null,
    project_id uuid not null,
    -- When it may be claimed; null: nothing to do, or claimed.
    ready_at timestamptz,
    last_seq bigint not null default 0,
    done_seq bigint not null default 0,
    -- The run that is under way or waiting, known by its message's id; null between runs.
    run_id uuid,
    -- How often the run was claimed, and how often it failed on its own account.
    claims integer not null default 0,
    failures integer not null default 0,
    owner uuid,
    epoch bigint not null default 0,
    touched_at timestamptz not null default now(),
    primary key (tenant_id, lane_id),
    foreign key (tenant_id, project_id) references project (tenant_id, project_id) on delete cascade
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
create index lane_ready on lane (tenant_id, ready_at) where ready_at is not null;
create index lane_owned on lane (owner) where owner is not null;
call protect('lane');
call admit_system('lane');
grant select on lane to konstruct_app;
grant select, insert, update, delete on lane to konstruct_system;

-- Inbound messages, in order within their lane: both the work to do and one half of the transcript.
-- Insert-only; what is done is told by the lane. `seq` has no gaps: it is counted under the lane's lock.
-- The partitioned tables of the engine carry no foreign key to their lane: every row is written in the statement that
-- locks the lane, and a check a row would cost a tenth of the acknowledgement. Removing a tenant empties them first.
create table inbox (
    tenant_id uuid not null,
    lane_id uuid not null,
    seq bigint not null,
    -- The day it was acknowledged; the run, the steps and the reply of a message are filed under the same.
    day date not null,
    message_id uuid not null,
    program text not null,
    text text not null,
    body jsonb not null,
    received_at timestamptz not null default now(),
    primary key (tenant_id, lane_id, seq, day)
) partition by range (day);
call protect('inbox');
call admit_system('inbox');
grant select on inbox to konstruct_app;
grant insert, delete, select (tenant_id, lane_id, seq, day, message_id, program, received_at) on inbox to konstruct_system;

-- One row a delivery id (or another mark that two deliveries of one message share), kept 9 days after the day the
-- provider gives, which is the same in every retry; days without a partition of their own share the default one.
create table inbox_dedup (
    tenant_id uuid not null,
    day date not null,
    key_hash bytea not null,
    primary key (tenant_id, day, key_hash)
) partition by range (day);
call protect('inbox_dedup');
call admit_system('inbox_dedup');
grant insert, select, delete on inbox_dedup to konstruct_system;

-- One run of a program: an agent's turn, for instance. It carries the id of the message it is about.
create table run (
    tenant_id uuid not null,
    run_id uuid not null,
    day date not null,
    lane_id uuid not null,
    seq bigint not null,
    program text not null,
    status text not null default 'running' check (status in ('running', 'waiting', 'done', 'failed')),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    -- Why it failed, in words for the tenant's people.
    error text,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    -- null: the price of a call it made is not known
    cost_usd numeric(18, 9) default 0,
    primary key (tenant_id, run_id, day)
) partition by range (day);
call protect('run');
call admit_system('run');
grant select on run to konstruct_app;
grant insert, select, update, delete on run to konstruct_system;

-- The journal. A result is recorded before the next step begins; `started` rows stand only for steps whose effect
-- must not be repeated blindly. First write wins: a step that stands already was written by a fenced worker.
create table step (
    tenant_id uuid not null,
    run_id uuid not null,
    seq integer not null,
    state text not null check (state in ('started', 'done', 'failed')),
    day date not null,
    key text not null,
    kind text not null,
    output jsonb not null,
    duration_ms integer not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_usd numeric(18, 9) default 0,
    at timestamptz not null default now(),
    primary key (tenant_id, run_id, seq, state, day)
) partition by range (day);
call protect('step');
call admit_system('step');
grant select on step to konstruct_app;
grant insert, delete, select (tenant_id, run_id, seq, state, day, key, kind, at) on step to konstruct_system;

-- Replies on their way out: the other half of the transcript. A reply carries the id of the message it answers.
--   intent     nothing is known to stand on the channel
--   sent       the placeholder stands under `provider_id`; the answer is not there yet
--   confirmed  the channel has confirmed the answer
--   failed     given up; see dead_letter
--   dropped    the run ended without an answer, and no placeholder stands
-- `ended` says that the run is over and the answer final; an ended row without `text` means: nothing to say.
create table outbox (
    tenant_id uuid not null,
    message_id uuid not null,
    day date not null,
    lane_id uuid not null,
    seq bigint not null,
    run_id uuid,
    channel text not null,
    connection_id uuid not null,
    -- Where on the channel it goes, in the channel's own terms.
    target jsonb not null,
    ended boolean not null default false,
    text text,
    body jsonb,
    state text not null default 'intent' check (state in ('intent', 'sent', 'confirmed', 'failed', 'dropped')),
    provider_id text,
    -- How many parts of a long answer stand on the channel.
    parts integer not null default 0,
    attempts integer not null default 0,
    -- More than one node had it in hand: what the former one may have posted too late is looked for afterwards.
    changed_hands boolean not null default false,
    next_at timestamptz,
    owner uuid,
    epoch bigint not null default 0,
    last_error text,
    created_at timestamptz not null default now(),
    confirmed_at timestamptz,
    primary key (tenant_id, message_id, day)
) partition by range (day);
-- Begins with the lane: an index that begins with the tenant competes with the key while a table has no statistics yet.
create index outbox_unposted on outbox (lane_id, seq) where state = 'intent';
create index outbox_due on outbox (next_at) where next_at is not null;
create index outbox_owned on outbox (owner) where owner is not null;
call protect('outbox');
call admit_system('outbox');
grant select on outbox to konstruct_app;
grant insert, update, delete,
    select (tenant_id, message_id, day, lane_id, seq, run_id, channel, connection_id, target, ended, state,
            provider_id, parts, attempts, changed_hands, next_at, owner, epoch, created_at, confirmed_at)
    on outbox to konstruct_system;

-- What could not be done, with the reason, until somebody replays or dismisses it.
create table dead_letter (
    tenant_id uuid not null references organisation on delete cascade,
    letter_id uuid not null,
    source text not null check (source in ('run', 'reply')),
    lane_id uuid not null,
    seq bigint not null,
    message_id uuid not null,
    run_id uuid,
    reason text not null,
    attempts integer not null,
    at timestamptz not null default now(),
    replayed_at timestamptz,
    primary key (tenant_id, letter_id)
);
create index dead_letter_newest on dead_letter (tenant_id, at desc, letter_id desc);
call protect('dead_letter');
call admit_system('dead_letter');
grant select, delete, update (replayed_at) on dead_letter to konstruct_app;
grant insert, select, delete on dead_letter to konstruct_system;

-- Makes the partition of `entity` for [from_day, to_day) and walls it off like its parent; a partition that stands
-- is left alone. SECURITY DEFINER because only the owner may create tables; `entity` is checked against the list.
create function make_partition(entity text, from_day date, to_day date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    part text := format('%s_%s', entity, to_char(from_day, 'YYYYMMDD'));
begin
    if entity not in ('inbox', 'inbox_dedup', 'outbox', 'run', 'step', 'model_call') then
        raise exception 'no partitioned table %', entity;
    end if;
    perform pg_advisory_xact_lock(hashtext('make_partition'));
    if to_regclass(part) is not null then
        return;
    end if;
    execute format('create table %I partition of %I for values from (%L) to (%L)', part, entity, from_day, to_day);
    execute format('call protect(%L)', part);
    execute format('call admit_system(%L)', part);
end $$;

-- Drops a partition whose days lie wholly before `before_day`.
create function drop_partitions(entity text, before_day date) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    part record;
    dropped integer := 0;
begin
    if entity not in ('inbox', 'inbox_dedup', 'outbox', 'run', 'step', 'model_call') then
        raise exception 'no partitioned table %', entity;
    end if;
    for part in
        select c.relname,
               (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([0-9-]+)''\)'))[1]::date as upper_day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = entity::regclass
    loop
        if part.upper_day <= before_day then
            execute format('drop table %I', part.relname);
            dropped := dropped + 1;
        end if;
    end loop;
    return dropped;
end $$;

revoke all on function make_partition, drop_partitions from public;
revoke all on procedure protect, admit_system from public;
grant execute on function make_partition, drop_partitions to konstruct_system;

create table inbox_dedup_default partition of inbox_dedup default;
call protect('inbox_dedup_default');
call admit_system('inbox_dedup_default');
