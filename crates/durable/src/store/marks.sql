with item as (
    select *
    from unnest($1::int[], $2::uuid[], $3::uuid[], $4::date[], $5::bigint[], $6::text[], $7::text[], $8::int[],
                $9::bool[], $10::float8[], $11::text[], $12::bool[], $15::int[])
        as t (ord, tenant_id, message_id, day, epoch, state, provider_id, parts, keep_if_ended, after, reason, dead, failures)
),
locked as (
    select o.tenant_id, o.message_id, o.day
    from outbox o
    join item on item.tenant_id = o.tenant_id and item.message_id = o.message_id and item.day = o.day
    where o.epoch = item.epoch and o.owner = $13::uuid
    order by o.tenant_id, o.message_id
    for no key update of o
),
marked as (
    update outbox o
    set state = coalesce(item.state, o.state),
        provider_id = coalesce(item.provider_id, o.provider_id),
        parts = greatest(item.parts, o.parts),
        last_error = item.reason,
        attempts = greatest(o.attempts, item.failures),
        -- Whoever was at work on it before may have posted since without a chance to take that back.
        next_at = now() + make_interval(secs => case
            when item.state in ('confirmed', 'dropped') and o.state <> item.state and o.changed_hands then $14
            else item.after end),
        confirmed_at = case when item.state = 'confirmed' then clock_timestamp() else o.confirmed_at end,
        owner = case when item.keep_if_ended and o.ended then o.owner end
    from item join locked using (tenant_id, message_id, day)
    where o.tenant_id = item.tenant_id and o.message_id = item.message_id and o.day = item.day
    returning item.ord, item.dead, item.reason, o.ended, o.tenant_id, o.lane_id, o.seq, o.message_id, o.run_id, o.attempts
),
letters as (
    insert into dead_letter (tenant_id, letter_id, source, lane_id, seq, message_id, run_id, reason, attempts)
    select tenant_id, gen_random_uuid(), 'reply', lane_id, seq, message_id, run_id, coalesce(reason, ''), attempts
    from marked where dead
)
select ord as "ord!", ended as "ended!" from marked
