-- The schema as the migrations make it, for reading: written by `cargo xtask gen` with pg_dump 15.

CREATE FUNCTION public.add_counts(these bigint[], those bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT array_agg((t.this + COALESCE(t.that, (0)::bigint)) ORDER BY t.n) AS array_agg FROM UNNEST(add_counts.these, add_counts.those) WITH ORDINALITY t(this, that, n));

CREATE PROCEDURE public.admit_system(IN entity regclass)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    execute format('create policy system on %s for all to konstruct_system using (true) with check (true)', entity);
end $$;

CREATE FUNCTION public.drop_partitions(entity text, before_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.make_partition(entity text, from_day date, to_day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE PROCEDURE public.protect(IN entity regclass)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    execute format('alter table %s enable row level security', entity);
    execute format('alter table %s force row level security', entity);
    execute format(
        'create policy tenant on %s for all to konstruct_app '
        'using (tenant_id = (select current_setting(''app.tenant_id'')::uuid)) '
        'with check (tenant_id = (select current_setting(''app.tenant_id'')::uuid))',
        entity);
end $$;

CREATE TABLE public.agent (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL,
    draft jsonb NOT NULL,
    draft_updated_at timestamp with time zone DEFAULT now() NOT NULL,
    published_version integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agent_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY public.agent FORCE ROW LEVEL SECURITY;

CREATE TABLE public.agent_version (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    version integer NOT NULL,
    config jsonb NOT NULL,
    published_by text NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agent_version_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.agent_version FORCE ROW LEVEL SECURITY;

CREATE TABLE public.amendment (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    text text
);

ALTER TABLE ONLY public.amendment FORCE ROW LEVEL SECURITY;

CREATE TABLE public.api_key (
    key_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    created_by uuid,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_key_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

CREATE TABLE public.audit_entry (
    tenant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE ONLY public.audit_entry FORCE ROW LEVEL SECURITY;

CREATE TABLE public.budget (
    tenant_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    project_id uuid,
    agent_id uuid,
    key_id uuid,
    period text NOT NULL,
    amount bigint NOT NULL,
    fallback_group text,
    when_unavailable text DEFAULT 'refuse'::text NOT NULL,
    alerts integer[] DEFAULT '{}'::integer[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budget_amount_check CHECK ((amount >= 0)),
    CONSTRAINT budget_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text]))),
    CONSTRAINT budget_when_unavailable_check CHECK ((when_unavailable = ANY (ARRAY['refuse'::text, 'allow'::text])))
);

ALTER TABLE ONLY public.budget FORCE ROW LEVEL SECURITY;

CREATE TABLE public.budget_alert (
    tenant_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    begins date NOT NULL,
    percent integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.budget_alert FORCE ROW LEVEL SECURITY;

CREATE TABLE public.budget_lease (
    tenant_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    begins date NOT NULL,
    holder uuid NOT NULL,
    node_id uuid NOT NULL,
    granted bigint DEFAULT 0 NOT NULL,
    settled bigint DEFAULT 0 NOT NULL,
    reserved bigint DEFAULT 0 NOT NULL,
    answered bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.budget_lease FORCE ROW LEVEL SECURITY;

CREATE TABLE public.budget_window (
    tenant_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    begins date NOT NULL,
    granted bigint DEFAULT 0 NOT NULL,
    settled bigint DEFAULT 0 NOT NULL,
    grants bigint DEFAULT 0 NOT NULL,
    recalls bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.budget_window FORCE ROW LEVEL SECURITY;

CREATE TABLE public.channel_app (
    channel text NOT NULL,
    app_id text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    sealed bytea NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.config_epoch (
    only_row boolean DEFAULT true NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    CONSTRAINT config_epoch_only_row_check CHECK (only_row)
);

CREATE TABLE public.connection (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    name text NOT NULL,
    channel text NOT NULL,
    agent_id uuid NOT NULL,
    external_id text NOT NULL,
    app_id text DEFAULT ''::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    private_allowed boolean DEFAULT false NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    problem text,
    problem_at timestamp with time zone,
    last_event_at timestamp with time zone,
    misfit_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT connection_external_id_check CHECK (((length(external_id) >= 1) AND (length(external_id) <= 200))),
    CONSTRAINT connection_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY public.connection FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contact (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.contact FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contact_identity (
    tenant_id uuid NOT NULL,
    channel text NOT NULL,
    scope text NOT NULL,
    external_id text NOT NULL,
    contact_id uuid NOT NULL,
    named_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.contact_identity FORCE ROW LEVEL SECURITY;

CREATE TABLE public.conversation (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    project_id uuid NOT NULL,
    connection_id uuid,
    agent_id uuid,
    contact_id uuid,
    channel text NOT NULL,
    thread jsonb NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_message_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.conversation FORCE ROW LEVEL SECURITY;

CREATE TABLE public.dead_letter (
    tenant_id uuid NOT NULL,
    letter_id uuid NOT NULL,
    source text NOT NULL,
    lane_id uuid NOT NULL,
    seq bigint NOT NULL,
    message_id uuid NOT NULL,
    run_id uuid,
    reason text NOT NULL,
    attempts integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    replayed_at timestamp with time zone,
    CONSTRAINT dead_letter_source_check CHECK ((source = ANY (ARRAY['run'::text, 'reply'::text])))
);

ALTER TABLE ONLY public.dead_letter FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbox (
    tenant_id uuid NOT NULL,
    lane_id uuid NOT NULL,
    seq bigint NOT NULL,
    day date NOT NULL,
    message_id uuid NOT NULL,
    program text NOT NULL,
    text text NOT NULL,
    body jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.inbox FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbox_dedup (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    key_hash bytea NOT NULL
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.inbox_dedup FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbox_dedup_default (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    key_hash bytea NOT NULL
);

ALTER TABLE ONLY public.inbox_dedup_default FORCE ROW LEVEL SECURITY;

CREATE TABLE public.invitation (
    tenant_id uuid NOT NULL,
    invitation_id uuid NOT NULL,
    email text NOT NULL,
    project_id uuid,
    role text NOT NULL,
    invited_by text NOT NULL,
    token_hash bytea NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT invitation_email_check CHECK ((((length(email) >= 3) AND (length(email) <= 254)) AND (email = lower(email)))),
    CONSTRAINT invitation_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text])))
);

ALTER TABLE ONLY public.invitation FORCE ROW LEVEL SECURITY;

CREATE TABLE public.lane (
    tenant_id uuid NOT NULL,
    lane_id uuid NOT NULL,
    project_id uuid NOT NULL,
    ready_at timestamp with time zone,
    last_seq bigint DEFAULT 0 NOT NULL,
    done_seq bigint DEFAULT 0 NOT NULL,
    run_id uuid,
    claims integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    owner uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02');

ALTER TABLE ONLY public.lane FORCE ROW LEVEL SECURITY;

CREATE TABLE public.login_failure (
    subject_hash bytea NOT NULL,
    failures integer NOT NULL,
    blocked_until timestamp with time zone,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.membership (
    tenant_id uuid NOT NULL,
    membership_id uuid NOT NULL,
    user_id uuid NOT NULL,
    project_id uuid,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.membership FORCE ROW LEVEL SECURITY;

CREATE TABLE public.model_call (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    call_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    key_id uuid NOT NULL,
    project_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    protocol text NOT NULL,
    model_group text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    error text,
    input_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    cost_nanos bigint,
    took_ms integer NOT NULL,
    first_token_ms integer,
    attempts integer NOT NULL,
    streamed boolean NOT NULL,
    cached boolean NOT NULL,
    CONSTRAINT model_call_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'failed'::text, 'refused'::text, 'aborted'::text])))
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.model_call FORCE ROW LEVEL SECURITY;

CREATE TABLE public.model_group (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    name text NOT NULL,
    models jsonb NOT NULL,
    fallbacks text[] DEFAULT '{}'::text[] NOT NULL,
    routing jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_group_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'::text))
);

ALTER TABLE ONLY public.model_group FORCE ROW LEVEL SECURITY;

CREATE TABLE public.node (
    node_id uuid NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    models boolean DEFAULT false NOT NULL,
    config_seen bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.operator (
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.operator_audit_entry (
    entry_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.organisation (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    max_running integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organisation_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 200))),
    CONSTRAINT organisation_max_running_check CHECK ((max_running > 0)),
    CONSTRAINT organisation_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
    CONSTRAINT organisation_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text]))),
    CONSTRAINT organisation_weight_check CHECK (((weight >= 1) AND (weight <= 100)))
);

ALTER TABLE ONLY public.organisation FORCE ROW LEVEL SECURITY;

CREATE TABLE public.outbox (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    day date NOT NULL,
    lane_id uuid NOT NULL,
    seq bigint NOT NULL,
    run_id uuid,
    channel text NOT NULL,
    connection_id uuid NOT NULL,
    target jsonb NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    text text,
    body jsonb,
    state text DEFAULT 'intent'::text NOT NULL,
    provider_id text,
    parts integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    changed_hands boolean DEFAULT false NOT NULL,
    next_at timestamp with time zone,
    owner uuid,
    epoch bigint DEFAULT 0 NOT NULL,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'sent'::text, 'confirmed'::text, 'failed'::text, 'dropped'::text])))
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.outbox FORCE ROW LEVEL SECURITY;

CREATE TABLE public.price (
    tenant_id uuid NOT NULL,
    price_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    price jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT price_model_check CHECK (((length(model) >= 1) AND (length(model) <= 200)))
);

ALTER TABLE ONLY public.price FORCE ROW LEVEL SECURITY;

CREATE TABLE public.project (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY public.project FORCE ROW LEVEL SECURITY;

CREATE TABLE public.provider (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    name text NOT NULL,
    wire text NOT NULL,
    base_url text DEFAULT ''::text NOT NULL,
    private_allowed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT provider_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'::text)),
    CONSTRAINT provider_wire_check CHECK ((wire = ANY (ARRAY['openai-chat'::text, 'openai-responses'::text, 'anthropic'::text, 'gemini'::text, 'ollama'::text, 'builtin'::text])))
);

ALTER TABLE ONLY public.provider FORCE ROW LEVEL SECURITY;

CREATE TABLE public.refresh_token (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.role (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    inherits text,
    grants text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT role_name_check CHECK ((name ~ '^[a-z][a-z0-9-]{0,62}$'::text))
);

ALTER TABLE ONLY public.role FORCE ROW LEVEL SECURITY;

CREATE TABLE public.route (
    tenant_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    channel text NOT NULL,
    app_id text NOT NULL,
    external_id text NOT NULL,
    secret_fingerprint bytea NOT NULL
);

ALTER TABLE ONLY public.route FORCE ROW LEVEL SECURITY;

CREATE TABLE public.route_claim (
    channel text NOT NULL,
    app_id text NOT NULL,
    external_id text NOT NULL,
    secret_fingerprint bytea NOT NULL,
    tenant_id uuid NOT NULL,
    verified_at timestamp with time zone
);

ALTER TABLE ONLY public.route_claim FORCE ROW LEVEL SECURITY;

CREATE TABLE public.run (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    day date NOT NULL,
    lane_id uuid NOT NULL,
    seq bigint NOT NULL,
    program text NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_usd numeric(18,9) DEFAULT 0,
    CONSTRAINT run_status_check CHECK ((status = ANY (ARRAY['running'::text, 'waiting'::text, 'done'::text, 'failed'::text])))
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.run FORCE ROW LEVEL SECURITY;

CREATE TABLE public.secret (
    tenant_id uuid NOT NULL,
    secret_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    sealed bytea NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT secret_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY public.secret FORCE ROW LEVEL SECURITY;

CREATE TABLE public.session (
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoked_reason text
);

CREATE TABLE public.step (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    seq integer NOT NULL,
    state text NOT NULL,
    day date NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    output jsonb NOT NULL,
    duration_ms integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_usd numeric(18,9) DEFAULT 0,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT step_state_check CHECK ((state = ANY (ARRAY['started'::text, 'done'::text, 'failed'::text])))
)
PARTITION BY RANGE (day);

ALTER TABLE ONLY public.step FORCE ROW LEVEL SECURITY;

CREATE TABLE public.usage_day (
    tenant_id uuid NOT NULL,
    begins timestamp with time zone NOT NULL,
    key_id uuid NOT NULL,
    project_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    requests bigint NOT NULL,
    cost_unknown bigint NOT NULL,
    cached bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanos bigint NOT NULL,
    took_ms bigint NOT NULL,
    latency bigint[] NOT NULL,
    first_token bigint[] NOT NULL,
    CONSTRAINT usage_hour_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'failed'::text, 'refused'::text, 'aborted'::text])))
);

ALTER TABLE ONLY public.usage_day FORCE ROW LEVEL SECURITY;

CREATE TABLE public.usage_flush (
    log_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.usage_hour (
    tenant_id uuid NOT NULL,
    begins timestamp with time zone NOT NULL,
    key_id uuid NOT NULL,
    project_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    requests bigint NOT NULL,
    cost_unknown bigint NOT NULL,
    cached bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanos bigint NOT NULL,
    took_ms bigint NOT NULL,
    latency bigint[] NOT NULL,
    first_token bigint[] NOT NULL,
    CONSTRAINT usage_hour_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'failed'::text, 'refused'::text, 'aborted'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.02');

ALTER TABLE ONLY public.usage_hour FORCE ROW LEVEL SECURITY;

CREATE TABLE public.usage_retention (
    tenant_id uuid NOT NULL,
    keep_days integer NOT NULL,
    CONSTRAINT usage_retention_keep_days_check CHECK (((keep_days >= 1) AND (keep_days <= 3650)))
);

ALTER TABLE ONLY public.usage_retention FORCE ROW LEVEL SECURITY;

CREATE TABLE public.users (
    user_id uuid NOT NULL,
    email text NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    password_hash text,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_display_name_check CHECK ((length(display_name) <= 200)),
    CONSTRAINT users_email_check CHECK ((((length(email) >= 3) AND (length(email) <= 254)) AND (email = lower(email))))
);

CREATE TABLE public.virtual_key (
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    name text NOT NULL,
    project_id uuid,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    model_groups text[] DEFAULT '{}'::text[] NOT NULL,
    requests_per_minute bigint,
    tokens_per_minute bigint,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT virtual_key_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT virtual_key_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT virtual_key_tokens_per_minute_check CHECK ((tokens_per_minute > 0))
);

ALTER TABLE ONLY public.virtual_key FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.inbox_dedup ATTACH PARTITION public.inbox_dedup_default DEFAULT;

ALTER TABLE ONLY public.agent
    ADD CONSTRAINT agent_pkey PRIMARY KEY (tenant_id, agent_id);

ALTER TABLE ONLY public.agent
    ADD CONSTRAINT agent_tenant_id_project_id_name_key UNIQUE (tenant_id, project_id, name);

ALTER TABLE ONLY public.agent_version
    ADD CONSTRAINT agent_version_pkey PRIMARY KEY (tenant_id, agent_id, version);

ALTER TABLE ONLY public.amendment
    ADD CONSTRAINT amendment_pkey PRIMARY KEY (tenant_id, conversation_id, message_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (tenant_id, entry_id);

ALTER TABLE ONLY public.budget_alert
    ADD CONSTRAINT budget_alert_pkey PRIMARY KEY (tenant_id, budget_id, begins, percent);

ALTER TABLE ONLY public.budget_lease
    ADD CONSTRAINT budget_lease_pkey PRIMARY KEY (tenant_id, budget_id, begins, holder);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (tenant_id, budget_id);

ALTER TABLE ONLY public.budget_window
    ADD CONSTRAINT budget_window_pkey PRIMARY KEY (tenant_id, budget_id, begins);

ALTER TABLE ONLY public.channel_app
    ADD CONSTRAINT channel_app_pkey PRIMARY KEY (channel, app_id);

ALTER TABLE ONLY public.config_epoch
    ADD CONSTRAINT config_epoch_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_pkey PRIMARY KEY (tenant_id, connection_id);

ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.contact_identity
    ADD CONSTRAINT contact_identity_pkey PRIMARY KEY (tenant_id, channel, scope, external_id);

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (tenant_id, contact_id);

ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_pkey PRIMARY KEY (tenant_id, conversation_id);

ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (tenant_id, letter_id);

ALTER TABLE ONLY public.inbox_dedup
    ADD CONSTRAINT inbox_dedup_pkey PRIMARY KEY (tenant_id, day, key_hash);

ALTER TABLE ONLY public.inbox_dedup_default
    ADD CONSTRAINT inbox_dedup_default_pkey PRIMARY KEY (tenant_id, day, key_hash);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (tenant_id, lane_id, seq, day);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (tenant_id, invitation_id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_tenant_id_token_hash_key UNIQUE (tenant_id, token_hash);

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (tenant_id, lane_id);

ALTER TABLE ONLY public.login_failure
    ADD CONSTRAINT login_failure_pkey PRIMARY KEY (subject_hash);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (tenant_id, membership_id);

ALTER TABLE ONLY public.model_call
    ADD CONSTRAINT model_call_pkey PRIMARY KEY (tenant_id, day, call_id);

ALTER TABLE ONLY public.model_group
    ADD CONSTRAINT model_group_pkey PRIMARY KEY (tenant_id, group_id);

ALTER TABLE ONLY public.model_group
    ADD CONSTRAINT model_group_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (node_id);

ALTER TABLE ONLY public.operator_audit_entry
    ADD CONSTRAINT operator_audit_entry_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY public.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_name_key UNIQUE (name);

ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (tenant_id, message_id, day);

ALTER TABLE ONLY public.price
    ADD CONSTRAINT price_pkey PRIMARY KEY (tenant_id, price_id);

ALTER TABLE ONLY public.price
    ADD CONSTRAINT price_tenant_id_provider_model_key UNIQUE (tenant_id, provider, model);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (tenant_id, project_id);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_pkey PRIMARY KEY (tenant_id, provider_id);

ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY public.route_claim
    ADD CONSTRAINT route_claim_channel_app_id_external_id_secret_fingerprint_t_key UNIQUE (channel, app_id, external_id, secret_fingerprint, tenant_id);

ALTER TABLE ONLY public.route_claim
    ADD CONSTRAINT route_claim_pkey PRIMARY KEY (channel, app_id, external_id, secret_fingerprint);

ALTER TABLE ONLY public.route
    ADD CONSTRAINT route_pkey PRIMARY KEY (tenant_id, connection_id);

ALTER TABLE ONLY public.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (tenant_id, run_id, day);

ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (tenant_id, secret_id);

ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_tenant_id_owner_id_name_key UNIQUE (tenant_id, owner_id, name);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY public.step
    ADD CONSTRAINT step_pkey PRIMARY KEY (tenant_id, run_id, seq, state, day);

ALTER TABLE ONLY public.usage_day
    ADD CONSTRAINT usage_day_pkey PRIMARY KEY (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome);

ALTER TABLE ONLY public.usage_flush
    ADD CONSTRAINT usage_flush_pkey PRIMARY KEY (log_id);

ALTER TABLE ONLY public.usage_hour
    ADD CONSTRAINT usage_hour_pkey PRIMARY KEY (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome) INCLUDE (requests, cost_unknown, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nanos);

ALTER TABLE ONLY public.usage_retention
    ADD CONSTRAINT usage_retention_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.virtual_key
    ADD CONSTRAINT virtual_key_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.virtual_key
    ADD CONSTRAINT virtual_key_pkey PRIMARY KEY (tenant_id, key_id);

ALTER TABLE ONLY public.virtual_key
    ADD CONSTRAINT virtual_key_tenant_id_name_key UNIQUE (tenant_id, name);

CREATE INDEX api_key_of_organisation ON public.api_key USING btree (organisation_id, created_at);

CREATE INDEX audit_entry_newest ON public.audit_entry USING btree (tenant_id, at DESC, entry_id DESC);

CREATE INDEX budget_lease_held ON public.budget_lease USING btree (node_id) WHERE (granted > settled);

CREATE UNIQUE INDEX budget_one_a_period ON public.budget USING btree (tenant_id, project_id, agent_id, key_id, period) NULLS NOT DISTINCT;

CREATE INDEX contact_identity_of_contact ON public.contact_identity USING btree (tenant_id, contact_id);

CREATE INDEX conversation_newest ON public.conversation USING btree (tenant_id, last_message_at DESC, conversation_id DESC);

CREATE INDEX dead_letter_newest ON public.dead_letter USING btree (tenant_id, at DESC, letter_id DESC);

CREATE INDEX invitation_by_expiry ON public.invitation USING btree (expires_at);

CREATE UNIQUE INDEX invitation_one_pending ON public.invitation USING btree (tenant_id, email, project_id) NULLS NOT DISTINCT WHERE (state = 'pending'::text);

CREATE INDEX lane_owned ON public.lane USING btree (owner) WHERE (owner IS NOT NULL);

CREATE INDEX lane_ready ON public.lane USING btree (tenant_id, ready_at) WHERE (ready_at IS NOT NULL);

CREATE INDEX membership_of_user ON public.membership USING btree (user_id);

CREATE UNIQUE INDEX membership_one_grant ON public.membership USING btree (tenant_id, user_id, project_id) NULLS NOT DISTINCT;

CREATE INDEX outbox_due ON ONLY public.outbox USING btree (next_at) WHERE (next_at IS NOT NULL);

CREATE INDEX outbox_owned ON ONLY public.outbox USING btree (owner) WHERE (owner IS NOT NULL);

CREATE INDEX outbox_unposted ON ONLY public.outbox USING btree (lane_id, seq) WHERE (state = 'intent'::text);

CREATE INDEX refresh_token_of_session ON public.refresh_token USING btree (session_id);

CREATE INDEX route_by_channel ON public.route USING btree (channel, external_id, tenant_id);

CREATE INDEX route_claim_by_installation ON public.route_claim USING btree (channel, external_id);

CREATE INDEX session_of_user ON public.session USING btree (user_id);

CREATE UNIQUE INDEX users_email ON public.users USING btree (email);

ALTER INDEX public.inbox_dedup_pkey ATTACH PARTITION public.inbox_dedup_default_pkey;

ALTER TABLE ONLY public.agent
    ADD CONSTRAINT agent_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.agent_version
    ADD CONSTRAINT agent_version_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agent(tenant_id, agent_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.amendment
    ADD CONSTRAINT amendment_tenant_id_conversation_id_fkey FOREIGN KEY (tenant_id, conversation_id) REFERENCES public.lane(tenant_id, lane_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(user_id) ON DELETE SET NULL;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_organisation_id_role_fkey FOREIGN KEY (organisation_id, role) REFERENCES public.role(tenant_id, name) DEFERRABLE;

ALTER TABLE ONLY public.audit_entry
    ADD CONSTRAINT audit_entry_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget_alert
    ADD CONSTRAINT budget_alert_tenant_id_budget_id_begins_fkey FOREIGN KEY (tenant_id, budget_id, begins) REFERENCES public.budget_window(tenant_id, budget_id, begins) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget_lease
    ADD CONSTRAINT budget_lease_tenant_id_budget_id_begins_fkey FOREIGN KEY (tenant_id, budget_id, begins) REFERENCES public.budget_window(tenant_id, budget_id, begins) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agent(tenant_id, agent_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_key_id_fkey FOREIGN KEY (tenant_id, key_id) REFERENCES public.virtual_key(tenant_id, key_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget_window
    ADD CONSTRAINT budget_window_tenant_id_budget_id_fkey FOREIGN KEY (tenant_id, budget_id) REFERENCES public.budget(tenant_id, budget_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agent(tenant_id, agent_id) DEFERRABLE;

ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_identity
    ADD CONSTRAINT contact_identity_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contact(tenant_id, contact_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agent(tenant_id, agent_id) ON DELETE SET NULL (agent_id);

ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_tenant_id_connection_id_fkey FOREIGN KEY (tenant_id, connection_id) REFERENCES public.connection(tenant_id, connection_id) ON DELETE SET NULL (connection_id);

ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_tenant_id_contact_id_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES public.contact(tenant_id, contact_id) ON DELETE SET NULL (contact_id);

ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_tenant_id_conversation_id_fkey FOREIGN KEY (tenant_id, conversation_id) REFERENCES public.lane(tenant_id, lane_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_tenant_id_role_fkey FOREIGN KEY (tenant_id, role) REFERENCES public.role(tenant_id, name) DEFERRABLE;

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.model_group
    ADD CONSTRAINT model_group_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.operator
    ADD CONSTRAINT operator_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.price
    ADD CONSTRAINT price_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.price
    ADD CONSTRAINT price_tenant_id_provider_fkey FOREIGN KEY (tenant_id, provider) REFERENCES public.provider(tenant_id, name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.session(session_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_tenant_id_inherits_fkey FOREIGN KEY (tenant_id, inherits) REFERENCES public.role(tenant_id, name);

ALTER TABLE ONLY public.route
    ADD CONSTRAINT route_channel_app_id_external_id_secret_fingerprint_tenant_fkey FOREIGN KEY (channel, app_id, external_id, secret_fingerprint, tenant_id) REFERENCES public.route_claim(channel, app_id, external_id, secret_fingerprint, tenant_id) DEFERRABLE;

ALTER TABLE ONLY public.route_claim
    ADD CONSTRAINT route_claim_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.route
    ADD CONSTRAINT route_tenant_id_connection_id_fkey FOREIGN KEY (tenant_id, connection_id) REFERENCES public.connection(tenant_id, connection_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_day
    ADD CONSTRAINT usage_day_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_hour
    ADD CONSTRAINT usage_hour_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.usage_retention
    ADD CONSTRAINT usage_retention_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.virtual_key
    ADD CONSTRAINT virtual_key_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.organisation(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.virtual_key
    ADD CONSTRAINT virtual_key_tenant_id_project_id_fkey FOREIGN KEY (tenant_id, project_id) REFERENCES public.project(tenant_id, project_id) ON DELETE CASCADE;

ALTER TABLE public.agent ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.agent_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.amendment ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budget ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budget_alert ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budget_lease ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budget_window ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.connection ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_identity ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conversation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dead_letter ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbox_dedup ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbox_dedup_default ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invitation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.lane ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.membership ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.model_call ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.model_group ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.organisation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.price ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.project ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.provider ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.role ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.route ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.route_claim ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.step ENABLE ROW LEVEL SECURITY;

CREATE POLICY system ON public.budget TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.budget_alert TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.budget_lease TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.budget_window TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.dead_letter TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.inbox TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.inbox_dedup TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.inbox_dedup_default TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.invitation TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.lane TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.membership TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.model_call TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.organisation TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.outbox TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.project TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.role TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.route TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.route_claim TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.run TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.step TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.usage_day TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.usage_hour TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.usage_retention TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY system ON public.virtual_key TO konstruct_system USING (true) WITH CHECK (true);

CREATE POLICY tenant ON public.agent TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.agent_version TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.amendment TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.audit_entry TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.budget TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.budget_alert TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.budget_lease TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.budget_window TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.connection TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.contact TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.contact_identity TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.conversation TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.dead_letter TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.inbox TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.inbox_dedup TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.inbox_dedup_default TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.invitation TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.lane TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.membership TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.model_call TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.model_group TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.organisation TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.outbox TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.price TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.project TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.provider TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.role TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.route TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.route_claim TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.run TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.secret TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.step TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.usage_day TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.usage_hour TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.usage_retention TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

CREATE POLICY tenant ON public.virtual_key TO konstruct_app USING ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting))) WITH CHECK ((tenant_id = ( SELECT (current_setting('app.tenant_id'::text))::uuid AS current_setting)));

ALTER TABLE public.usage_day ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_hour ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_retention ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.virtual_key ENABLE ROW LEVEL SECURITY;

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO konstruct_app;
GRANT USAGE ON SCHEMA public TO konstruct_system;

REVOKE ALL ON FUNCTION public.add_counts(these bigint[], those bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_counts(these bigint[], those bigint[]) TO konstruct_system;

REVOKE ALL ON PROCEDURE public.admit_system(IN entity regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.drop_partitions(entity text, before_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_partitions(entity text, before_day date) TO konstruct_system;

REVOKE ALL ON FUNCTION public.make_partition(entity text, from_day date, to_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_partition(entity text, from_day date, to_day date) TO konstruct_system;

REVOKE ALL ON PROCEDURE public.protect(IN entity regclass) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agent TO konstruct_app;

GRANT SELECT,INSERT ON TABLE public.agent_version TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.amendment TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_key TO konstruct_system;

GRANT SELECT,INSERT ON TABLE public.audit_entry TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget TO konstruct_app;

GRANT SELECT(tenant_id) ON TABLE public.budget TO konstruct_system;

GRANT SELECT(budget_id) ON TABLE public.budget TO konstruct_system;

GRANT SELECT(amount) ON TABLE public.budget TO konstruct_system;

GRANT SELECT(alerts) ON TABLE public.budget TO konstruct_system;

GRANT SELECT ON TABLE public.budget_alert TO konstruct_app;
GRANT SELECT,INSERT ON TABLE public.budget_alert TO konstruct_system;

GRANT SELECT ON TABLE public.budget_lease TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget_lease TO konstruct_system;

GRANT SELECT ON TABLE public.budget_window TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget_window TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_app TO konstruct_system;

GRANT SELECT,UPDATE ON TABLE public.config_epoch TO konstruct_app;
GRANT SELECT,UPDATE ON TABLE public.config_epoch TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.connection TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contact TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contact_identity TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conversation TO konstruct_app;

GRANT SELECT,DELETE ON TABLE public.dead_letter TO konstruct_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.dead_letter TO konstruct_system;

GRANT UPDATE(replayed_at) ON TABLE public.dead_letter TO konstruct_app;

GRANT SELECT ON TABLE public.inbox TO konstruct_app;
GRANT INSERT,DELETE ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(tenant_id) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(lane_id) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(seq) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(day) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(message_id) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(program) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT(received_at) ON TABLE public.inbox TO konstruct_system;

GRANT SELECT,INSERT,DELETE ON TABLE public.inbox_dedup TO konstruct_system;

GRANT SELECT,INSERT ON TABLE public.invitation TO konstruct_app;
GRANT DELETE ON TABLE public.invitation TO konstruct_system;

GRANT UPDATE(state) ON TABLE public.invitation TO konstruct_app;

GRANT SELECT(expires_at) ON TABLE public.invitation TO konstruct_system;

GRANT SELECT ON TABLE public.lane TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lane TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_failure TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.membership TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.membership TO konstruct_system;

GRANT SELECT ON TABLE public.model_call TO konstruct_app;
GRANT INSERT,DELETE ON TABLE public.model_call TO konstruct_system;

GRANT SELECT(tenant_id) ON TABLE public.model_call TO konstruct_system;

GRANT SELECT(day) ON TABLE public.model_call TO konstruct_system;

GRANT SELECT(call_id) ON TABLE public.model_call TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.model_group TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.node TO konstruct_system;

GRANT SELECT,INSERT,DELETE ON TABLE public.operator TO konstruct_system;

GRANT SELECT,INSERT ON TABLE public.operator_audit_entry TO konstruct_system;

GRANT SELECT ON TABLE public.organisation TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.organisation TO konstruct_system;

GRANT UPDATE(display_name) ON TABLE public.organisation TO konstruct_app;

GRANT SELECT ON TABLE public.outbox TO konstruct_app;
GRANT INSERT,DELETE,UPDATE ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(tenant_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(message_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(day) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(lane_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(seq) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(run_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(channel) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(connection_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(target) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(ended) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(state) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(provider_id) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(parts) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(attempts) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(changed_hands) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(next_at) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(owner) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(epoch) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(created_at) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT(confirmed_at) ON TABLE public.outbox TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.price TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project TO konstruct_app;
GRANT SELECT,INSERT ON TABLE public.project TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.provider TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_token TO konstruct_system;

GRANT SELECT ON TABLE public.role TO konstruct_app;
GRANT SELECT,INSERT ON TABLE public.role TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.route TO konstruct_app;
GRANT SELECT ON TABLE public.route TO konstruct_system;

GRANT SELECT,INSERT,DELETE ON TABLE public.route_claim TO konstruct_app;
GRANT SELECT ON TABLE public.route_claim TO konstruct_system;

GRANT UPDATE(verified_at) ON TABLE public.route_claim TO konstruct_app;

GRANT SELECT ON TABLE public.run TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.secret TO konstruct_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session TO konstruct_system;

GRANT SELECT ON TABLE public.step TO konstruct_app;
GRANT INSERT,DELETE ON TABLE public.step TO konstruct_system;

GRANT SELECT(tenant_id) ON TABLE public.step TO konstruct_system;

GRANT SELECT(run_id) ON TABLE public.step TO konstruct_system;

GRANT SELECT(seq) ON TABLE public.step TO konstruct_system;

GRANT SELECT(state) ON TABLE public.step TO konstruct_system;

GRANT SELECT(day) ON TABLE public.step TO konstruct_system;

GRANT SELECT(key) ON TABLE public.step TO konstruct_system;

GRANT SELECT(kind) ON TABLE public.step TO konstruct_system;

GRANT SELECT(at) ON TABLE public.step TO konstruct_system;

GRANT SELECT ON TABLE public.usage_day TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_day TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_flush TO konstruct_system;

GRANT SELECT ON TABLE public.usage_hour TO konstruct_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_hour TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_retention TO konstruct_app;
GRANT SELECT ON TABLE public.usage_retention TO konstruct_system;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO konstruct_system;

GRANT SELECT,INSERT,DELETE ON TABLE public.virtual_key TO konstruct_app;

GRANT SELECT(tenant_id) ON TABLE public.virtual_key TO konstruct_system;

GRANT SELECT(key_id) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(name) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(name) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(project_id) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(project_id) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(prefix) ON TABLE public.virtual_key TO konstruct_app;

GRANT UPDATE(key_hash) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(key_hash) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(model_groups) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(model_groups) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(requests_per_minute) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(requests_per_minute) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(tokens_per_minute) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(tokens_per_minute) ON TABLE public.virtual_key TO konstruct_system;

GRANT UPDATE(disabled_at) ON TABLE public.virtual_key TO konstruct_app;
GRANT SELECT(disabled_at) ON TABLE public.virtual_key TO konstruct_system;

GRANT SELECT(last_used_at),UPDATE(last_used_at) ON TABLE public.virtual_key TO konstruct_system;
